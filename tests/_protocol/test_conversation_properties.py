"""Whatever order events come in, and whichever are lost or repeated, the mirror holds."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._protocol._changes import ItemAdded, ItemDeleted, ItemsReordered
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime._protocol._mirrored import id_of
from anyrealtime.events import SERVER_EVENTS, Message, ServerEvent
from tests._protocol.mirrors import HEARD, calling, delta, made, making, response, spoken, user
from tests._protocol.recorded import Tree, event

TRUNCATED, DELETED = "conversation.item.truncated", "conversation.item.deleted"


@dataclass
class History:
    """What a server did: its events in order, and after which item each item stands."""

    events: list[ServerEvent]
    previous: dict[str, str]


def life(item_id: str, previous: str | None, kind: str, dialect: str) -> list[ServerEvent]:
    """The events of one item, in order."""
    announced = "conversation.item.created" if dialect == "beta" else "conversation.item.added"

    def announce(item: Tree) -> ServerEvent:
        return event(announced, item=item, previous_item_id=previous)

    if kind == "user":
        return [announce(user(item_id)), event("conversation.item.done", item=user(item_id))]
    if kind == "spoken":
        return [
            announce(spoken(item_id)),
            event(f"{HEARD}.delta", **delta(item_id, "what ")),
            event(f"{HEARD}.delta", **delta(item_id, "was said")),
            event(f"{HEARD}.completed", item_id=item_id, transcript=f"what was said in {item_id}"),
        ]
    if kind == "call":
        final = calling(item_id, status="completed", call_id="c", name="f", arguments="{}")
        return [
            announce(calling(item_id)),
            event("response.function_call_arguments.delta", item_id=item_id, delta="{}"),
            event("response.function_call_arguments.done", item_id=item_id, arguments="{}"),
            event("response.output_item.done", item=final),
        ]
    final = made(item_id, {"type": "output_audio", "transcript": f"this is {item_id}"})
    return [
        announce(making(item_id)),
        event("response.output_audio_transcript.delta", **delta(item_id, "this is ")),
        event("response.output_audio.delta", item_id=item_id, delta="AAAA"),
        event("response.output_audio_transcript.delta", **delta(item_id, item_id)),
        event("conversation.item.done", item=final),
        event("response.done", **response(final, conversation_id="conv_1")),
    ]


@st.composite
def histories(draw: st.DrawFn, *, endings: bool = True) -> History:
    events: list[ServerEvent] = []
    previous: dict[str, str] = {}
    present: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        item_id = f"item_{number}"
        before = draw(st.sampled_from([None, *present]))
        if before is not None:
            previous[item_id] = before
        present.append(item_id)
        kind = draw(st.sampled_from(["user", "spoken", "call", "answer"]))
        dialect = draw(st.sampled_from(["ga", "beta"]))
        events += life(item_id, previous.get(item_id), kind, dialect)
        ending = draw(st.sampled_from([None, None, TRUNCATED, DELETED])) if endings else None
        if ending is not None:
            events.append(event(ending, item_id=item_id))
        if ending is DELETED:  # what was told of it says nothing any more
            present.remove(item_id)
            previous = {one: two for one, two in previous.items() if item_id not in (one, two)}
    return History(events, previous)


def check(mirror: ConversationMirror, previous: dict[str, str]) -> None:
    ids = [str(getattr(item, "id", None)) for item in mirror.items]
    assert len(set(ids)) == len(ids)
    at = {item_id: index for index, item_id in enumerate(ids)}
    for two, one in previous.items():
        assert one not in at or two not in at or at[one] < at[two]


@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_any_loss_any_repetition(
    history: History, chance: random.Random, keep_audio: bool
) -> None:
    mirror = ConversationMirror(keep_audio_bytes=10 if keep_audio else 0)
    told: dict[str, str] = {}
    order: list[str] = []
    for _ in range(2 * len(history.events)):
        one = chance.choice(history.events)
        changes = mirror.apply(one)
        item_id = getattr(getattr(one, "item", None), "id", None)
        named = getattr(one, "previous_item_id", None)
        if item_id in history.previous and named is not None:
            told[item_id] = named
        check(mirror, told)
        for change in changes:
            if isinstance(change, ItemAdded):
                before = change.previous_item_id
                added = str(getattr(change.item, "id", None))
                order.insert(0 if before is None else order.index(before) + 1, added)
            elif isinstance(change, ItemDeleted):
                order.remove(change.item_id)
            elif isinstance(change, ItemsReordered):
                order = list(change.item_ids)
        assert order == [getattr(item, "id", None) for item in mirror.items]


@given(histories(endings=False), st.randoms(use_true_random=False))
def test_repetitions_change_nothing_in_the_end(history: History, chance: random.Random) -> None:
    once, often = ConversationMirror(), ConversationMirror()
    for index, one in enumerate(history.events):
        once.apply(one)
        often.apply(one)
        for _ in range(chance.choice([0, 0, 1, 3])):
            often.apply(chance.choice(history.events[: index + 1]))
    assert often.items == once.items
    for item in once.items:
        if isinstance(item, Message) and item.role == "assistant":
            assert item.content[0].transcript == f"this is {item.id}"  # type: ignore[union-attr]


ODD = st.sampled_from(["a", "b", "c", "d", "", None, 5, "root"])
PARTS = st.dictionaries(st.sampled_from(["type", "text", "transcript"]), ODD)
ITEMS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["message", "function_call", "mcp_call", "function_call_output", "x"]
        )
    },
    optional={
        "id": ODD,
        "status": ODD | st.just("in_progress"),
        "role": ODD,
        "content": st.lists(PARTS | ODD, max_size=2),
        "arguments": ODD,
        "call_id": ODD,
        "output": ODD,
    },
)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "item": ITEMS | ODD,
    "item_id": ODD,
    "previous_item_id": ODD,
    "content_index": st.none() | st.integers(-2, 2),
    "delta": ODD,
    "text": ODD,
    "transcript": ODD,
    "arguments": ODD,
    "audio_end_ms": ODD,
    "error": ODD,
    "response": ODD
    | st.fixed_dictionaries(
        {"output": st.lists(ITEMS | ODD, max_size=2)}, optional={"conversation_id": ODD, "id": ODD}
    ),
}
TAGS = sorted(tag for tag in SERVER_EVENTS if tag.startswith(("conversation", "response")))


@given(
    st.lists(
        st.tuples(st.sampled_from(TAGS), st.fixed_dictionaries({}, optional=FIELDS)), max_size=20
    )
)
def test_no_event_is_too_strange(events: list[tuple[str, Tree]]) -> None:
    mirror = ConversationMirror(keep_audio_bytes=3)
    for tag, fields in events:
        mirror.apply(event(tag, **fields))
        ids = [id_of(item) for item in mirror.items]
        assert None not in ids
        assert len(set(ids)) == len(ids)
