"""What an event that could not be decoded still says of an item, or of a response that is over.

A server that changes a field of an event must not make an item invisible, or a response free of
charge. Only what names an item, the item itself, and what fits of an ended response is read
again; everything else counts as absent.
"""

from __future__ import annotations

import json
from typing import cast

from anyrealtime.events import (
    SERVER_EVENTS,
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemRetrieved,
    ConversationItemTruncated,
    InvalidEvent,
    JsonObject,
    ResponseDone,
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

_OF_ITEMS = frozenset(
    tag for tag, kind in SERVER_EVENTS.items() if issubclass(kind, _WITH_ITEM + _WITH_ITEM_ID)
)
_RESPONSE_DONE = "response.done"


def mended(event: InvalidEvent) -> ServerEvent | None:
    """The event with what can be read of it; None if it is of no item, or nothing can be read."""
    try:
        if event.type in _OF_ITEMS:
            return _decoded(_of_item(event))
        if event.type == _RESPONSE_DONE:
            return _of_response(_tree(event))
    except (ValueError, RecursionError):
        pass
    return None


def _tree(event: InvalidEvent) -> JsonObject:
    tree: object = json.loads(event.raw.decode(errors="replace"))
    return cast("JsonObject", tree) if isinstance(tree, dict) else {}


def _decoded(told: JsonObject) -> ServerEvent | None:
    frame = json.dumps(told, ensure_ascii=False).encode(errors="replace")  # half characters: "?"
    event = decode_server(frame)
    return None if isinstance(event, InvalidEvent) else event


def _of_item(event: InvalidEvent) -> JsonObject:
    envelope = decode_envelope(event.raw)
    if envelope is None:
        raise ValueError("it is no object")
    told: dict[str, object] = {
        "type": event.type,
        "item_id": envelope.item_id,
        "previous_item_id": envelope.previous_item_id,
        "content_index": envelope.content_index,
    }
    tree = _tree(event)
    if "item" in tree:
        told["item"] = tree["item"]
    return told


def _of_response(tree: JsonObject) -> ResponseDone | None:
    """What fits of the end of a response: each field alone, and each of an object's."""
    told = tree.get("response")
    if not isinstance(told, dict):
        return None
    kept: dict[str, object] = {}
    for name, value in cast("JsonObject", told).items():
        if _response({name: value}):
            kept[name] = value
        elif isinstance(value, dict):
            fields = cast("JsonObject", value).items()
            kept[name] = {key: one for key, one in fields if _response({name: {key: one}})}
    return _response(kept)


def _response(fields: JsonObject) -> ResponseDone | None:
    event = _decoded({"type": _RESPONSE_DONE, "response": fields})
    return event if isinstance(event, ResponseDone) else None
