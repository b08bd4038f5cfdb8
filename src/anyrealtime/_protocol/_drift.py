"""What an event that could not be decoded still says of an item.

A server that changes a field of an event must not make an item invisible. Only what names an
item, and the item itself, is read again; everything else counts as absent.
"""

from __future__ import annotations

import json

from anyrealtime.events import (
    SERVER_EVENTS,
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemRetrieved,
    ConversationItemTruncated,
    InvalidEvent,
    JsonObject,
    ResponseOutputItemDone,
    ServerEvent,
    decode_envelope,
    decode_server,
)

_WITH_ITEM = (
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemRetrieved,
    ResponseOutputItemDone,
)
_WITH_ITEM_ID = (ConversationItemDeleted, ConversationItemTruncated)

_MENDABLE = frozenset(
    tag for tag, kind in SERVER_EVENTS.items() if issubclass(kind, _WITH_ITEM + _WITH_ITEM_ID)
)


def mended_item_event(event: InvalidEvent) -> ServerEvent | None:
    """The event with what can be read of it; None if it is of no item, or nothing can be read."""
    envelope = decode_envelope(event.raw) if event.type in _MENDABLE else None
    if envelope is None:
        return None
    told: dict[str, object] = {
        "type": event.type,
        "item_id": envelope.item_id,
        "previous_item_id": envelope.previous_item_id,
        "content_index": envelope.content_index,
    }
    try:
        tree: JsonObject = json.loads(event.raw.decode(errors="replace"))
        if "item" in tree:
            told["item"] = tree["item"]
        frame = json.dumps(told, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    mended = decode_server(frame.encode(errors="replace"))  # half characters become "?"
    return None if isinstance(mended, InvalidEvent) else mended
