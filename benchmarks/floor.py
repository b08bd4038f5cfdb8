"""The least a Python program can do with an event: one msgspec decode into a union of its own.

What picows and `websockets` decode into. Only the events the server sends are known here, with
only the fields it sends; audio becomes bytes, as it does in anyrealtime.
"""

from __future__ import annotations

import msgspec

__all__ = ["DECODER", "Event", "ResponseDone"]


class _Event(msgspec.Struct, tag_field="type", frozen=True, kw_only=True):
    event_id: str


class _Delta(_Event, frozen=True, kw_only=True):
    response_id: str
    item_id: str
    output_index: int
    content_index: int


class AudioDelta(_Delta, tag="response.output_audio.delta", frozen=True, kw_only=True):
    delta: bytes


class TextDelta(_Delta, tag="response.output_text.delta", frozen=True, kw_only=True):
    delta: str


class TranscriptDelta(
    _Delta, tag="response.output_audio_transcript.delta", frozen=True, kw_only=True
):
    delta: str


class ItemAdded(_Event, tag="response.output_item.added", frozen=True, kw_only=True):
    item: dict[str, object]


class ItemDone(_Event, tag="response.output_item.done", frozen=True, kw_only=True):
    item: dict[str, object]


class PartAdded(_Event, tag="response.content_part.added", frozen=True, kw_only=True):
    part: dict[str, object]


class PartDone(_Event, tag="response.content_part.done", frozen=True, kw_only=True):
    part: dict[str, object]


class SessionCreated(_Event, tag="session.created", frozen=True, kw_only=True):
    session: dict[str, object]


class ResponseCreated(_Event, tag="response.created", frozen=True, kw_only=True):
    response: dict[str, object]


class ResponseDone(_Event, tag="response.done", frozen=True, kw_only=True):
    response: dict[str, object]


Event = (
    AudioDelta
    | TextDelta
    | TranscriptDelta
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | SessionCreated
    | ResponseCreated
    | ResponseDone
)

DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
