"""One `EventStream` by itself, of numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import anyio

from anyrealtime import Dropped, EventStream
from anyrealtime._runtime import _stream
from anyrealtime._runtime._stream import Overflow
from tests._runtime.peers import LIMIT

Item = int | Dropped


@asynccontextmanager
async def stream_of(
    max_events: int = 1000,
    max_bytes: int = 10**6,
    overflow: Overflow = "raise",
    **options: Any,
) -> AsyncGenerator[EventStream[Item]]:
    stream: EventStream[Item] = EventStream(
        max_events=max_events, max_bytes=max_bytes, overflow=overflow, **options
    )
    with anyio.fail_after(LIMIT):
        try:
            yield stream
        finally:
            stream.close()


class Clock:
    """What a stream takes for the time, in seconds: it goes on by hand."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def clock_by_hand() -> Generator[Clock]:
    """To its streams, a program is as quick as the test wants: standing still, as can be."""
    clock = Clock()
    with patch.object(_stream, "perf_counter", clock):
        yield clock


def put(stream: EventStream[Item], *items: int, size: int = 1) -> None:
    stream.put(list(items), [size] * len(items), size * len(items))


async def rest(stream: EventStream[Item]) -> tuple[list[Item], type[Exception] | None]:
    """What is left, and the kind of exception at the end."""
    items: list[Item] = []
    try:
        async for item in stream:
            items.append(item)  # noqa: PERF401 - kept when the stream raises
    except Exception as exc:
        return items, type(exc)
    return items, None
