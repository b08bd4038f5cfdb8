"""What is answered to each command about responses, and in which order."""

from __future__ import annotations

import base64

import pytest

from tests.simulator.driver import Driver, finish, kinds

RESPONSE_START = ["response.created", "response.output_item.added", "conversation.item.added"]
ITEM_END = ["conversation.item.done", "response.output_item.done"]
RESPONSE_END = ["response.done", "rate_limits.updated"]


def test_a_text_response_in_order() -> None:
    driver = Driver()
    question = driver.say("Hi")
    events = driver.answer("Hello there!", output_modalities=["text"], metadata={"token": "7"})
    assert kinds(events) == [
        *RESPONSE_START,
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        *ITEM_END,
        *RESPONSE_END,
    ]
    created, item_added, added = events[:3]
    assert created["response"]["status"] == "in_progress"
    assert created["response"]["metadata"] == {"token": "7"}
    assert item_added["item"] == added["item"]
    assert added["item"]["status"] == "in_progress"
    assert added["item"]["content"] == []
    assert added["previous_item_id"] == question["id"]
    deltas = [event["delta"] for event in events if event["type"].endswith("delta")]
    assert deltas == ["Hello", " there!"]
    done = events[-2]["response"]
    assert done["status"] == "completed"
    assert done["metadata"] == {"token": "7"}
    assert done["output"][0]["content"] == [{"type": "output_text", "text": "Hello there!"}]


def test_an_audio_response_in_order() -> None:
    driver = Driver()
    events = driver.answer("Hello there!")
    assert kinds(events) == [
        *RESPONSE_START,
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        *ITEM_END,
        *RESPONSE_END,
    ]
    chunks = [
        base64.b64decode(event["delta"])
        for event in events
        if event["type"] == "response.output_audio.delta"
    ]
    assert all(0 < len(chunk) <= 200 * 48 for chunk in chunks)
    assert "audio" not in events[-2]["response"]["output"][0]["content"][0]
    item_id = events[1]["item"]["id"]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item_id)
    assert base64.b64decode(retrieved["item"]["content"][0]["audio"]) == b"".join(chunks)


def test_one_response_at_a_time() -> None:
    driver = Driver()
    run, _ = driver.start()
    error = driver.refused("response.create")
    assert error["code"] == "conversation_already_has_active_response"
    assert run.id in error["message"]
    run.complete()
    assert driver.take()[0]["response"]["status"] == "completed"
    assert kinds(driver.answer("Hi"))[-2] == "response.done"


def test_responses_out_of_the_conversation_run_beside_it() -> None:
    driver = Driver()
    default, _ = driver.start(output_modalities=["text"])
    apart, events = driver.start(conversation="none", output_modalities=["text"])
    again, _ = driver.start(conversation="none", output_modalities=["text"])
    assert events[0]["response"]["conversation_id"] is None
    finish(apart.say("Aside.", 1))
    apart.complete()
    events = driver.take()
    assert not any(event["type"].startswith("conversation.") for event in events)
    item_id = events[0]["item"]["id"]
    error = driver.refused("conversation.item.retrieve", item_id=item_id)
    assert error["code"] == "item_retrieve_invalid_item_id"
    assert kinds(driver.tell("response.cancel", response_id=again.id))[0] == "response.done"
    assert driver.refused("response.cancel", response_id=again.id)["code"] == (
        "response_cancel_not_active"
    )
    assert driver.tell("response.cancel")[0]["response"]["id"] == default.id


def test_cancel_ends_what_is_open() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    steps = run.say("One two three", 1)
    next(steps)
    driver.take()
    events = driver.tell("response.cancel", response_id=run.id)
    assert kinds(events) == [
        "response.output_text.done",
        "response.content_part.done",
        *ITEM_END,
        *RESPONSE_END,
    ]
    response = events[-2]["response"]
    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "One"
    assert driver.stopped == [run.id]
    assert finish(steps) == 0
    run.complete()
    assert driver.take() == []


def test_cancel_without_a_response_is_refused() -> None:
    assert Driver().refused("response.cancel")["code"] == "response_cancel_not_active"


