"""One reader's view of what the connection receives: a bounded stream of items.

The dispatcher puts whole batches in and never waits; a program takes single items out. What a
full stream does to itself is decided here and touches no other stream. Nothing here knows
what an event means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import length_hint
from time import perf_counter
from typing import Any, Final, Generic, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar, cast

import anyio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from anyrealtime.errors import StreamOverflow

T_co = TypeVar("T_co", covariant=True)

Overflow: TypeAlias = Literal["raise", "drop_oldest"]
Ending: TypeAlias = Callable[[], Exception]
"""Makes the exception that a stream raises at its end: each raise gets a fresh one."""

_SLICE: Final = 0.001  # seconds a reader may take buffered items before others get a turn
_HANDFUL: Final = 16  # items at most that are taken without a look at the clock
_QUICKLY: Final = 0.0001  # seconds: who takes no longer over a handful is handed twice as many
_BURST: Final = 64  # items of a batch behind which another is near: a turn is cheaper than to wait


@dataclass(frozen=True, slots=True)
class Dropped:
    """In a stream with `overflow="drop_oldest"`: `count` items are missing at this place."""

    count: int


class _Batch(NamedTuple):
    """Items that arrived together, and how large their frames are. Others may hold the lists too."""

    items: list[Any]
    sizes: list[int]
    total_bytes: int


_EMPTY: Final = _Batch([], [], 0)
_NOBODY: Final = cast("anyio.TaskInfo", None)  # asking it fails, as asking some real ones does


class EventStream(Generic[T_co]):
    """Items in the order in which they were received, for `async for`.

    Taking an item that is buffered does not wait, but it is a checkpoint all the same:
    cancellation is noticed each time and the scheduler gets a turn about every
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
        self._next = 0  # index of the first item of it that is not at hand
        self._at_hand: Iterator[Any] = iter(())  # the few before that one, not taken yet
        self._handful = 1  # how many the program is handed
        self._handed_at = 0.0  # when; 0 when it is done with them
        self._queued_events = 0  # in the channel: behind the batch being read
        self._queued_bytes = 0
        self._arrival: anyio.Event | None = None  # somebody waits on it
        self._task = _NOBODY  # who was reading last
        self._turn_ends = 0.0  # when the reader has to let others run
        self._dropped = 0  # items lost since the last marker
        self._keep = keep_unread  # what is held when it overflows: somebody wants it
        self._open = True
        self._ending: Ending | None = None
        self.taken_at: float = 0.0  # when an item was last taken with a look at perf_counter

    # What the dispatcher does

    @property
    def held_events(self) -> int:
        """How many items wait to be taken."""
        return self._queued_events + len(self._batch.items) - self._taken

    @property
    def held_bytes(self) -> int:
        """How large the frames of those items are. Counted here, so that taking stays cheap."""
        return self._queued_bytes + sum(self._batch.sizes[self._taken :])

    @property
    def _taken(self) -> int:
        return self._next - length_hint(self._at_hand)

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
            self._append(_Batch(items, sizes, total_bytes))
        elif self._overflow == "raise":
            self._fail(items, sizes)
        else:
            for item, size in zip(items, sizes, strict=True):
                self._put_dropping(item, size)
            self._wake()  # also for a marker alone

    def end(self, ending: Ending | None) -> None:
        """Nothing more will come. `ending` is raised after what is held; None ends quietly."""
        if self._open:
            self._open = False
            self._put_back()  # from now on it matters when each is taken
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

    def _append(self, batch: _Batch) -> None:
        self._send.send_nowait(batch)
        self._queued_events += len(batch.items)
        self._queued_bytes += batch.total_bytes
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    def _fits(self, size: int) -> bool:
        return self.held_events < self._max_events and self.held_bytes + size <= self._max_bytes

    def _fail(self, items: list[Any], sizes: list[int]) -> None:
        """Keep what fits, and end with StreamOverflow."""
        for item, size in zip(items, sizes, strict=True):
            if not self._fits(size):
                break
            self._append(_Batch([item], [size], size))
        text = (
            f"the stream was not read fast enough: it held {self.held_events} events of "
            f"{self.held_bytes} bytes; its bounds are max_events={self._max_events} and "
            f"max_bytes={self._max_bytes}"
        )
        if not self._keep:  # nobody reads it: keep nothing for nobody
            self._discard()
        self.end(lambda: StreamOverflow(text))

    def _put_dropping(self, item: Any, size: int) -> None:
        self._put_back()
        while self.held_events and not self._fits(size):
            if self._next == len(self._batch.items):
                self._load()
            self._next += 1
            self._dropped += 1
        if self._fits(size):
            self._append(_Batch([item], [size], size))
        else:
            self._dropped += 1

    def _discard(self) -> None:
        while self._load():
            pass
        self._begin(_EMPTY)

    # What the program does

    def __aiter__(self) -> EventStream[T_co]:
        self._keep = True
        self._task = _NOBODY
        return self

    async def __anext__(self) -> T_co:
        try:
            cancelled = self._task.has_pending_cancellation()
        except AttributeError:  # nobody, or AnyIO was asked about a Trio task that has ended
            self._keep = True
            self._task, cancelled = anyio.get_current_task(), True
        if cancelled:
            await checkpoint_if_cancelled()
        item: T_co
        while True:
            for item in self._at_hand:  # the first of them, if there are any
                return item
            if not self._reach():
                await self._pause()

    async def receive(self) -> T_co:
        """The next item, as in a loop; raises `anyio.EndOfStream` where a loop would end.

        Cancelling loses nothing: the item is the next one then.
        """
        self._task = _NOBODY
        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise anyio.EndOfStream from None

    def _reach(self) -> bool:
        """Have the next items at hand, or a marker. False if there is none or others must run first.

        How many depends on the program. One that takes its time over an item is handed one, and
        lets others run in time; one that does not gets a handful, and has the clock read once.
        """
        now = perf_counter()
        if self._handed_at:
            quick = now - self._handed_at < _QUICKLY
            self._handful = min(2 * self._handful, _HANDFUL) if quick else 1
            self._handed_at = 0.0
        if not (self._next < len(self._batch.items) or self._load() or self._dropped):
            return False
        if now > self._turn_ends:
            return False
        self.taken_at = self._handed_at = now
        if self._dropped:
            self._at_hand, self._dropped = iter([Dropped(self._dropped)]), 0
            return True
        count = self._handful if self._open else 1
        items = self._batch.items[self._next : self._next + count]
        self._next += len(items)
        self._at_hand = iter(items)
        return True

    def _put_back(self) -> None:
        """Have nothing at hand: each item is taken with a look at the clock, or is dropped."""
        self._next, self._at_hand = self._taken, iter(())

    def _load(self) -> bool:
        """Begin the next batch that has arrived; False if there is none."""
        if not self._queued_events:
            return False
        batch = self._receive.receive_nowait() if self._open else self._rest.popleft()
        self._begin(batch)
        self._queued_events -= len(batch.items)
        self._queued_bytes -= batch.total_bytes
        return True

    def _begin(self, batch: _Batch) -> None:
        self._batch, self._next, self._at_hand = batch, 0, iter(())

    async def _pause(self) -> None:
        """Let others run: for a turn if there is or may be more to take, else until there is."""
        if self.held_events or self._dropped:
            await checkpoint()
        elif self._open:
            is_burst = len(self._batch.items) >= _BURST
            self._begin(_EMPTY)  # the items of the last batch are the program's alone now
            if is_burst:
                await checkpoint()
            else:
                await self._wait()
        else:
            self._raise_ending()
        self._turn_ends = perf_counter() + _SLICE
        self._task = anyio.get_current_task()

    async def _wait(self) -> None:
        """Wait for an arrival, on an event of ours: no item is ever in a cancelled hand."""
        if self._arrival is None:
            self._arrival = anyio.Event()
        await self._arrival.wait()

    def _raise_ending(self) -> NoReturn:
        if self._ending is None:
            raise StopAsyncIteration
        ending = self._ending()
        if self._on_told is not None and not isinstance(ending, StreamOverflow):
            self._on_told()
        raise ending
