"""What the lifecycle must know of an event whose payload drifted: which one it is about.

A server that changes a field must not leave a session waiting for an event that has come.
So this reads less than the codec does, and forgives more.
"""

from __future__ import annotations

import json
from typing import TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import Struct

from anyrealtime.events._base import Frame, JsonObject, Object
from anyrealtime.events.server import ErrorDetail

S = TypeVar("S", bound=Struct)


class EnvelopeResponse(Object, frozen=True, kw_only=True):
    """Of a response, what tells which one it is and whether it is over."""

    id: str | None = None
    status: str | None = None
    metadata: JsonObject | None = None


class EnvelopeItem(Object, frozen=True, kw_only=True):
    """Of an item, what tells which one it is."""

    id: str | None = None
    type: str | None = None


class EnvelopeSession(Object, frozen=True, kw_only=True):
    """Of a session, which one it is and when it ends: a Unix time in seconds."""

    id: str | None = None
    expires_at: int | None = None


class Envelope(Object, frozen=True, kw_only=True):
    """What an event is about, whatever its payload: fields of another type count as absent."""

    type: str | None = None
    event_id: str | None = None
    item_id: str | None = None
    previous_item_id: str | None = None
    response_id: str | None = None
    call_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    response: EnvelopeResponse | None = None
    item: EnvelopeItem | None = None
    session: EnvelopeSession | None = None
    error: ErrorDetail | None = None


_envelope: msgspec.json.Decoder[Envelope] = msgspec.json.Decoder(Envelope)


def decode_envelope(frame: Frame) -> Envelope | None:
    """Read what can be read of a frame; None where it is no JSON object. Never raises."""
    try:
        return _envelope.decode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _from_tree(
            frame if isinstance(frame, str) else bytes(frame).decode(errors="replace")
        )


def _from_tree(text: str) -> Envelope | None:
    """Read the fields one at a time, by a parser that forgives half characters and NaN."""
    try:
        tree: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _salvage(cast("JsonObject", tree), Envelope) if isinstance(tree, dict) else None


def _salvage(tree: JsonObject, kind: type[S]) -> S:
    """Make a `kind` of those fields of `tree` that have the right type."""
    kept: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        value = tree.get(field.name)
        wanted = get_args(field.type)[0]  # each is a type or None
        if isinstance(value, dict) and isinstance(wanted, type) and issubclass(wanted, Struct):
            kept[field.name] = _salvage(cast("JsonObject", value), wanted)
        elif isinstance(value, get_origin(wanted) or wanted):
            kept[field.name] = value
    return kind(**kept)