def test_input_replaces_the_conversation() -> None:
    driver = Driver()
    first, _ = driver.say("one"), driver.say("two")
    message = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "three"}],
    }
    driver.start(
        input=[{"type": "item_reference", "id": first["id"]}, message], conversation="none"
    )
    texts = [entry.content[0]["text"] for entry in driver.started[-1].context]
    assert texts == ["one", "three"]
    error = driver.refused(
        "response.create", response={"input": [message, {"type": "item_reference", "id": "gone"}]}
    )
    assert error["param"] == "response.input[1].id"


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"modalities": ["text"]}, "unknown_parameter", "response.modalities"),
        ({"output_modalities": ["text", "audio"]}, "invalid_value", "response.output_modalities"),
        ({"output_modalities": []}, "invalid_value", "response.output_modalities"),
        ({"conversation": "mine"}, "invalid_value", "response.conversation"),
        ({"max_output_tokens": 0}, "integer_below_min_value", "response.max_output_tokens"),
        ({"metadata": {"k": 3}}, "invalid_type", "response.metadata"),
        ({"metadata": {"k": "v" * 513}}, "string_above_max_length", "response.metadata"),
        ({"metadata": {"k" * 65: "v"}}, "string_above_max_length", "response.metadata"),
        (
            {"metadata": {str(number): "v" for number in range(17)}},
            "object_above_max_properties",
            "response.metadata",
        ),
        ({"max_output_tokens": 4_097}, "integer_above_max_value", "response.max_output_tokens"),
        ({"input": [{"type": "nope"}]}, "invalid_value", "response.input[0].type"),
    ],
)
def test_a_malformed_response_create_starts_nothing(
    response: dict[str, object], code: str, param: str
) -> None:
    driver = Driver()
    error = driver.refused("response.create", response=response)
    assert (error["code"], error["param"]) == (code, param)
    assert driver.started == []


def test_usage_adds_up_and_caches_what_was_read_before() -> None:
    driver = Driver()
    driver.say("word " * 200)
    driver.tell("input_audio_buffer.append", audio=base64.b64encode(bytes(48_000)).decode())
    driver.tell("input_audio_buffer.commit")
    first = driver.answer("Hello there!")[-2]["response"]["usage"]
    second = driver.answer("Hello again!")[-2]["response"]["usage"]
    for usage in (first, second):
        given, made = usage["input_token_details"], usage["output_token_details"]
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["input_tokens"] == sum(
            given[name] for name in ("text_tokens", "audio_tokens", "image_tokens")
        )
        assert usage["output_tokens"] == made["text_tokens"] + made["audio_tokens"]
        assert given["cached_tokens"] == sum(given["cached_tokens_details"].values())
        assert given["cached_tokens"] <= usage["input_tokens"]
    assert first["input_token_details"]["audio_tokens"] == 10
    assert first["input_token_details"]["cached_tokens"] == 0
    assert second["input_token_details"]["cached_tokens"] > 0


def test_rate_limits_go_down() -> None:
    driver = Driver()
    limits = [driver.answer("Hi")[-1]["rate_limits"] for _ in range(2)]
    assert [limit["name"] for limit in limits[0]] == ["tokens"]
    assert limits[1][0]["remaining"] < limits[0][0]["remaining"] < limits[0][0]["limit"]


def test_output_audio_is_cleared_only_where_there_is_a_call() -> None:
    assert Driver().refused("output_audio_buffer.clear")["param"] == "type"
    driver = Driver(sideband=True)
    assert kinds(driver.tell("output_audio_buffer.clear")) == ["output_audio_buffer.cleared"]


def test_who_has_no_tokens_left_waits_for_more() -> None:
    now = 0.0
    driver = Driver(tokens_per_minute=60, now=lambda: now)
    first = driver.answer("One two three.", instructions="word " * 60)
    [limit] = first[-1]["rate_limits"]
    assert (limit["limit"], limit["remaining"]) == (60, 0)
    created, done, limits = driver.tell("response.create")
    assert created["type"] == "response.created"
    assert done["response"]["status"] == "failed"
    assert done["response"]["status_details"]["error"]["code"] == "rate_limit_exceeded"
    assert limits["type"] == "rate_limits.updated"
    assert len(driver.started) == 1
    now += 60
    assert driver.answer("Hi.")[-2]["response"]["status"] == "completed"


def test_the_voice_of_a_conversation_stays() -> None:
    driver = Driver()
    other = {"output": {"voice": "marin"}}
    driver.answer("Hello.", audio=other)
    error = driver.refused("response.create", response={"audio": other})
    assert error["code"] == "cannot_update_voice"
    assert driver.answer("Aside.", audio=other, conversation="none")[-2]["response"]["output"]
    assert driver.answer("Hello.", audio={"output": {"voice": "alloy"}})
