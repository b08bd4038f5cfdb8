"""Which event answers which command: the table, and by what the two are matched.

Pure: an event in, lanes out. A lane is where a command waits for its answer: a kind of answer,
and the key that both carry. An empty key means that answers of that kind carry none and come in
the order of the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import UnsetType

from anyrealtime.events import (
    SERVER_EVENTS,
    ClientEvent,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    ConversationItemTruncated,
    Envelope,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InvalidEvent,
    Item,
    OutputAudioBufferClear,
    OutputAudioBufferCleared,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SessionClose,
    SessionClosed,
    SessionUpdate,
    SessionUpdated,
    UnknownObject,
    decode_envelope,
)

TAG = "anyrealtime"
"""The key in `response.metadata` under which a response tells whose it is."""


class Lane(NamedTuple):
    """Where commands wait: a kind of answer, and what tells apart the answers of that kind."""

    kind: str
    key: str = ""


SESSION = Lane("session.updated")
COMMITTED = Lane("input_audio_buffer.committed")
ANY_DONE = Lane("response.done")


def item_id(item: Item) -> str | None:
    """The id of an item of whatever kind."""
    if isinstance(item, UnknownObject):
        given = item.get("id")
        return given if isinstance(given, str) else None
    return item.id


def tag_of(metadata: Mapping[str, object] | UnsetType | None) -> str | None:
    """The tag that a response carries, if it is one of ours."""
    tag = metadata.get(TAG) if metadata else None
    return tag if isinstance(tag, str) else None


_COMMANDS: dict[type[Any], Callable[[Any], Lane]] = {
    SessionUpdate: lambda _: SESSION,
    SessionClose: lambda _: Lane("session.closed"),
    InputAudioBufferCommit: lambda _: COMMITTED,
    InputAudioBufferClear: lambda _: Lane("input_audio_buffer.cleared"),
    OutputAudioBufferClear: lambda _: Lane("output_audio_buffer.cleared"),
    ConversationItemCreate: lambda e: Lane("item.added", item_id(e.item) or ""),
    ConversationItemRetrieve: lambda e: Lane("item.retrieved", e.item_id),
    ConversationItemTruncate: lambda e: Lane("item.truncated", e.item_id),
    ConversationItemDelete: lambda e: Lane("item.deleted", e.item_id),
    ResponseCreate: lambda e: Lane("response.created", tag_of(e.response and e.response.metadata) or ""),
    ResponseCancel: lambda e: Lane("response.done", e.response_id or ""),
}  # fmt: skip

_ANSWERS: dict[type[Any], Callable[[Any], tuple[Lane, ...]]] = {
    SessionUpdated: lambda _: (SESSION,),
    SessionClosed: lambda _: (Lane("session.closed"),),
    InputAudioBufferCommitted: lambda _: (COMMITTED,),
    InputAudioBufferCleared: lambda _: (Lane("input_audio_buffer.cleared"),),
    OutputAudioBufferCleared: lambda _: (Lane("output_audio_buffer.cleared"),),
    ConversationItemAdded: lambda e: (Lane("item.added", item_id(e.item) or ""),),
    ConversationItemRetrieved: lambda e: (Lane("item.retrieved", item_id(e.item) or ""),),
    ConversationItemTruncated: lambda e: (Lane("item.truncated", e.item_id or ""),),
    ConversationItemDeleted: lambda e: (Lane("item.deleted", e.item_id or ""),),
    ResponseDone: lambda e: (Lane("response.done", e.response.id or ""), ANY_DONE),
}

# What answers by the tag on the wire, for payloads that have drifted.
_DRIFTED: dict[str, Callable[[Envelope], tuple[Lane, ...]]] = {
    "session.updated": lambda _: (SESSION,),
    "transcription_session.updated": lambda _: (SESSION,),
    "session.closed": lambda _: (Lane("session.closed"),),
    "input_audio_buffer.committed": lambda _: (COMMITTED,),
    "input_audio_buffer.cleared": lambda _: (Lane("input_audio_buffer.cleared"),),
    "output_audio_buffer.cleared": lambda _: (Lane("output_audio_buffer.cleared"),),
    "conversation.item.added": lambda e: (Lane("item.added", (e.item and e.item.id) or ""),),
    "conversation.item.created": lambda e: (Lane("item.added", (e.item and e.item.id) or ""),),
    "conversation.item.retrieved": lambda e: (Lane("item.retrieved", (e.item and e.item.id) or ""),),
    "conversation.item.truncated": lambda e: (Lane("item.truncated", e.item_id or ""),),
    "conversation.item.deleted": lambda e: (Lane("item.deleted", e.item_id or ""),),
    "response.done": lambda e: (Lane("response.done", (e.response and e.response.id) or ""), ANY_DONE),
}  # fmt: skip


def _by_class(table: dict[type[Any], Any]) -> Callable[[type[Any]], Any]:
    """Look a class up in a table, subclasses (the beta's events) included."""

    def find(kind: type[Any]) -> Any:
        return next((table[base] for base in kind.__mro__ if base in table), None)

    return find


_find_command = _by_class(_COMMANDS)
_find_answer = _by_class(_ANSWERS)


def lane_of(command: ClientEvent) -> Lane | None:
    """Where `command` waits for its answer; None if nothing answers it."""
    row = _find_command(type(command))
    return row(command) if row is not None else None


def lanes_of(event: ServerEvent, tag: str | None = None) -> tuple[Lane, ...]:
    """The lanes whose first command `event` answers, if one waits there; the first one counts.

    `tag` is that of the request which the beginning of a response answers. Servers that echo
    no metadata leave it open, and one alone must guess: the tracker of responses.
    """
    if tag is not None:
        return (Lane("response.created", tag),)
    if isinstance(event, InvalidEvent):
        row, envelope = _DRIFTED.get(event.type), decode_envelope(event.raw)
        return row(envelope) if row is not None and envelope is not None else ()
    answer = _find_answer(type(event))
    return answer(event) if answer is not None else ()


ANSWERS = frozenset(
    kind for kind in SERVER_EVENTS.values() if issubclass(kind, (ResponseCreated, *_ANSWERS))
)
"""The classes of events that answer commands."""
