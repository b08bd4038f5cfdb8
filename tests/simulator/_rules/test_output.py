"""The items of a response: several open at once, phases, filler, what only some services send."""

from __future__ import annotations

import base64
from typing import Literal

import pytest

from anyrealtime.simulator._rules._output import obfuscation
from tests.simulator.driver import Driver, finish, kinds
from tests.simulator.schemas import Json


def test_a_message_stays_open_while_a_function_is_called() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    run.begin_message("commentary")
    finish(run.say("Let me", 1))
    call = run.begin_call("look", "call_1", alongside=True)
    assert call is not None
    finish(run.argue(call, ['{"at"', ": 1}"]))
    finish(run.say(" see.", 1))
    run.end_call(call)
    finish(run.say(" There.", 1))
    run.complete()
    events = driver.take()
    steps = [
        (event["output_index"], event["type"].removeprefix("response."))
        for event in events
        if "output_index" in event
    ]
    assert steps == [
        (0, "output_item.added"),
        (0, "content_part.added"),
        (0, "output_text.delta"),
        (0, "output_text.delta"),
        (1, "output_item.added"),
        (1, "function_call_arguments.delta"),
        (1, "function_call_arguments.delta"),
        (0, "output_text.delta"),
        (1, "function_call_arguments.done"),
        (1, "output_item.done"),
        (0, "output_text.delta"),
        (0, "output_text.done"),
        (0, "content_part.done"),
        (0, "output_item.done"),
    ]
    message, called = events[-2]["response"]["output"]
    assert message["phase"] == "commentary"
    assert message["content"][0]["text"] == "Let me see. There."
    assert called["arguments"] == '{"at": 1}'


def test_what_is_open_when_it_is_cancelled_ends_in_order() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    finish(run.say("Let me", 1))
    call = run.begin_call("look", "call_1", alongside=True)
    assert call is not None
    finish(run.argue(call, ['{"at"']))
    driver.take()
    events = driver.tell("response.cancel")
    assert kinds(events) == [
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    statuses = [item["status"] for item in events[-2]["response"]["output"]]
    assert statuses == ["incomplete", "incomplete"]
    assert finish(run.argue(call, ["1}"])) == 0
    run.end_call(call)
    assert run.begin_call("again", None) is None
    assert driver.take() == []


def test_two_calls_are_open_at_once() -> None:
    driver = Driver()
    run, _ = driver.start()
    calls = [run.begin_call("look", f"call_{index}") for index in range(2)]
    for piece in ("{", "}"):
        for call in calls:
            assert call is not None
            finish(run.argue(call, [piece]))
    for call in reversed(calls):
        assert call is not None
        run.end_call(call)
    run.complete()
    output = driver.take()[-2]["response"]["output"]
    assert [(item["call_id"], item["arguments"]) for item in output] == [
        ("call_0", "{}"),
        ("call_1", "{}"),
    ]


def test_what_is_truncated_while_it_is_said_stays_so() -> None:
    driver = Driver()
    run, _ = driver.start()
    finish(run.say("One", 1))
    finish(run.sound(bytes(48 * 500)))
    item_id = driver.take()[0]["item"]["id"]
    driver.tell("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=200)
    finish(run.say(" two", 1))
    finish(run.sound(bytes(48 * 500)))
    run.complete()
    driver.take()
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item_id)
    [part] = retrieved["item"]["content"]
    assert (part["transcript"], len(base64.b64decode(part["audio"]))) == (None, 48 * 200)
    assert retrieved["item"]["status"] == "completed"


def test_what_only_some_services_send() -> None:
    driver = Driver(extras=True)
    assert kinds(driver.opening) == ["session.created", "conversation.created"]
    run, created = driver.start(output_modalities=["text"])
    assert driver.opening[1]["conversation"]["id"] == created[0]["response"]["conversation_id"]
    run.think("Hm, let me see.")
    finish(run.say("Hello.", 1))
    run.complete()
    events = driver.take()
    parts: list[Json] = [event for event in events if "content_part" in event["type"]]
    assert [part["content"] for part in parts] == [part["part"] for part in parts]
    response = events[-2]["response"]
    assert response["output"][0]["phase"] == "final_answer"
    spent = response["usage"]["output_token_details"]
    assert spent["reasoning_tokens"] == 6
    assert spent["text_tokens"] == response["usage"]["output_tokens"] == 8


def test_it_is_not_sent_unasked() -> None:
    driver = Driver()
    assert kinds(driver.opening) == ["session.created"]
    response = driver.answer("Hello.")[-2]["response"]
    assert "phase" not in response["output"][0]
    assert "reasoning_tokens" not in response["usage"]["output_token_details"]


@pytest.mark.parametrize("modality", ["text", "audio"])
def test_filler_only_where_it_is_wanted(modality: Literal["text", "audio"]) -> None:
    def deltas(*, obfuscate: bool) -> list[Json]:
        driver = Driver(obfuscate=obfuscate)
        events = driver.answer("Hello there!", output_modalities=[modality])
        return [
            event for event in events if event["type"].endswith(("text.delta", "transcript.delta"))
        ]

    assert not any("obfuscation" in event for event in deltas(obfuscate=False))
    assert {len(event["delta"] + event["obfuscation"]) for event in deltas(obfuscate=True)} == {16}


def test_filler_is_empty_for_long_deltas() -> None:
    assert obfuscation("x" * 40) == ""
