"""Who gets which event: the registry of streams, and nothing that waits for a program.

`publish` is called by the reader with all events of one read. It is synchronous; a stream that
is full deals with that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from anyio.lowlevel import checkpoint

from anyrealtime._runtime._stream import Ending, EventStream, Overflow
from anyrealtime.events import ErrorEvent, ServerEvent

_BACKLOG_BYTES = 2**20  # above it a stream that is being read gets extra turns
_EXTRA_TURNS = 0.005  # seconds of them between two reads at most


class Dispatcher:
    """The open streams of one connection.

    Attributes:
        lost: how streams end from now on, once the connection is over.
    """

    def __init__(self, on_told: Callable[[], None]) -> None:
        self._on_told = on_told
        self._everything: list[EventStream[Any]] = []
        self._raw: list[EventStream[bytes]] = []
        self._chosen: dict[EventStream[Any], tuple[type, ...]] = {}
        self._routes: dict[type, tuple[EventStream[Any], ...]] = {}
        self._over = False
        self._ending: Ending | None = None

    @contextmanager
    def stream(
        self, kinds: tuple[type, ...], *, max_events: int, max_bytes: int, overflow: Overflow
    ) -> Generator[EventStream[Any], None, None]:
        """A stream of the events of these classes (none: of all), registered until the exit."""
        stream = self._new(max_events, max_bytes, overflow)
        if kinds:
            self._chosen[stream] = kinds
        else:
            self._everything.append(stream)
        self._routes.clear()
        try:
            yield stream
        finally:
            if kinds:
                del self._chosen[stream]
            else:
                self._everything.remove(stream)
            self._routes.clear()
            stream.close()

    @contextmanager
    def raw_stream(
        self, *, max_events: int, max_bytes: int, overflow: Overflow
    ) -> Generator[EventStream[Any], None, None]:
        """A stream of the frames as they came, registered until the exit."""
        stream = self._new(max_events, max_bytes, overflow)
        self._raw.append(stream)
        try:
            yield stream
        finally:
            self._raw.remove(stream)
            stream.close()

    def _new(self, max_events: int, max_bytes: int, overflow: Overflow) -> EventStream[Any]:
        stream: EventStream[Any] = EventStream(
            max_events=max_events, max_bytes=max_bytes, overflow=overflow, on_told=self._on_told
        )
        if self._over:
            stream.end(self._ending)
        return stream

    def publish(self, frames: list[bytes], events: list[ServerEvent], sizes: list[int]) -> None:
        """Give each stream its share of what one read brought."""
        total = sum(sizes)
        for stream in self._everything:
            stream.put(events, sizes, total)
        for stream in self._raw:
            stream.put(frames, sizes, total)
        if self._chosen:
            self._publish_chosen(events, sizes)

    def _publish_chosen(self, events: list[ServerEvent], sizes: list[int]) -> None:
        shares: dict[EventStream[Any], tuple[list[ServerEvent], list[int]]] = {}
        for event, size in zip(events, sizes, strict=True):
            for stream in self._route(type(event)):
                share = shares.setdefault(stream, ([], []))
                share[0].append(event)
                share[1].append(size)
        for stream, (chosen, chosen_sizes) in shares.items():
            stream.put(chosen, chosen_sizes, sum(chosen_sizes))

    def _route(self, kind: type) -> tuple[EventStream[Any], ...]:
        route = self._routes.get(kind)
        if route is None:
            route = tuple(s for s, kinds in self._chosen.items() if issubclass(kind, kinds))
            self._routes[kind] = route
        return route

    def claims_errors(self) -> bool:
        """Whether an open subscription names ErrorEvent."""
        return any(ErrorEvent in kinds for kinds in self._chosen.values())

    def end(self, ending: Ending | None) -> None:
        """End every stream, and those that are opened from now on."""
        if self._over:
            return
        self._over, self._ending = True, ending
        for stream in self._streams():
            stream.end(ending)

    def taken_at(self) -> float:
        """When any stream's item was last taken, on `time.perf_counter`'s clock."""
        return max((stream.taken_at for stream in self._streams()), default=0.0)

    async def give_way(self) -> None:
        """Let the readers of long streams run, while that shortens them.

        One read brings up to 900 events, and one turn of the scheduler lets a reader take no
        more than that: without extra turns a program that keeps up would still overflow.
        """
        long = [stream for stream in self._streams() if stream.held_bytes > _BACKLOG_BYTES]
        deadline = perf_counter() + _EXTRA_TURNS
        while long and perf_counter() < deadline:
            before = [stream.held_bytes for stream in long]
            await checkpoint()
            long = [
                stream
                for stream, held in zip(long, before, strict=True)
                if _BACKLOG_BYTES < stream.held_bytes < held
            ]

    def _streams(self) -> list[EventStream[Any]]:
        return [*self._everything, *self._chosen, *self._raw]
