"""The rules of a session, told by hand: what is answered to each command, and in which order."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.driver import Driver, finish, kinds
from tests.simulator.schemas import Dialect, Json

TENTH_OF_A_SECOND = base64.b64encode(bytes(4_800)).decode()
RESPONSE_START = ["response.created", "response.output_item.added", "conversation.item.added"]
ITEM_END = ["conversation.item.done", "response.output_item.done"]
RESPONSE_END = ["response.done", "rate_limits.updated"]


def test_session_created_comes_first() -> None:
    [created] = Driver().opening
    assert created["type"] == "session.created"
    assert created["session"]["model"] == "gpt-realtime"
    assert created["session"]["expires_at"] == 1_700_000_000


def test_sideband_is_not_greeted() -> None:
    assert Driver(sideband=True).opening == []


def test_transcription_session_has_no_responses() -> None:
    driver = Driver(transcription=True)
    assert driver.opening[0]["session"]["object"] == "realtime.transcription_session"
    assert driver.refused("response.create")["code"] == "invalid_value"
    updated = driver.tell(
        "session.update",
        session={
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}},
        },
    )
    assert updated[0]["session"]["audio"]["input"]["transcription"]["model"] == "whisper-1"


@pytest.mark.parametrize(
    ("frame", "code", "param"),
    [
        ("not json", "invalid_json", None),
        ('"\\ud800"', "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        ("[1, 2]", "invalid_event", None),
        ("7", "invalid_event", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": 3}', "invalid_type", "type"),
        ('{"type": "nope"}', "invalid_value", "type"),
        ('{"type": "response.cancel", "event_id": 3}', "invalid_type", "event_id"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "%"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.clear", "now": true}', "unknown_parameter", "now"),
        ('{"type": "session.update"}', "missing_required_parameter", "session"),
        ('{"type": "session.update", "session": {}}', "missing_required_parameter", "session.type"),
    ],
)
def test_what_is_malformed_is_refused_and_the_session_goes_on(
    frame: str, code: str, param: str | None
) -> None:
    driver = Driver()
    [event] = driver.tell_text(frame)
    assert event["type"] == "error"
    assert event["error"]["type"] == "invalid_request_error"
    assert event["error"]["code"] == code
    assert event["error"]["param"] == param
    assert event["error"]["event_id"] is None
    assert kinds(driver.tell("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]


def test_an_error_names_the_client_event() -> None:
    [event] = Driver().tell("nope", event_id="evt_1")
    assert event["error"]["event_id"] == "evt_1"
    assert event["event_id"] != "evt_1"


def test_binary_frames_are_refused() -> None:
    driver = Driver()
    driver.rules.binary()
    [event] = driver.take()
    assert event["error"]["code"] == "invalid_event"


def test_a_refused_update_is_discarded_whole() -> None:
    driver = Driver()
    error = driver.refused(
        "session.update",
        session={"type": "realtime", "instructions": "Sing.", "bogus_field": 1},
    )
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.bogus_field")
    [updated] = driver.tell("session.update", session={"type": "realtime"})
    assert updated["session"] == driver.opening[0]["session"]


def test_update_answers_with_the_whole_session() -> None:
    driver = Driver()
    [updated] = driver.tell(
        "session.update",
        session={
            "type": "realtime",
            "output_modalities": ["text"],
            "audio": {"input": {"turn_detection": None}},
        },
    )
    session = updated["session"]
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["output"]["voice"] == "alloy"


def test_voice_is_settled_once_the_assistant_was_heard() -> None:
    driver = Driver()
    change = {"type": "realtime", "audio": {"output": {"voice": "marin"}}}
    assert kinds(driver.tell("session.update", session=change)) == ["session.updated"]
    driver.answer("Hello.")
    change = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
    assert driver.refused("session.update", session=change)["code"] == "cannot_update_voice"


# Items


def test_item_create_is_acknowledged_twice() -> None:
    driver = Driver()
    item = {
        "id": "mine",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
    }
    added, done = driver.tell("conversation.item.create", item=item)
    assert added["type"] == "conversation.item.added"
    assert done["type"] == "conversation.item.done"
    assert added["previous_item_id"] is None
    assert added["item"] == done["item"] == {**item, "status": "completed"}


def test_items_follow_each_other() -> None:
    driver = Driver()
    first, second = driver.say("one"), driver.say("two")
    item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]}
    added = driver.tell("conversation.item.create", item=item)[0]
    assert added["previous_item_id"] == second["id"]
    added = driver.tell("conversation.item.create", item=item, previous_item_id=first["id"])[0]
    assert added["previous_item_id"] == first["id"]
    added = driver.tell("conversation.item.create", item=item, previous_item_id="root")[0]
    assert added["previous_item_id"] is None
    error = driver.refused("conversation.item.create", item=item, previous_item_id="gone")
    assert error["param"] == "previous_item_id"


def test_items_are_retrieved_and_deleted() -> None:
    driver = Driver()
    item = driver.say("Hi")
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item["id"])
    assert retrieved["type"] == "conversation.item.retrieved"
    assert retrieved["item"] == item
    [deleted] = driver.tell("conversation.item.delete", item_id=item["id"])
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", item["id"])
    for verb in ("retrieve", "delete"):
        error = driver.refused(f"conversation.item.{verb}", item_id=item["id"])
        assert error["code"] == f"item_{verb}_invalid_item_id"
    error = driver.refused(
        "conversation.item.truncate", item_id="gone", content_index=0, audio_end_ms=0
    )
    assert error["code"] == "item_truncate_invalid_item_id"


def test_an_assistants_sound_is_truncated() -> None:
    driver = Driver()
    item = driver.answer("Hello there, this is long enough.")[-2]["response"]["output"][0]
    place: dict[str, Any] = {"item_id": item["id"], "content_index": 0}
    [truncated] = driver.tell("conversation.item.truncate", **place, audio_end_ms=300)
    assert truncated["type"] == "conversation.item.truncated"
    assert truncated["audio_end_ms"] == 300
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item["id"])
    [part] = retrieved["item"]["content"]
    assert part["transcript"] is None
    assert len(base64.b64decode(part["audio"])) == 300 * 48
    error = driver.refused("conversation.item.truncate", **place, audio_end_ms=301)
    assert error["message"] == "Audio content of 300ms is already shorter than 301ms"


def test_only_an_assistants_sound_is_truncated() -> None:
    driver = Driver()
    mine = driver.say("Hi")
    text = driver.answer("Hello.", output_modalities=["text"])[-2]["response"]["output"][0]
    for item in (mine, text):
        error = driver.refused(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=0
        )
        assert error["code"] == "unsupported_content_type"


def test_an_output_answers_a_call_that_was_made() -> None:
    driver = Driver()
    output = {"type": "function_call_output", "call_id": "call_1", "output": "12 degrees"}
    error = driver.refused("conversation.item.create", item=output)
    assert error["code"] == "invalid_tool_call_id"
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    driver.tell("conversation.item.create", item=call)
    added = driver.tell("conversation.item.create", item=output)[0]
    assert added["item"]["output"] == "12 degrees"


# Input audio


def test_append_is_not_acknowledged_and_commit_is() -> None:
    driver = Driver()
    previous = driver.say("Hi")["id"]
    assert driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND) == []
    committed, added, done = driver.tell("input_audio_buffer.commit")
    assert committed["type"] == "input_audio_buffer.committed"
    assert committed["previous_item_id"] == added["previous_item_id"] == previous
    assert committed["item_id"] == added["item"]["id"] == done["item"]["id"]
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=committed["item_id"])
    assert retrieved["item"]["content"][0]["audio"] == TENTH_OF_A_SECOND


def test_a_short_commit_is_refused_and_keeps_the_sound() -> None:
    driver = Driver()
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    half = base64.b64encode(bytes(2_400)).decode()
    driver.tell("input_audio_buffer.append", audio=half)
    error = driver.refused("input_audio_buffer.commit")
    assert "only has 50.00ms" in error["message"]
    driver.tell("input_audio_buffer.append", audio=half)
    assert driver.tell("input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_clear_forgets_the_sound() -> None:
    driver = Driver()
    driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND)
    assert kinds(driver.tell("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_a_transcript_comes_where_transcription_is_on() -> None:
    driver = Driver(obfuscate=True)
    change = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    driver.tell("session.update", session=change)
    driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND)
    *_, delta, completed = driver.tell("input_audio_buffer.commit")
    assert delta["type"] == "conversation.item.input_audio_transcription.delta"
    assert "obfuscation" in delta
    assert completed["type"] == "conversation.item.input_audio_transcription.completed"
    assert delta["delta"] == completed["transcript"] == "(0.1 seconds of audio)"
    assert completed["usage"] == {"type": "duration", "seconds": 0.1}


def test_output_audio_is_cleared_only_where_there_is_a_call() -> None:
    assert Driver().refused("output_audio_buffer.clear")["param"] == "type"
    driver = Driver(sideband=True)
    assert kinds(driver.tell("output_audio_buffer.clear")) == ["output_audio_buffer.cleared"]


# Responses


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
    finish(apart.say("Aside.", 1, lambda _, __: b""))
    apart.complete()
    events = driver.take()
    assert not any(event["type"].startswith("conversation.") for event in events)
    assert list(driver.rules.conversation) == []
    assert kinds(driver.tell("response.cancel", response_id=again.id))[0] == "response.done"
    assert driver.refused("response.cancel", response_id=again.id)["code"] == (
        "response_cancel_not_active"
    )
    assert driver.tell("response.cancel")[0]["response"]["id"] == default.id


def test_cancel_ends_what_is_open() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    steps = run.say("One two three", 1, lambda _, __: b"")
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


VALID: list[dict[str, object]] = [
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "tools": [{"type": "function", "name": "f", "parameters": {}}],
            "tool_choice": {"type": "function", "name": "f"},
            "max_output_tokens": 20,
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "turn_detection": {"type": "server_vad", "threshold": 0.1},
                },
                "output": {"voice": "marin", "speed": 1.0},
            },
        },
    },
    {
        "type": "session.update",
        "session": {"modalities": ["text"], "voice": "ash", "temperature": 0.7},
    },
    {"type": "input_audio_buffer.append", "audio": TENTH_OF_A_SECOND},
    {"type": "input_audio_buffer.commit"},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {
            "id": "mine",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi"}, {"type": "text", "text": "Hi"}],
        },
    },
    {
        "type": "conversation.item.truncate",
        "item_id": "mine",
        "content_index": 0,
        "audio_end_ms": 0,
    },
    {"type": "conversation.item.retrieve", "item_id": "mine"},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "metadata": {"a": "b"},
            "input": [{"type": "message"}],
        },
    },
    {"type": "response.cancel"},
]
JUNK: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 7, -1, 0.5, 2**70, "", "text", "audio", list[object](), dict[str, object](), [[7]]]
)


def _names(node: Json | list[object]) -> list[Any]:
    return list(node) if isinstance(node, dict) else list(range(len(node)))


@st.composite
def nearly_valid(draw: st.DrawFn) -> Json:
    """A command with one thing in it that is missing, added or of another kind."""
    command: Json = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    node: Any = command
    while node:
        key = draw(st.sampled_from(_names(node)))
        inner: Any = node[key]
        if isinstance(inner, dict | list) and draw(st.booleans()):
            node = cast("Any", inner)
            continue
        if draw(st.booleans()):
            node[key] = draw(JUNK)
        else:
            del node[key]
        break
    if isinstance(node, dict) and draw(st.booleans()):
        node["unheard_of"] = draw(JUNK)
    return command


@given(dialect=st.sampled_from(["ga", "beta"]), commands=st.lists(nearly_valid(), max_size=6))
def test_nothing_a_client_says_breaks_the_rules(dialect: Dialect, commands: list[Json]) -> None:
    driver = Driver(dialect=dialect)
    for command in commands:
        events = driver.tell_text(json.dumps(command))
        assert len([event for event in events if event["type"] == "error"]) <= 1
