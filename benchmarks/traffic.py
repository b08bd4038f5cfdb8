"""What travels: one response's events, written as a GA server writes them, as WebSocket frames.

Everything here is bytes made before anybody is timed, the same on every run (seeded). No
socket, no clock, and nothing of any client: what a peer makes of these frames is its own affair.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

__all__ = [
    "AUDIO_BYTES",
    "BLOCK_EVENTS",
    "CHUNK_BYTES",
    "ENVELOPE_EVENTS",
    "GO",
    "Mix",
    "Response",
    "encode_event",
    "frame",
    "session_event",
]

Mix: TypeAlias = Literal["mixed", "small"]

GO = '{"type":"response.create"}'
"""What a peer sends to be given a response."""

AUDIO_BYTES = 4_800
"""PCM in one audio delta: 100 ms at 24 kHz, 6,400 characters of base64."""

CHUNK_BYTES = 960
"""PCM in one append: 20 ms at 24 kHz, 16 bit, one channel."""

BLOCK_EVENTS = 512
"""Distinct deltas; a response repeats them, so that a server holds 2 MB and not 300."""

ENVELOPE_EVENTS = 10
"""The events of a response that are no deltas: five open it and five close it."""

_WORDS = ("the", "of", "and", "to", "in", "is", "you", "that", "it", "was", "for", "have")


def frame(payload: bytes) -> bytes:
    """Write `payload` as one unmasked text frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def encode_event(event: Mapping[str, object]) -> bytes:
    """Write `event` as a frame of compact JSON."""
    return frame(json.dumps(event, separators=(",", ":")).encode())


def session_event(kind: Literal["session.created", "session.updated"]) -> bytes:
    """The frame of a GA session event."""
    pcm = {"type": "audio/pcm", "rate": 24_000}
    detection = {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    session = {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_Bench0000000000000001",
        "model": "gpt-realtime",
        "output_modalities": ["audio"],
        "instructions": "Read the long text aloud, slowly.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "prompt": None,
        "expires_at": 4_000_000_000,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": detection,
            },
            "output": {"format": pcm, "voice": "marin", "speed": 1.0},
        },
        "include": None,
    }
    return encode_event(
        {"type": kind, "event_id": "event_Bench000000000session", "session": session}
    )


class Response:
    """One response of any length: an envelope and, between its halves, the same block of deltas.

    Two items are open at once, one that is spoken and one that is written. "mixed" is half
    audio deltas, half small ones; "small" has no audio. The small ones are transcript and text
    deltas in turn.
    """

    def __init__(self, mix: Mix) -> None:
        self._random = random.Random(20_261_122)
        self._response_id = self._id("resp_")
        self._items = (self._id("item_"), self._id("item_"))
        deltas = [self._delta(mix, position) for position in range(BLOCK_EVENTS)]
        self._ends = [0]
        for delta in deltas:
            self._ends.append(self._ends[-1] + len(delta))
        self._block = memoryview(b"".join(deltas))
        self._opening = encode_event(self._response("response.created", "in_progress"))
        self._opening += self._part(0, "added") + self._part(1, "added")
        self._closing = self._part(0, "done") + self._part(1, "done")
        self._closing += encode_event(self._response("response.done", "completed"))

    def pieces(self, events: int) -> Iterator[memoryview]:
        """Yield the bytes of a response of exactly `events` events, the envelope counted."""
        deltas = events - ENVELOPE_EVENTS
        if deltas < 0:
            raise ValueError(f"a response has at least {ENVELOPE_EVENTS} events, not {events}")
        yield memoryview(self._opening)
        while deltas > 0:
            count = min(deltas, BLOCK_EVENTS)
            yield self._block[: self._ends[count]]
            deltas -= count
        yield memoryview(self._closing)

    def _id(self, prefix: str) -> str:
        letters = string.ascii_letters + string.digits
        return prefix + "".join(self._random.choices(letters, k=21))

    def _head(self, kind: str) -> dict[str, object]:
        return {"type": kind, "event_id": self._id("event_"), "response_id": self._response_id}

    def _delta(self, mix: Mix, position: int) -> bytes:
        if mix == "mixed" and position % 2 == 0:
            kind, item = "response.output_audio.delta", 0
            text = base64.b64encode(self._random.randbytes(AUDIO_BYTES)).decode()
        else:
            item = position // 2 % 2 if mix == "mixed" else position % 2
            kind = ("response.output_audio_transcript.delta", "response.output_text.delta")[item]
            text = " " + self._random.choice(_WORDS)
        event = self._head(kind) | {
            "item_id": self._items[item],
            "output_index": item,
            "content_index": 0,
            "delta": text,
        }
        if kind != "response.output_audio.delta":
            event["obfuscation"] = "".join(
                self._random.choices(string.ascii_letters, k=16 - len(text))
            )
        return encode_event(event)

    def _part(self, item: int, phase: Literal["added", "done"]) -> bytes:
        text = "" if phase == "added" else "the"
        field, kind = (("transcript", "audio"), ("text", "text"))[item]
        message = {
            "id": self._items[item],
            "type": "message",
            "status": "in_progress" if phase == "added" else "completed",
            "role": "assistant",
            "content": [] if phase == "added" else [{"type": f"output_{kind}", field: text}],
        }
        of_item = self._head(f"response.output_item.{phase}") | {
            "output_index": item,
            "item": message,
        }
        of_part = self._head(f"response.content_part.{phase}") | {
            "item_id": self._items[item],
            "output_index": item,
            "content_index": 0,
            "part": {"type": kind, field: text},
        }
        pair = (of_item, of_part) if phase == "added" else (of_part, of_item)
        return b"".join(map(encode_event, pair))

    def _response(self, kind: str, status: str) -> dict[str, object]:
        usage = {
            "total_tokens": 253,
            "input_tokens": 132,
            "output_tokens": 121,
            "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64},
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        }
        response = {
            "object": "realtime.response",
            "id": self._response_id,
            "status": status,
            "status_details": None,
            "output": [],
            "conversation_id": "conv_Bench0000000000000001",
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {
                "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "marin"}
            },
            "usage": usage if status == "completed" else None,
            "metadata": None,
        }
        return {"type": kind, "event_id": self._id("event_"), "response": response}
