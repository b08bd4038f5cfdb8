"""The base of every event, and the two events that stand for frames that became none."""

from __future__ import annotations

import msgspec
import pytest

from anyrealtime.events import (
    ClientSecret,
    Event,
    InvalidEvent,
    McpTool,
    ResponseCancel,
    ResponseDone,
    Session,
    SessionUpdate,
    UnknownEvent,
)


def test_the_type_is_the_tag() -> None:
    event = ResponseCancel(response_id="r")
    assert event.type == "response.cancel"
    assert Session().type == "realtime"
    assert isinstance(event, Event)
    match event:
        case Event(type="response.cancel", event_id=None):
            pass
        case _:
            pytest.fail("type and event_id match as attributes")


def test_events_do_not_change() -> None:
    event = ResponseCancel()
    with pytest.raises(AttributeError):
        event.response_id = "r"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    assert hash(event) == hash(ResponseCancel())


def test_the_undecoded_are_built_by_place() -> None:
    unknown = UnknownEvent("ping", b"{}")
    assert (unknown.type, unknown.raw, unknown.event_id) == ("ping", b"{}", None)
    invalid = InvalidEvent("ping", b"{}", "no", "e")
    assert (invalid.type, invalid.raw, invalid.error, invalid.event_id) == (
        "ping",
        b"{}",
        "no",
        "e",
    )


def test_a_repr_says_what_is_there_and_is_short() -> None:
    assert repr(ResponseCancel(response_id="r")) == "ResponseCancel(response_id='r')"
    assert repr(SessionUpdate(session=Session())) == "SessionUpdate(session=Session())"
    assert repr(UnknownEvent("ping", b'{"type":"ping"}')) == (
        """UnknownEvent(type='ping', raw=b'{"type":"ping"}')"""
    )
    long = InvalidEvent("x", b"a" * 10_000_000, "too long")
    assert repr(long) == f"InvalidEvent(type='x', raw=b'{'a' * 80}...', error='too long')"


def test_a_repr_shows_no_secret() -> None:
    tool = McpTool(server_label="shop", authorization="s3cret", headers={"key": "s3cret"})
    secret = ClientSecret(value="s3cret", expires_at=5)
    shown = repr(SessionUpdate(session=Session(tools=[tool]))) + repr(secret)
    assert "s3cret" not in shown
    assert "McpTool(server_label='shop', authorization='***', headers='***')" in shown
    assert "ClientSecret(value='***', expires_at=5)" in shown
    assert repr(McpTool(server_label="shop")) == "McpTool(server_label='shop')"
    assert msgspec.json.encode(secret) == b'{"value":"s3cret","expires_at":5}'


def test_an_event_needs_its_payload() -> None:
    with pytest.raises(TypeError, match="response"):
        ResponseDone()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        ResponseCancel("r")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
