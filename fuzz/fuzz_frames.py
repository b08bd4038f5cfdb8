"""The frame reader agrees with `websockets`, whatever the bytes and wherever they are cut."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from typing import Any

from fuzz.harness import Choices, fuzz

atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["anyrealtime", "websockets"]):
    from tests._transport.frame_model import (
        WHOLE_HEADERS,
        make_reader,
        read_by_library,
        read_by_reader,
    )
    from tests._transport.raw_peer import BINARY, CONT, PING, close_frame, frame

FRAMES = [
    frame("text"),
    frame("ü" * 70),
    frame("x" * 199) + frame("y" * 201),
    frame("a", fin=False) + frame("?", PING) + frame("b", CONT),
    frame(b"\xff", BINARY) + frame(b"\xff"),
    frame("x", mask=b"mask"),
    frame("", length=2**62),
    close_frame(1000, "bye") + frame("late"),
    close_frame(),
]


def target(data: bytes) -> None:
    """The first bytes say where to cut, and whether we have said CLOSE."""
    choices = Choices(data)
    closing = choices.number(2) == 1
    cuts = [choices.number(256) for _ in range(choices.number(6))]
    stream = choices.rest()
    whole = stream + WHOLE_HEADERS
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    reads = [whole[start:end] for start, end in pairwise(edges)]
    expected = read_by_library(whole, closing=closing)
    assert read_by_reader(reads, closing=closing) == expected

    reader, _ = make_reader(closing=closing)
    reader.feed(stream)
    reader.feed_eof()
    assert reader.ending is not None


if __name__ == "__main__":
    fuzz("frames", target, [bytes([0, 100, 3, 40]) + stream for stream in FRAMES])
