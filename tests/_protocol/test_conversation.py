"""What is in the mirror, and where. What the items say: test_mirrored. Recordings: test_conversation_recorded."""

from __future__ import annotations

import pytest

from anyrealtime._protocol._changes import (
    ItemAdded,
    ItemChanged,
    ItemDeleted,
    ItemDone,
    ItemsReordered,
)
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime.events import (
    SERVER_EVENTS,
    Audio,
    ClientEvent,
    ConversationItemCreate,
    FunctionCallOutput,
    InputAudio,
    InputText,
    InvalidEvent,
    Message,
    OutputAudio,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    ResponseOutputAudioDelta,
)
from tests._protocol.mirrors import (
    HEARD,
    Played,
    calling,
    delta,
    made,
    making,
    response,
    spoken,
    user,
)
from tests._protocol.recorded import Tree, event


@pytest.fixture
def played() -> Played:
    return Played()


# Announcing and order


def test_a_user_item_is_whole_when_it_is_announced(played: Played) -> None:
    message = Message(id="a", role="user", status="completed", content=[InputText(text="hello")])
    assert played.added(user("a")) == [ItemAdded(message, None), ItemDone(message)]
    assert played("conversation.item.done", item=user("a")) == []
    assert played.mirror.items == (message,)


@pytest.mark.parametrize(
    "item",
    [
        {
            "id": "a",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": ""}],
        },
        {"id": "a", "type": "function_call_output", "call_id": "c", "output": ""},
        {"id": "a", "type": "mcp_approval_response", "approval_request_id": "r", "approve": True},
        {"id": "a", "type": "vendors_own", "status": "completed"},
    ],
)
def test_items_of_clients_are_whole_without_a_status(played: Played, item: Tree) -> None:
    assert [type(change) for change in played.added(item)] == [ItemAdded, ItemDone]


@pytest.mark.parametrize(
    "item",
    [
        {"id": "a", "type": "message", "role": "assistant", "content": []},
        {"id": "a", "type": "function_call", "call_id": "c", "name": "f"},
        {"id": "a", "type": "mcp_list_tools", "server_label": "s"},
        {"id": "a", "type": "vendors_own", "status": "in_progress"},
    ],
)
def test_items_of_the_model_are_not(played: Played, item: Tree) -> None:
    assert [type(change) for change in played.added(item)] == [ItemAdded]
    done = played("conversation.item.done", item=item)
    assert [type(change) for change in done] == [ItemDone]


def test_items_stand_where_they_were_put(played: Played) -> None:
    played.added(user("a"))
    played.added(user("b"), "a")
    (added, _done) = played.added(user("c"), "a")
    assert isinstance(added, ItemAdded)
    assert added.previous_item_id == "a"
    assert played.ids == "acb"


def test_without_a_predecessor_items_come_last(played: Played) -> None:
    for item_id in "abc":
        played.added(user(item_id))
    assert played.ids == "abc"


def test_the_beginning_is_asked_for(played: Played) -> None:
    played.mirror.sent(ConversationItemCreate(item=Message(id="a")))
    played.mirror.sent(ConversationItemCreate(item=Message(), previous_item_id="root"))
    played.mirror.sent(ConversationItemCreate(item=Message(id="z"), previous_item_id="root"))
    played.added(user("a"))
    played.added(user("z"))
    played.added(user("y"), "root")
    assert played.ids == "yza"


def test_an_item_announced_twice_is_there_once(played: Played) -> None:
    # speaches
    played("conversation.item.created", item=user("a"))
    played("conversation.item.created", item=making("b"), previous_item_id="a")
    played("response.output_audio_transcript.delta", **delta("b", "Hi"))
    assert played("conversation.item.created", item=making("b"), previous_item_id="a") == []
    assert played.mirror.get("b") == Message(
        id="b", role="assistant", status="in_progress", content=[OutputAudio(transcript="Hi")]
    )
    whole = made("b", {"type": "audio", "transcript": "Hi!"})
    changes = played("conversation.item.created", item=whole, previous_item_id="a")
    assert [type(change) for change in changes] == [ItemDone]
    assert played("conversation.item.created", item=making("b")) == []
    assert played.ids == "ab"
    assert played.mirror.get("b") == Message(
        id="b", role="assistant", status="completed", content=[Audio(transcript="Hi!")]
    )


