"""Reading a frame: what is no event, what nobody knows, and that nothing breaks the rules."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.simulator._rules._session import Kind
from tests.simulator.driver import Driver, kinds
from tests.simulator.schemas import Dialect, Json

TENTH_OF_A_SECOND = base64.b64encode(bytes(4_800)).decode()


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
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "tools": [
                {
                    "type": "mcp",
                    "server_label": "docs",
                    "server_url": "https://docs.example",
                    "allowed_tools": {"tool_names": ["search"], "read_only": True},
                    "require_approval": {"never": {"tool_names": ["search"]}},
                }
            ],
            "tool_choice": {"type": "mcp", "server_label": "docs", "name": "search"},
        },
    },
    {
        "type": "conversation.item.create",
        "item": {
            "id": "asked",
            "type": "mcp_approval_request",
            "server_label": "docs",
            "name": "search",
            "arguments": "{}",
        },
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "mcp_approval_response", "approval_request_id": "asked", "approve": True},
    },
    {
        "type": "transcription_session.update",
        "session": {
            "input_audio_format": "pcm16",
            "input_audio_transcription": {"model": "whisper-1"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5},
        },
    },
    {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}},
        },
    },
    {
        "type": "session.update",
        "session": {
            "audio": {"input": {"transcription": {"model": "m"}}, "output": {"language": "es"}}
        },
    },
    {"type": "session.input_audio_buffer.append", "audio": TENTH_OF_A_SECOND},
    {"type": "output_audio_buffer.clear"},
]
WHERE: st.SearchStrategy[tuple[Dialect, Kind]] = st.sampled_from(
    [
        ("ga", "conversation"),
        ("beta", "conversation"),
        ("ga", "transcription"),
        ("beta", "transcription"),
        ("ga", "translation"),
    ]
)
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


@given(where=WHERE, sideband=st.booleans(), commands=st.lists(nearly_valid(), max_size=6))
def test_nothing_a_client_says_breaks_the_rules(
    where: tuple[Dialect, Kind], *, sideband: bool, commands: list[Json]
) -> None:
    dialect, kind = where
    driver = Driver(dialect=dialect, kind=kind, sideband=sideband)
    for command in commands:
        events = driver.tell_text(json.dumps(command))
        assert len([event for event in events if event["type"] == "error"]) <= 1
