"""Decoding never raises, and what was decoded is written and read again as the same event."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fuzz.harness import Choices, fuzz, samples, strange

atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["anyrealtime"]):
    from anyrealtime import events

if TYPE_CHECKING:
    from anyrealtime.events import ClientEvent, ServerEvent

SAMPLES = samples("client", "server", "beta", "vendors")


def target(data: bytes) -> None:
    """A frame as it is, and a sample made strange by the same bytes."""
    check(data)
    choices = Choices(data)
    check(strange(SAMPLES[choices.number(len(SAMPLES))], choices))


def check(frame: bytes) -> None:
    """Hold every promise of the codec against one frame."""
    envelope = events.decode_envelope(frame)
    check_decoder(events.decode_server, frame, envelope)
    check_decoder(events.decode_client, frame, envelope)
    text = frame.decode(errors="surrogateescape")
    events.decode_server(text)
    events.decode_client(text)
    events.decode_envelope(text)


def check_decoder(
    decode: Callable[[bytes], ServerEvent | ClientEvent],
    frame: bytes,
    envelope: events.Envelope | None,
) -> None:
    """Decode, encode, decode."""
    event = decode(frame)
    repr(event)
    written = events.encode(event)
    if isinstance(event, events.UnknownEvent | events.InvalidEvent):
        assert written == event.raw == frame
    else:
        assert envelope is not None
        assert envelope.type == event.type
        again = decode(written)
        assert again == event, (event, again)
        assert type(again) is type(event)


if __name__ == "__main__":
    fuzz("codec", target, SAMPLES)