def test_a_predecessor_told_late_moves_the_item(played: Played) -> None:
    played.added(user("a"))
    played.added(user("b"), "a")
    played(f"{HEARD}.completed", item_id="c", transcript="I come before b")
    assert played.added(spoken("c"), "a")[0] == ItemsReordered(("a", "c", "b"))
    assert played.ids == "acb"
    assert played.mirror.get("c") == Message(
        id="c",
        role="user",
        status="completed",
        content=[InputAudio(transcript="I come before b")],
    )


def test_others_may_move_when_an_item_comes(played: Played) -> None:
    played.added(user("a"))
    played.added(user("c"), "missed")
    played.added(user("b"))
    changes = played.added({**user("missed"), "id": "m"})
    assert not any(isinstance(change, ItemsReordered) for change in changes)
    changes = played.added(user("missed"), "b")
    assert ItemsReordered(("a", "b", "missed", "c", "m")) in changes


def test_an_item_without_an_id_is_none(played: Played) -> None:
    nameless: Tree = {"type": "message", "role": "user"}
    for type_ in ("added", "created", "done", "retrieved"):
        assert played(f"conversation.item.{type_}", item=nameless) == []
    assert played("conversation.item.added", item={"type": "odd", "id": 7}) == []
    assert played("response.output_item.done", item=nameless) == []
    assert played("response.done", **response(nameless, conversation_id="conv_1")) == []
    assert played("conversation.item.deleted") == []
    assert played.mirror.items == ()


def test_items_are_the_same_tuple_until_they_change(played: Played) -> None:
    played.added(making("a"))
    before = played.mirror.items
    assert played.mirror.items is before
    played("response.output_text.delta", **delta("a", "x"))
    assert played.mirror.items is not before
    assert before == (Message(id="a", role="assistant", status="in_progress"),)


# Which responses write to the conversation


def test_a_response_outside_of_the_conversation_leaves_no_items(played: Played) -> None:
    played.added(user("a"))
    played.added(making("b"), "a")
    played("response.done", **response(made("b"), conversation_id="conv_1"))
    played("response.output_text.delta", **delta("x", "aside"))
    played("response.output_item.done", item=made("x", {"type": "text", "text": "aside"}))
    played("response.done", **response(made("x", {"type": "text", "text": "aside"})))
    assert played.ids == "ab"


def test_items_of_a_response_that_names_its_conversation_are_in_it(played: Played) -> None:
    played("response.done", **response(made("a"), conversation_id="conv_1"))
    played("response.done", **response(made("b")))
    assert played.ids == "a"


def test_a_server_that_announces_nothing_is_taken_at_its_word(played: Played) -> None:
    # FakeAI
    played("conversation.item.created", item=user("a"))
    played("response.output_item.done", item=made("b"))
    assert played.ids == "a"
    changes = played("response.done", **response(made("b"), calling("c", status="completed")))
    assert [type(change) for change in changes] == [ItemAdded, ItemDone] * 2
    assert played.ids == "abc"


@pytest.mark.parametrize(
    "type_", ["conversation.item.created", "conversation.item.added", "conversation.item.done"]
)
def test_a_server_that_announces_what_it_makes_is_known_by_that(played: Played, type_: str) -> None:
    played(type_, item=making("a"))
    played("response.done", **response(made("x")))
    assert played.ids == "a"


def test_who_asks_for_a_response_outside_gets_it_outside(played: Played) -> None:
    asides: list[ClientEvent] = [
        ResponseCancel(),
        ResponseCreate(),
        ResponseCreate(response=ResponseCreateParams(conversation="auto")),
    ]
    for sent in asides:
        played.mirror.sent(sent)
    played("response.done", **response(made("a")))
    played.mirror.sent(ResponseCreate(response=ResponseCreateParams(conversation="none")))
    played("response.done", **response(made("x")))
    assert played.ids == "a"


def test_a_finished_item_that_nobody_announced_is_there(played: Played) -> None:
    # aimock, and whoever joins late
    played.added(user("a"))
    changes = played("conversation.item.done", item=made("b"), previous_item_id="a")
    assert [type(change) for change in changes] == [ItemAdded, ItemDone]
    assert played.ids == "ab"


