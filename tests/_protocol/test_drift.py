from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._protocol._drift import mended
from anyrealtime.events import (
    SERVER_EVENTS,
    ConversationItemAdded,
    ConversationItemDeleted,
    FunctionCall,
    InputText,
    InvalidEvent,
    Message,
    Response,
    ResponseDone,
    ServerEvent,
    Usage,
    decode_server,
)

MANY_DIGITS = "9" * 5000  # more than Python reads


def read_again(frame: str) -> ServerEvent | None:
    event = decode_server(frame)
    assert isinstance(event, InvalidEvent)
    return mended(event)


def test_fields_that_drifted_count_as_absent() -> None:
    item = {"id": "a", "type": "message", "content": [{"type": "input_text", "text": "hello"}]}
    frame = {"type": "conversation.item.added", "event_id": 5, "previous_item_id": 7, "item": item}
    assert read_again(json.dumps(frame)) == ConversationItemAdded(
        item=Message(id="a", content=[InputText(text="hello")])
    )
    frame["previous_item_id"] = "b"
    again = read_again(json.dumps(frame))
    assert isinstance(again, ConversationItemAdded)
    assert again.previous_item_id == "b"


def test_half_characters_are_replaced() -> None:
    frame = (
        '{"type": "conversation.item.done", "item": {"id": "a", "type": "message",'
        ' "content": [{"type": "input_text", "text": "half \\ud83d"}]}}'
    )
    done = read_again(frame)
    assert done is not None
    assert done.item == Message(id="a", content=[InputText(text="half ?")])  # type: ignore[union-attr]


def test_ids_are_enough_for_what_names_no_item() -> None:
    frame = '{"type": "conversation.item.deleted", "item_id": "a", "event_id": 5}'
    assert read_again(frame) == ConversationItemDeleted(item_id="a")


def test_a_response_that_is_over_keeps_what_fits() -> None:
    call = {"id": "i1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    response = {
        "id": "r1",
        "status": 5,
        "output": [call],
        "usage": {"total_tokens": "many", "output_tokens": 4},
        "metadata": {"a": "b"},
        "status_details": 7,
    }
    done = read_again(json.dumps({"type": "response.done", "response": response}))
    assert done == ResponseDone(
        response=Response(
            id="r1",
            output=[FunctionCall(id="i1", call_id="c1", name="f", arguments="{}")],
            usage=Usage(output_tokens=4),
            metadata={"a": "b"},
        )
    )


@pytest.mark.parametrize(
    "frame",
    [
        "not JSON",
        "[]",
        '{"type": 5}',
        '{"type": "conversation.item.added"}',
        '{"type": "conversation.item.added", "item": {"id": "a", "weight": NaN}}',
        '{"type": "conversation.item.added", "item": ' + "[" * 100_000,
        '{"type": "conversation.item.deleted", "event_id": 5, "odd": ' + MANY_DIGITS + "}",
        '{"type": "response.done", "response": 5}',
        '["response.done", ' + MANY_DIGITS + "]",
        '{"type": "session.updated", "item": {"id": "a"}}',
    ],
)
def test_what_cannot_be_mended(frame: str) -> None:
    assert read_again(frame) is None


@given(st.sampled_from(sorted(SERVER_EVENTS)), st.binary() | st.text().map(str.encode))
def test_no_frame_is_too_strange(tag: str, raw: bytes) -> None:
    frame = b'{"type": "%s", "item_id": 5, %s' % (tag.encode(), raw)
    assert mended(InvalidEvent(tag, frame, "")) is None
