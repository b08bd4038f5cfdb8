"""The beta dialect: its names, its flat session, its order of events."""

from __future__ import annotations

import pytest

from tests.simulator.driver import Driver, call, finish, kinds
from tests.simulator.schemas import Json

ASSISTANT = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Yes."}]}


def test_session_is_flat() -> None:
    driver = Driver(dialect="beta")
    session = driver.opening[0]["session"]
    assert "type" not in session
    assert session["modalities"] == ["audio", "text"]
    assert session["output_audio_format"] == "pcm16"
    assert session["temperature"] == 0.8
    [updated] = driver.tell(
        "session.update",
        session={
            "modalities": ["text"],
            "voice": "coral",
            "temperature": 0.7,
            "input_audio_format": "g711_ulaw",
            "turn_detection": None,
            "max_response_output_tokens": 100,
        },
    )
    session = updated["session"]
    assert session["modalities"] == ["text"]
    assert session["voice"] == "coral"
    assert session["temperature"] == 0.7
    assert session["input_audio_format"] == "g711_ulaw"
    assert session["turn_detection"] is None
    assert session["max_response_output_tokens"] == 100


def test_a_refused_update_leaves_the_temperature() -> None:
    driver = Driver(dialect="beta")
    error = driver.refused(
        "session.update", session={"temperature": 0.7, "modalities": ["audio"] * 3}
    )
    assert error["code"] == "invalid_value"
    assert driver.tell("session.update", session={})[0]["session"]["temperature"] == 0.8


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"type": "realtime"}, "session.type"),
        ({"output_modalities": ["text"]}, "session.output_modalities"),
    ],
)
def test_ga_fields_are_unknown(session: dict[str, object], param: str) -> None:
    error = Driver(dialect="beta").refused("session.update", session=session)
    assert (error["code"], error["param"]) == ("unknown_parameter", param)


def test_items_are_created_not_added() -> None:
    driver = Driver(dialect="beta")
    [created] = driver.tell("conversation.item.create", item=ASSISTANT)
    assert created["type"] == "conversation.item.created"
    assert created["item"]["object"] == "realtime.item"
    assert created["item"]["content"] == ASSISTANT["content"]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=created["item"]["id"])
    assert retrieved["item"] == created["item"]


def test_an_audio_response_in_order() -> None:
    driver = Driver(dialect="beta")
    events = driver.answer("Hello there!", metadata={"token": "7"})
    assert kinds(events) == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert [limit["name"] for limit in events[1]["rate_limits"]] == ["requests", "tokens"]
    response = events[-1]["response"]
    assert response["modalities"] == ["audio", "text"]
    assert response["output_audio_format"] == "pcm16"
    assert response["temperature"] == 0.8
    assert response["metadata"] == {"token": "7"}
    assert response["output"][0]["content"] == [{"type": "audio", "transcript": "Hello there!"}]


def test_a_text_response_has_the_older_names() -> None:
    driver = Driver(dialect="beta")
    events = driver.answer("Hello.", modalities=["text"], max_response_output_tokens=50)
    assert {"response.text.delta", "response.text.done"} < set(kinds(events))
    assert events[-1]["response"]["max_output_tokens"] == 50
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "text", "text": "Hello."}]


def test_a_function_call() -> None:
    driver = Driver(dialect="beta")
    run, _ = driver.start()
    finish(call(run, "f", '{"a": 1}', "call_1"))
    run.complete()
    events = driver.take()
    assert kinds(events) == [
        "response.output_item.added",
        "conversation.item.created",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.done",
    ]


def test_content_that_is_none_is_refused_under_its_place() -> None:
    item = {"type": "message", "role": "assistant", "content": ["text", {"type": 3}]}
    error = Driver(dialect="beta").refused("conversation.item.create", item=item)
    assert (error["code"], error["param"]) == ("invalid_type", "item.content[0]")


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (
            {"type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}"},
            "item.type",
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
                ],
            },
            "item.content[1].type",
        ),
    ],
)
def test_what_came_with_ga_is_refused(item: Json, param: str) -> None:
    error = Driver(dialect="beta").refused("conversation.item.create", item=item)
    assert (error["code"], error["param"]) == ("invalid_value", param)