# Retrieving and deleting


def test_a_deleted_item_is_gone(played: Played) -> None:
    for item_id, previous in (("a", None), ("b", "a"), ("c", "b")):
        played.added(user(item_id), previous)
    assert played("conversation.item.deleted", item_id="b") == [ItemDeleted("b")]
    assert played("conversation.item.deleted", item_id="b") == []
    assert played.ids == "ac"
    assert played.mirror.get("b") is None


def test_late_news_do_not_bring_a_deleted_item_back(played: Played) -> None:
    played.added(making("a"))
    played("conversation.item.deleted", item_id="a")
    played("response.output_text.delta", **delta("a", "x"))
    played("conversation.item.done", item=made("a"))
    played("conversation.item.retrieved", item=made("a"))
    played("response.output_item.done", item=made("a"))
    played("response.done", **response(made("a"), conversation_id="conv_1"))
    played(f"{HEARD}.delta", **delta("a", "x"))
    played(f"{HEARD}.completed", item_id="a", transcript="x")
    assert played.mirror.items == ()


def test_an_id_may_be_used_again(played: Played) -> None:
    played.added(user("a"))
    played.added(user("b"), "a")
    played("conversation.item.deleted", item_id="a")
    played.added(user("a", "again"), "b")
    assert played.ids == "ba"
    (changed,) = played("conversation.item.done", item=user("a", "and again"))
    assert changed == ItemChanged(played.mirror.items[1])
    played(f"{HEARD}.completed", item_id="a", content_index=1, transcript="x")
    assert len(played.mirror.items) == 2


# Audio


def test_audio_is_kept_only_if_asked_for() -> None:
    mirror = ConversationMirror()
    assert ResponseOutputAudioDelta not in mirror.relevant
    mirror.apply(event("conversation.item.added", item=making("a")))
    mirror.apply(event("response.output_audio.delta", item_id="a", delta="AAAA"))
    assert mirror.audio("a") == b""


def test_audio_is_kept_by_part_and_bounded() -> None:
    played = Played(keep_audio_bytes=6)
    played.added(making("a"))
    for type_ in ("response.output_audio.delta", "response.audio.delta"):
        assert played(type_, item_id="a", content_index=0, delta="AAEC") == []
    played("response.output_audio.delta", item_id="not_there", delta="AAEC")
    assert played.mirror.audio("a") == bytes([0, 1, 2, 0, 1, 2])
    played("response.output_audio.delta", item_id="a", content_index=1, delta="AwQF")
    assert played.mirror.audio("a", 0) == bytes([0, 1, 2])
    assert played.mirror.audio("a", 1) == bytes([3, 4, 5])
    played("conversation.item.truncated", item_id="a", content_index=1, audio_end_ms=0)
    assert played.mirror.audio("a", 1) == bytes([3, 4, 5])
    played("conversation.item.deleted", item_id="a")
    assert played.mirror.audio("a", 1) == b""


# Drift


def test_an_announcement_that_drifted_still_announces(played: Played) -> None:
    played.added(user("a"))
    changes = played("conversation.item.added", item=making("b"), previous_item_id=7, event_id=1)
    assert isinstance(changes[0], ItemAdded)
    assert played("conversation.item.deleted", item_id="a", event_id=1) == [ItemDeleted("a")]
    assert played("response.done", response="?") == []
    assert played.ids == "b"


def test_what_cannot_be_read_changes_nothing(played: Played) -> None:
    assert played.mirror.apply(InvalidEvent("", b"\xff", "bad")) == []
    assert played.mirror.apply(event("no.such.event")) == []
    assert played.mirror.items == ()


def test_irrelevant_events_are_not_named(played: Played) -> None:
    relevant = played.mirror.relevant
    for tag in (
        "session.updated",
        "rate_limits.updated",
        "response.created",
        "response.audio.done",
    ):
        assert SERVER_EVENTS[tag] not in relevant
        assert played.mirror.apply(event(tag, session={}, rate_limits=[], response={})) == []


def test_outputs_of_functions_are_items(played: Played) -> None:
    output: Tree = {"id": "a", "type": "function_call_output", "call_id": "c", "output": "42"}
    played.added(output)
    assert played.only() == FunctionCallOutput(id="a", call_id="c", output="42")
