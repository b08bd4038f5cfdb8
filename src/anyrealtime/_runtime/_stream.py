"""One reader's view of what the connection receives: a bounded stream of items.

The dispatcher puts whole batches in and never waits; a program takes single items out. What a
full stream does to itself is decided here and touches no other stream. Nothing here knows
what an event means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import anyio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from anyrealtime.errors import StreamOverflow

T_co = TypeVar("T_co", covariant=True)

Overflow: TypeAlias = Literal["raise", "drop_oldest"]
Ending: TypeAlias = Callable[[], Exception]
"""Makes the exception that a stream raises at its end: each raise gets a fresh one."""

_SLICE = 0.001  # seconds a reader may take buffered items before others get a turn


@dataclass(frozen=True, slots=True)
class Dropped:
    """In a stream with `overflow="drop_oldest"`: `count` items are missing at this place."""

    count: int


class _Batch:
    """Items that arrived together and their sizes. The lists may be shared: read only."""

    __slots__ = ("items", "sizes", "start", "stop")

    def __init__(self, items: list[Any], sizes: list[int], start: int, stop: int) -> None:
        self.items = items
        self.sizes = sizes
        self.start = start
        self.stop = stop


_EMPTY = _Batch([], [], 0, 0)


class EventStream(Generic[T_co]):
    """Items in the order in which they were received, for `async for`.

    Taking an item that is buffered does not wait, but it is a checkpoint all the same:
    cancellation is noticed each time and the scheduler gets a turn at least every
    millisecond. Cancelling loses nothing: an item is taken in the moment it is returned.
    Iteration ends when this side closed the connection, or the server did so cleanly.

    Iterating raises `ConnectionClosed` when the connection was lost, after every item that
    had arrived, and `StreamOverflow` when the stream was read too slowly, after every item
    that it still held.
    """

    def __init__(
        self,
        *,
        max_events: int,
        max_bytes: int,
        overflow: Overflow = "raise",
        keep_unread: bool = True,
        on_told: Callable[[], None] | None = None,
    ) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._overflow: Overflow = overflow
        self._on_told = on_told
        self._send, self._receive = anyio.create_memory_object_stream[_Batch](math.inf)
        self._rest: deque[_Batch] = deque()  # what the channel held when it was closed
        self._batch = _EMPTY  # being read
        self._next = 0  # index of the item that is taken next
        self._stop = 0
        self._queued_events = 0  # in the channel: behind the batch being read
        self._queued_bytes = 0
        self._arrival: anyio.Event | None = None  # somebody waits on it
        self._task: anyio.TaskInfo | None = None  # who was reading last
        self._since = 0.0  # when the reader last let others run
        self._dropped = 0  # items lost since the last marker
        self._keep = keep_unread  # what is held when it overflows: somebody wants it
        self._open = True
        self._ending: Ending | None = None
        self.taken_at: float = 0.0  # when an item was last taken, on perf_counter's clock

    # What the dispatcher does

    @property
    def held_events(self) -> int:
        """How many items wait to be taken."""
        return self._queued_events + self._stop - self._next

    @property
    def held_bytes(self) -> int:
        """How large the frames of those items are. Counted here, so that taking stays cheap."""
        return self._queued_bytes + sum(self._batch.sizes[self._next : self._stop])

    @property
    def fullness(self) -> float:
        """How close it is to the nearer of its bounds, from 0 to 1."""
        return max(self.held_events / self._max_events, self.held_bytes / self._max_bytes)

    @property
    def is_open(self) -> bool:
        """Whether it takes items: it has neither ended nor overflowed."""
        return self._open

    def put(self, items: list[Any], sizes: list[int], total_bytes: int) -> None:
        """Take a batch, whose lists do not change any more. Never waits."""
        if not self._open or not items:
            return
        count = len(items)
        events, size = self.held_events + count, self.held_bytes + total_bytes
        if events <= self._max_events and size <= self._max_bytes:
            self._append(_Batch(items, sizes, 0, count), total_bytes)
        elif self._overflow == "raise":
            self._fail(items, sizes)
        else:
            for index, size in enumerate(sizes):
                self._put_dropping(_Batch(items, sizes, index, index + 1), size)
            self._wake()  # also for a marker alone

    def end(self, ending: Ending | None) -> None:
        """Nothing more will come. `ending` is raised after what is held; None ends quietly."""
        if self._open:
            self._open = False
            self._ending = ending
            self._send.close()
            with suppress(anyio.EndOfStream):
                while True:  # so that nothing is open of a stream that is never read to its end
                    self._rest.append(self._receive.receive_nowait())
            self._receive.close()
            self._wake()

    def close(self) -> None:
        """End the stream and free what it holds."""
        self.end(None)
        self._discard()

    def _append(self, batch: _Batch, total_bytes: int) -> None:
        self._send.send_nowait(batch)
        self._queued_events += batch.stop - batch.start
        self._queued_bytes += total_bytes
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    def _fits(self, size: int) -> bool:
        return self.held_events < self._max_events and self.held_bytes + size <= self._max_bytes

    def _fail(self, items: list[Any], sizes: list[int]) -> None:
        """Keep what fits, and end with StreamOverflow."""
        for index, size in enumerate(sizes):
            if not self._fits(size):
                break
            self._append(_Batch(items, sizes, index, index + 1), size)
        text = (
            f"the stream was not read fast enough: it held {self.held_events} events of "
            f"{self.held_bytes} bytes; its bounds are max_events={self._max_events} and "
            f"max_bytes={self._max_bytes}"
        )
        if not self._keep:  # nobody reads it: keep nothing for nobody
            self._discard()
        self.end(lambda: StreamOverflow(text))

    def _put_dropping(self, batch: _Batch, size: int) -> None:
        while self.held_events and not self._fits(size):
            if self._next == self._stop:
                self._load()
            self._next += 1
            self._dropped += 1
        if self._fits(size):
            self._append(batch, size)
        else:
            self._dropped += 1

    def _discard(self) -> None:
        while self._load():
            pass
        self._batch, self._next, self._stop = _EMPTY, 0, 0

    # What the program does

    def __aiter__(self) -> EventStream[T_co]:
        self._keep = True
        self._task = None
        return self

    async def __anext__(self) -> T_co:
        if self._task is None:
            self._keep = True
            self._task = anyio.get_current_task()
        try:
            cancelled = self._task.has_pending_cancellation()
        except AttributeError:  # AnyIO, asked about a Trio task that has ended
            self._task, cancelled = anyio.get_current_task(), True
        if cancelled:
            await checkpoint_if_cancelled()
        while True:
            if self._next < self._stop or self._load() or self._dropped:
                now = perf_counter()
                if now - self._since > _SLICE:
                    await self._give_way()
                    continue
                self.taken_at = now
                if self._dropped:
                    return cast("T_co", self._marker())
                index = self._next
                self._next = index + 1
                item: T_co = self._batch.items[index]
                return item
            if not self._open:
                self._raise_ending()
            await self._wait()

    async def receive(self) -> T_co:
        """The next item, as in a loop; raises `anyio.EndOfStream` where a loop would end.

        Cancelling loses nothing: the item is the next one then.
        """
        self._task = None
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise anyio.EndOfStream from None

    def _load(self) -> bool:
        """Begin the next batch that has arrived; False if there is none."""
        try:
            batch = self._receive.receive_nowait() if self._open else self._rest.popleft()
        except (anyio.WouldBlock, IndexError):
            return False
        self._batch, self._next, self._stop = batch, batch.start, batch.stop
        self._queued_events -= batch.stop - batch.start
        self._queued_bytes -= sum(batch.sizes[batch.start : batch.stop])
        return True

    def _marker(self) -> Any:  # the type is what subscribe(overflow="drop_oldest") adds
        count, self._dropped = self._dropped, 0
        return Dropped(count)

    async def _wait(self) -> None:
        """Wait for an arrival, on an event of ours: no item is ever in a cancelled hand."""
        self._batch, self._next, self._stop = _EMPTY, 0, 0  # its items are the program's alone now
        if self._arrival is None:
            self._arrival = anyio.Event()
        await self._arrival.wait()
        self._has_let_others_run()

    async def _give_way(self) -> None:
        await checkpoint()
        self._has_let_others_run()

    def _has_let_others_run(self) -> None:
        self._since = perf_counter()
        self._task = anyio.get_current_task()

    def _raise_ending(self) -> None:
        if self._ending is None:
            raise StopAsyncIteration
        ending = self._ending()
        if self._on_told is not None and not isinstance(ending, StreamOverflow):
            self._on_told()
        raise ending
