"""What is remembered of the session, whatever shape the server tells it in."""

from __future__ import annotations

import json

import pytest

from anyrealtime._protocol._session import CREATED, UPDATED, SessionState
from anyrealtime.events import (
    SERVER_EVENTS,
    BetaSession,
    FunctionTool,
    InputAudioBufferClear,
    InvalidEvent,
    McpTool,
    ServerEvent,
    Session,
    SessionUpdate,
    TranscriptionSession,
    TranslationSession,
    UnknownEvent,
    decode_server,
)


def event(type_: str, /, **session: object) -> ServerEvent:
    return decode_server(json.dumps({"type": type_, "session": session}))


def test_nothing_is_known_at_first() -> None:
    state = SessionState()
    assert (state.created, state.current, state.id, state.expires_at) == (False, None, None, None)


@pytest.mark.parametrize("type_", sorted(CREATED))
def test_created(type_: str) -> None:
    state = SessionState()
    state.apply(event(type_, id="sess_1", expires_at=7))
    assert state.created
    assert state.current is not None
    assert (state.id, state.expires_at) == ("sess_1", 7)


@pytest.mark.parametrize("type_", sorted(UPDATED))
def test_updated_before_created(type_: str) -> None:
    state = SessionState()
    state.apply(event(type_, type="realtime", id="sess_1", instructions="i"))
    assert not state.created
    assert isinstance(state.current, Session)
    assert state.id == "sess_1"


def test_the_last_word_counts() -> None:
    """The effective session is replaced whole; who it is, only where that is said again."""
    state = SessionState()
    state.apply(event("session.created", type="realtime", id="sess_1", expires_at=7, model="m"))
    state.apply(event("session.updated", type="realtime", instructions="i"))
    assert isinstance(state.current, Session)
    assert state.current.instructions == "i"
    assert not state.current.model
    assert (state.id, state.expires_at) == ("sess_1", 7)
    state.apply(event("session.updated", type="realtime", id="sess_2", expires_at=8))
    assert (state.id, state.expires_at) == ("sess_2", 8)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"type": "realtime"}, Session),
        ({"type": "transcription"}, TranscriptionSession),
        ({"type": "translation"}, TranslationSession),
        ({"modalities": ["text"]}, BetaSession),
    ],
)
def test_every_kind_of_session(shape: dict[str, object], kind: type) -> None:
    state = SessionState()
    state.apply(event("session.created", id="sess_1", expires_at=7, **shape))
    assert isinstance(state.current, kind)
    assert (state.id, state.expires_at) == ("sess_1", 7)


@pytest.mark.parametrize("nothing", [{"id": None, "expires_at": None}, {}])
def test_servers_that_do_not_say_who(nothing: dict[str, object]) -> None:
    state = SessionState()
    state.apply(event("session.created", type="realtime", **nothing))
    assert state.created
    assert (state.id, state.expires_at) == (None, None)


@pytest.mark.parametrize(
    ("session", "known"),
    [
        ({"type": "realtime", "id": "sess_1", "expires_at": 7, "tools": 7}, ("sess_1", 7)),
        ({"type": "realtime", "id": 5, "expires_at": "soon"}, (None, None)),
        ([], (None, None)),
        (None, (None, None)),
        ("sess_1", (None, None)),
    ],
)
def test_a_drifted_announcement_is_one(session: object, known: tuple[object, object]) -> None:
    drifted = decode_server(json.dumps({"type": "session.created", "session": session}))
    assert isinstance(drifted, InvalidEvent)
    state = SessionState()
    state.apply(drifted)
    assert state.created
    assert state.current is None
    assert (state.id, state.expires_at) == known


def test_what_cannot_be_read_at_all_changes_nothing() -> None:
    state = SessionState()
    state.apply(event("session.created", type="realtime", id="sess_1"))
    current = state.current
    state.apply(InvalidEvent("session.updated", b"not json", "why"))
    state.apply(UnknownEvent("session.updated", b"{}"))
    assert state.current is current
    assert state.id == "sess_1"


def test_the_types_that_matter_are_the_protocols() -> None:
    assert set(SERVER_EVENTS) >= CREATED | UPDATED


# Tools


WEATHER = {"type": "function", "name": "weather"}


def names(state: SessionState) -> list[object]:
    return [
        getattr(tool, "name", None) or getattr(tool, "server_label", "") for tool in state.tools
    ]


def test_tools_are_those_that_the_server_tells() -> None:
    state = SessionState()
    assert state.tools == []
    state.apply(event("session.created", type="realtime", tools=[WEATHER]))
    assert names(state) == ["weather"]
    state.sent(SessionUpdate(session=Session(tools=[FunctionTool(name="asked_for")])))
    assert names(state) == ["weather"]  # until it is acknowledged
    state.apply(event("session.updated", type="realtime", tools=[]))
    assert names(state) == []


def test_where_the_server_tells_none_they_are_those_that_were_sent() -> None:
    state = SessionState()
    state.apply(event("session.created", type="realtime"))
    state.sent(SessionUpdate(session=Session(tools=[FunctionTool(name="sent")])))
    state.sent(SessionUpdate(session=Session(instructions="x")))
    state.sent(InputAudioBufferClear())
    assert names(state) == ["sent"]


def test_what_the_server_hides_of_a_tool_is_known_from_what_was_sent() -> None:
    state = SessionState()
    ours = McpTool(server_label="docs", server_url="https://x", authorization="secret")
    state.sent(SessionUpdate(session=Session(tools=[ours])))
    told = [
        {"type": "mcp", "server_label": label, "server_url": "https://x"} for label in ["docs", "d"]
    ]
    state.apply(event("session.updated", type="realtime", tools=[*told, WEATHER]))
    assert state.tools[0] is ours
    assert names(state) == ["docs", "d", "weather"]
