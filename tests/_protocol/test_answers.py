"""Which event answers which command: both give the same lane, whatever the payload looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from anyrealtime._protocol._answers import ANSWERS, TAG, item_id, lane_of, lanes_of, tag_of
from anyrealtime.events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InvalidEvent,
    Message,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    Session,
    SessionClose,
    SessionUpdate,
    UnknownObject,
    decode_server,
)

ITEM: dict[str, Any] = {"id": "item_1", "type": "message", "role": "user", "content": []}
SESSION = {"type": "realtime"}
RESPONSE = {"id": "resp_1", "status": "cancelled", "metadata": {TAG: "tag_1"}}

PAIRS: list[tuple[Any, dict[str, Any]]] = [
    (SessionUpdate(session=Session()), {"type": "session.updated", "session": SESSION}),
    (SessionClose(), {"type": "session.closed"}),
    (InputAudioBufferCommit(), {"type": "input_audio_buffer.committed", "item_id": "item_1"}),
    (InputAudioBufferClear(), {"type": "input_audio_buffer.cleared"}),
    (OutputAudioBufferClear(), {"type": "output_audio_buffer.cleared"}),
    (
        ConversationItemCreate(item=Message(id="item_1", role="user")),
        {"type": "conversation.item.added", "item": ITEM},
    ),
    (
        ConversationItemCreate(item=Message(id="item_1", role="user")),
        {"type": "conversation.item.created", "item": ITEM},
    ),
    (
        ConversationItemCreate(item=UnknownObject({"type": "vendor", "id": "item_1"})),
        {"type": "conversation.item.added", "item": {"type": "vendor", "id": "item_1"}},
    ),
    (
        ConversationItemRetrieve(item_id="item_1"),
        {"type": "conversation.item.retrieved", "item": ITEM},
    ),
    (
        ConversationItemTruncate(item_id="item_1", content_index=0, audio_end_ms=0),
        {"type": "conversation.item.truncated", "item_id": "item_1"},
    ),
    (
        ConversationItemDelete(item_id="item_1"),
        {"type": "conversation.item.deleted", "item_id": "item_1"},
    ),
    (ResponseCancel(response_id="resp_1"), {"type": "response.done", "response": RESPONSE}),
]
IDS = [answer["type"] for _, answer in PAIRS]


@pytest.mark.parametrize(("command", "answer"), PAIRS, ids=IDS)
def test_a_command_waits_where_its_answer_comes(command: Any, answer: dict[str, Any]) -> None:
    event = decode_server(json.dumps(answer))
    assert type(event) in ANSWERS
    assert lane_of(command) == lanes_of(event)[0]


@pytest.mark.parametrize(("command", "answer"), PAIRS, ids=IDS)
def test_an_answer_that_has_drifted_is_one_all_the_same(
    command: Any, answer: dict[str, Any]
) -> None:
    drifted = InvalidEvent(answer["type"], json.dumps(answer).encode(), "a field has drifted")
    assert lane_of(command) in lanes_of(drifted)


def test_a_cancel_without_an_id_is_answered_by_any_end() -> None:
    done = decode_server(json.dumps({"type": "response.done", "response": RESPONSE}))
    assert lane_of(ResponseCancel(response_id="resp_2")) not in lanes_of(done)
    assert {lane_of(ResponseCancel()), lane_of(ResponseCancel(response_id="resp_1"))} == set(
        lanes_of(done)
    )


def test_a_response_answers_the_request_whose_tag_it_is_given() -> None:
    params = ResponseCreateParams(metadata={TAG: "tag_1"})
    created = decode_server(json.dumps({"type": "response.created", "response": RESPONSE}))
    assert lanes_of(created, "tag_1") == (lane_of(ResponseCreate(response=params)),)
    assert lanes_of(created) == ()


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"type":"response.output_text.delta"}'])
def test_what_answers_nothing(raw: bytes) -> None:
    event = decode_server(raw)
    assert lanes_of(event) == ()
    assert lane_of(InputAudioBufferAppend(audio=b"")) is None


@pytest.mark.parametrize(
    ("item", "named"),
    [
        (Message(id="item_1", role="user"), "item_1"),
        (Message(role="user"), None),
        (UnknownObject({"type": "vendor", "id": "item_1"}), "item_1"),
        (UnknownObject({"type": "vendor", "id": 1}), None),
        (UnknownObject({"type": "vendor"}), None),
    ],
)
def test_the_id_of_an_item_of_whatever_kind(item: Any, named: str | None) -> None:
    assert item_id(item) == named


@pytest.mark.parametrize(
    ("metadata", "tag"),
    [(None, None), ({}, None), ({TAG: 1}, None), ({"theirs": "x"}, None), ({TAG: "x"}, "x")],
)
def test_only_our_tag_counts(metadata: dict[str, object] | None, tag: str | None) -> None:
    assert tag_of(metadata) == tag
