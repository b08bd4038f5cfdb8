"""The envelope: what the lifecycle can rely on when the payload is not what it was."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.events import Envelope, ErrorDetail, InvalidEvent, decode_envelope, decode_server
from anyrealtime.events.envelope import EnvelopeItem, EnvelopeResponse, EnvelopeSession
from tests.events.frames import Tree, frame, sample_frames
from tests.events.test_codec import almost_events, texts, trees

WHOLE: Tree = {
    "type": "response.done",
    "event_id": "e",
    "item_id": "i",
    "previous_item_id": "p",
    "response_id": "r",
    "call_id": "c",
    "output_index": 1,
    "content_index": 2,
    "response": {"id": "r", "status": "failed", "metadata": {"token": "t"}, "output": []},
    "item": {"id": "i", "type": "message", "role": "user"},
    "session": {"id": "s", "expires_at": 3},
    "error": {"type": "t", "code": "c", "message": "m", "param": "p", "event_id": "e"},
}
READ = Envelope(
    type="response.done",
    event_id="e",
    item_id="i",
    previous_item_id="p",
    response_id="r",
    call_id="c",
    output_index=1,
    content_index=2,
    response=EnvelopeResponse(id="r", status="failed", metadata={"token": "t"}),
    item=EnvelopeItem(id="i", type="message"),
    session=EnvelopeSession(id="s", expires_at=3),
    error=ErrorDetail(type="t", code="c", message="m", param="p", event_id="e"),
)


def test_all_of_it() -> None:
    assert decode_envelope(frame(WHOLE)) == READ
    assert decode_envelope(json.dumps(WHOLE)) == READ


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_field_of_another_type_costs_only_itself(name: str) -> None:
    drifted = decode_envelope(frame(WHOLE | {name: [1]}))
    assert drifted == decode_envelope(frame({**WHOLE, name: None}))
    assert getattr(drifted, name) is None


def test_a_drifted_object_keeps_its_other_fields() -> None:
    tree = {"type": "response.done", "response": {"id": "r", "status": 5, "metadata": "none"}}
    assert decode_envelope(frame(tree)) == Envelope(
        type="response.done", response=EnvelopeResponse(id="r")
    )


def test_a_response_that_ended_is_seen_to_have_ended() -> None:
    raw = rb'{"type":"response.done","response":{"id":"r","status":"completed","usage":"\ud83d"}}'
    assert isinstance(decode_server(raw), InvalidEvent)
    told = decode_envelope(raw)
    assert told is not None
    assert told.response == EnvelopeResponse(id="r", status="completed")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"5", b"{", b"\xff", b'{"a":' * 100_000, '"\ud800"', memoryview(b"null")]
)
def test_what_is_no_object(raw: bytes | str) -> None:
    assert decode_envelope(raw) is None


@given(st.binary() | texts | trees.map(json.dumps) | almost_events.map(json.dumps))
def test_nothing_raises(raw: bytes | str) -> None:
    decode_envelope(raw)


@pytest.mark.parametrize("tree", sample_frames("server"), ids=lambda tree: str(tree["type"]))
def test_it_agrees_with_the_event(tree: Tree) -> None:
    envelope, event = decode_envelope(frame(tree)), decode_server(frame(tree))
    assert envelope is not None
    assert envelope.type == event.type
    for name in ("event_id", "item_id", "response_id", "output_index", "content_index"):
        told = getattr(event, name, None)
        assert getattr(envelope, name) == (None if told is msgspec.UNSET else told)
