"""Who gets which event: the registry of streams, and nothing that waits for a program.

`publish` is called by the reader with the events that it decoded at once. It is synchronous; a
stream that is full deals with that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from weakref import WeakSet

from anyio.lowlevel import checkpoint

from anyrealtime._runtime._stream import Ending, EventStream, Overflow
from anyrealtime.events import ErrorEvent, ServerEvent

_LONG = 1 / 16  # of a stream's bounds: above it a stream that is being read gets extra turns
_CROWDED = 1 / 2
_PATIENCE = 0.005  # seconds of extra turns between two reads
_PATIENCE_IF_CROWDED = 0.1  # the same for a stream that would soon overflow


class Dispatcher:
    """The open streams of one connection, and how those end that are opened after it."""

    def __init__(self, on_told: Callable[[], None]) -> None:
        self._on_told = on_told
        self._everything: list[EventStream[Any]] = []
        self._raw: list[EventStream[bytes]] = []
        self._chosen: dict[EventStream[Any], tuple[type, ...]] = {}
        self._adopted: WeakSet[EventStream[Any]] = WeakSet()
        self._routes: dict[type, tuple[EventStream[Any], ...]] = {}
        self._over = False
        self._ending: Ending | None = None
        self._taken_at = 0.0  # from a stream that is no more

    @contextmanager
    def stream(
        self,
        kinds: tuple[type, ...],
        *,
        max_events: int,
        max_bytes: int,
        overflow: Overflow,
        keep_unread: bool = True,
    ) -> Generator[EventStream[Any], None, None]:
        """A stream of the events of these classes (none: of all), registered until the exit.

        Without `keep_unread` it holds nothing any more when it overflows before it was read.
        """
        stream = self._new(max_events, max_bytes, overflow, keep_unread=keep_unread)
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
            self._retire(stream)

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
            self._retire(stream)

    def adopt(self, stream: EventStream[Any]) -> None:
        """Count in a stream that others fill, for as long as anybody holds it."""
        self._adopted.add(stream)
        if self._over:
            stream.end(self._ending)

    @contextmanager
    def side_stream(
        self, *, max_events: int, max_bytes: int, overflow: Overflow
    ) -> Generator[EventStream[Any], None, None]:
        """A stream that the caller fills and that ends with the connection, until the exit."""
        stream = self._new(max_events, max_bytes, overflow)
        self.adopt(stream)
        try:
            yield stream
        finally:
            self._adopted.discard(stream)
            self._retire(stream)

    def _new(
        self, max_events: int, max_bytes: int, overflow: Overflow, *, keep_unread: bool = True
    ) -> EventStream[Any]:
        stream: EventStream[Any] = EventStream(
            max_events=max_events,
            max_bytes=max_bytes,
            overflow=overflow,
            keep_unread=keep_unread,
            on_told=self._on_told,
        )
        if self._over:
            stream.end(self._ending)
        return stream

    def _retire(self, stream: EventStream[Any]) -> None:
        self._taken_at = max(self._taken_at, stream.taken_at)
        stream.close()

    def publish(self, frames: list[bytes], events: list[ServerEvent], sizes: list[int]) -> None:
        """Give each stream its share of what was decoded at once."""
        total = sum(sizes)
        for stream in self._everything:
            stream.put(events, sizes, total)
        for stream in self._raw:
            stream.put(frames, sizes, total)
        if self._chosen:
            self._publish_chosen(events, sizes)

    def announce(self, notice: object) -> None:
        """Give what is no event of the server's to the streams that name its class."""
        for stream in self._route(type(notice)):
            stream.put([notice], [0], 0)

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
        """Whether an open subscription names ErrorEvent; one that has overflowed gets no more."""
        return any(ErrorEvent in kinds and s.is_open for s, kinds in self._chosen.items())

    def end(self, ending: Ending | None) -> None:
        """End every stream, and those that are opened from now on."""
        if self._over:
            return
        self._over, self._ending = True, ending
        for stream in self._streams():
            stream.end(ending)

    def taken_at(self) -> float:
        """When any stream's item was last taken, on `time.perf_counter`'s clock."""
        return max([self._taken_at, *(stream.taken_at for stream in self._streams())])

    async def give_way(self) -> None:
        """Let the readers of long streams run, while that shortens them.

        Decoding is faster than what most programs do with an event, and a turn of the scheduler
        lets a reader take no more than a millisecond's worth: without extra turns a program that
        keeps up would overflow.
        A program that does something else shortens nothing and costs two turns.
        """
        long = [stream for stream in self._streams() if stream.fullness > _LONG]
        began = perf_counter()
        while long:
            crowded = any(stream.fullness > _CROWDED for stream in long)
            if perf_counter() - began > (_PATIENCE_IF_CROWDED if crowded else _PATIENCE):
                return
            before = [stream.held_events for stream in long]
            await checkpoint()
            await checkpoint()  # Trio runs a batch in random order: in two, each task had a turn
            long = [
                stream
                for stream, held in zip(long, before, strict=True)
                if stream.held_events < held and stream.fullness > _LONG
            ]

    def _streams(self) -> list[EventStream[Any]]:
        adopted = self._adopted or ()  # a WeakSet is slow to walk, empty or not
        return [*self._everything, *self._chosen, *self._raw, *adopted]
