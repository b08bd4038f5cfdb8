"""The unions that a server may extend: a new kind, or a broken one, costs no event."""

from __future__ import annotations

import json

import msgspec
import pytest

from anyrealtime.events import (
    AnySession,
    BetaSession,
    ContentPart,
    ConversationItemAdded,
    ErrorDetail,
    ErrorEvent,
    FunctionCall,
    FunctionTool,
    InputText,
    InvalidEvent,
    Item,
    Message,
    Response,
    ResponseDone,
    Session,
    SessionUpdate,
    SessionUpdated,
    ToolChoiceFunction,
    TranslationSession,
    UnknownObject,
    Usage,
    decode_client,
    decode_server,
    encode,
)
from tests.events.frames import Tree, frame


def item(tree: object) -> Item:
    event = decode_server(frame({"type": "conversation.item.added", "item": tree}))
    assert isinstance(event, ConversationItemAdded)
    assert json.loads(encode(event))["item"] == tree
    return event.item


def session(tree: Tree) -> AnySession:
    event = decode_server(frame({"type": "session.updated", "session": tree}))
    assert isinstance(event, SessionUpdated)
    return event.session


def test_a_known_kind() -> None:
    assert item({"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}) == (
        FunctionCall(call_id="c", name="n", arguments="{}")
    )


@pytest.mark.parametrize(
    "tree",
    [
        {"type": "hologram", "beams": [1, {"a": None}]},
        {"type": "message", "content": "not a list"},
        {"type": 7},
        {"type": ["message"]},
        {"type": None, "x": None},
        {},
    ],
)
def test_an_unknown_or_broken_kind_is_kept_whole(tree: Tree) -> None:
    kept = item(tree)
    assert isinstance(kept, UnknownObject)
    assert kept == tree
    assert kept.type == (tree.get("type") if isinstance(tree.get("type"), str) else None)


def test_an_unknown_part_leaves_its_message_alone() -> None:
    message = item(
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "a"}, {"type": "smell", "of": "sea"}],
        }
    )
    assert message == Message(
        role="user", content=[InputText(text="a"), UnknownObject(type="smell", of="sea")]
    )


def test_what_is_no_object_is_kept_too() -> None:
    event = decode_server(b'{"type":"conversation.item.added","item":"hologram"}')
    assert isinstance(event, ConversationItemAdded)
    assert event.item == UnknownObject(value="hologram")


def test_a_kind_of_ones_own_is_sent_as_it_is() -> None:
    vad = UnknownObject(type="azure_semantic_vad", threshold=0.5)
    frame = encode(SessionUpdate(session=BetaSession(turn_detection=vad)))
    assert json.loads(frame)["session"] == {"turn_detection": vad}
    assert decode_client(frame) == SessionUpdate(session=BetaSession(turn_detection=vad))


def test_text_among_objects() -> None:
    assert session({"type": "realtime", "tool_choice": "auto"}) == Session(tool_choice="auto")
    assert session(
        {"type": "realtime", "tool_choice": {"type": "function", "name": "dice"}}
    ) == Session(tool_choice=ToolChoiceFunction(name="dice"))
    assert session({"type": "realtime", "tool_choice": 5}) == Session(
        tool_choice=UnknownObject(value=5)
    )


@pytest.mark.parametrize(
    ("tree", "read"),
    [
        ({"type": "realtime", "id": "s"}, Session(id="s")),
        ({"type": "translation", "model": "m"}, TranslationSession(model="m")),
        ({"id": "s", "voice": "alloy"}, BetaSession(id="s", voice="alloy")),
        ({"type": "dreaming", "id": "s"}, BetaSession(type="dreaming", id="s")),
        ({}, BetaSession()),
        (
            {"tools": [{"type": "function", "name": "n", "parameters": {"type": "object"}}]},
            BetaSession(tools=[FunctionTool(name="n", parameters={"type": "object"})]),
        ),
    ],
)
def test_a_session_is_told_by_its_type(tree: Tree, read: AnySession) -> None:
    assert session(tree) == read
    again = encode(SessionUpdated(session=read))
    assert json.loads(again)["session"] == tree


@pytest.mark.parametrize("tree", ["mine", [], 5, None, {"type": "realtime", "model": 5}])
def test_a_session_that_cannot_be_read_is_an_invalid_event(tree: object) -> None:
    event = decode_server(frame({"type": "session.updated", "session": tree}))
    assert isinstance(event, InvalidEvent)


def test_they_are_types_as_any_union_is() -> None:
    assert isinstance(Message(), Item)
    assert isinstance(UnknownObject(), Item)
    assert not isinstance(InputText(text="a"), Item)
    assert isinstance(InputText(text="a"), ContentPart)
    assert isinstance(BetaSession(), AnySession)
    assert not isinstance(UnknownObject(), AnySession)


@pytest.mark.parametrize(
    ("error", "read"),
    [
        ({"message": "m", "code": None}, ErrorDetail(message="m")),
        ({"message": "m", "code": 500}, ErrorDetail(message="m", code="500")),
        ("out of luck", ErrorDetail(message="out of luck")),
    ],
)
def test_no_error_is_lost_over_its_form(error: object, read: ErrorDetail) -> None:
    event = decode_server(frame({"type": "error", "error": error}))
    assert event == ErrorEvent(error=read)


@pytest.mark.parametrize("error", [None, 5, [], ["out of luck"]])
def test_an_error_has_some_form(error: object) -> None:
    assert isinstance(decode_server(frame({"type": "error", "error": error})), InvalidEvent)


def test_details_that_are_no_object_count_as_none() -> None:
    usage = {"total_tokens": 5, "input_token_details": "unimplemented"}
    event = decode_server(frame({"type": "response.done", "response": {"usage": usage}}))
    assert event == ResponseDone(response=Response(usage=Usage(total_tokens=5)))
    wrong = {"input_token_details": {"text_tokens": "five"}}
    event = decode_server(frame({"type": "response.done", "response": {"usage": wrong}}))
    assert isinstance(event, InvalidEvent)


def test_users_decoders_need_no_hook_to_encode() -> None:
    message = Message(role="user", content=[UnknownObject(type="smell")])
    assert msgspec.json.encode(message) == (
        b'{"type":"message","role":"user","content":[{"type":"smell"}]}'
    )
