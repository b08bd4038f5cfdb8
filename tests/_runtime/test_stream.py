"""One stream by itself: order, endings, bounds, overflow. Its readers are in a file of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime import ConnectionClosed, Dropped, EventStream, StreamOverflow
from tests._runtime.peers import arrived
from tests._runtime.streams import Item, clock_by_hand, put, rest, stream_of

# Order and endings


async def test_items_come_in_order_across_batches() -> None:
    async with stream_of() as stream:
        put(stream, 1, 2, 3)
        put(stream, 4)
        assert await stream.receive() == 1
        put(stream, 5, 6)
        stream.end(None)
        assert await rest(stream) == ([2, 3, 4, 5, 6], None)


async def test_the_quiet_end() -> None:
    async with stream_of() as stream:
        stream.end(None)
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            with pytest.raises(anyio.EndOfStream) as caught:
                await stream.receive()
            assert caught.value.__cause__ is None
            assert await rest(stream) == ([], None)


async def test_the_loud_end_comes_after_what_is_held() -> None:
    told: list[str] = []
    async with stream_of(on_told=lambda: told.append("told")) as stream:
        put(stream, 1, 2)
        stream.end(lambda: ConnectionClosed(1011))
        assert await stream.receive() == 1
        assert not told
        assert await rest(stream) == ([2], ConnectionClosed)
        assert told == ["told"]
        assert await rest(stream) == ([], ConnectionClosed)


async def test_after_the_end_it_is_known_when_each_item_was_taken() -> None:
    with clock_by_hand() as clock:
        async with stream_of() as stream:
            put(stream, *range(100))
            assert [await stream.receive() for _ in range(20)] == list(range(20))
            stream.end(None)
            for number in range(20, 100):
                clock.now += 0.00001
                assert await stream.receive() == number
                assert stream.taken_at == clock.now


async def test_the_first_end_stands() -> None:
    async with stream_of() as stream:
        stream.end(None)
        stream.end(lambda: ConnectionClosed(1011))
        put(stream, 1)
        assert await rest(stream) == ([], None)


async def test_nothing_comes_after_the_end() -> None:
    async with stream_of() as stream:
        put(stream, 1)
        stream.end(None)
        put(stream, 2)
        assert not stream.is_open
        assert await rest(stream) == ([1], None)


async def test_closing_frees_what_is_held() -> None:
    async with stream_of() as stream:
        put(stream, 1, 2)
        await stream.receive()
        put(stream, 3)
        stream.close()
        assert (stream.held_events, stream.held_bytes) == (0, 0)
        assert await rest(stream) == ([], None)
        stream.close()


async def test_a_batch_of_nothing_is_nothing() -> None:
    async with stream_of() as stream:
        put(stream)
        put(stream, 1)
        stream.end(None)
        assert await rest(stream) == ([1], None)


async def test_a_closed_stream_still_says_that_the_connection_was_lost() -> None:
    async with stream_of() as stream:
        put(stream, 1)
        stream.end(lambda: ConnectionClosed(1011))
        stream.close()
        assert await rest(stream) == ([], ConnectionClosed)


@pytest.mark.parametrize("how", ["put", "end", "close"])
async def test_who_waits_is_woken(how: str) -> None:
    async with stream_of() as stream, anyio.create_task_group() as tasks:
        results: list[list[Item]] = []

        async def read() -> None:
            results.append((await rest(stream))[0])

        for _ in range(3):
            tasks.start_soon(read)
        await arrived()
        assert not results
        if how == "put":
            put(stream, 1)
            await arrived()
        if how == "close":
            stream.close()
        else:
            stream.end(None)
        await arrived()
        assert len(results) == 3
        assert [items for items in results if items] == ([[1]] if how == "put" else [])


# Bounds


@pytest.mark.parametrize(
    "batches", [[[1, 2, 3, 4, 5]], [[1], [2], [3], [4], [5]], [[1, 2], [3, 4, 5]]]
)
async def test_the_bound_by_count(batches: Sequence[Sequence[int]]) -> None:
    """Exactly at the bound nothing happens; one more is an overflow, after what fits."""
    for max_events, expected in ((5, ([1, 2, 3, 4, 5], None)), (4, ([1, 2, 3, 4], StreamOverflow))):
        async with stream_of(max_events=max_events) as stream:
            for batch in batches:
                put(stream, *batch)
            assert stream.held_events == max_events
            stream.end(None)
            assert await rest(stream) == expected


@pytest.mark.parametrize("batches", [[[1, 2, 3]], [[1], [2], [3]], [[1, 2], [3]]])
async def test_the_bound_by_bytes(batches: Sequence[Sequence[int]]) -> None:
    for max_bytes, expected in ((30, ([1, 2, 3], None)), (29, ([1, 2], StreamOverflow))):
        async with stream_of(max_bytes=max_bytes) as stream:
            for batch in batches:
                put(stream, *batch, size=10)
            stream.end(None)
            assert await rest(stream) == expected


async def test_one_item_larger_than_the_bound() -> None:
    async with stream_of(max_bytes=9) as stream:
        put(stream, 1, size=10)
        assert await rest(stream) == ([], StreamOverflow)


async def test_what_was_taken_makes_room() -> None:
    async with stream_of(max_events=3, max_bytes=30) as stream:
        put(stream, 1, 2, 3, size=10)
        assert await stream.receive() == 1
        assert (stream.held_events, stream.held_bytes) == (2, 20)
        put(stream, 4, size=10)
        assert await stream.receive() == 2
        put(stream, 5, size=10)
        assert stream.held_events == 3
        put(stream, 6, size=10)
        assert await rest(stream) == ([3, 4, 5], StreamOverflow)


async def test_an_overflow_is_final() -> None:
    """Room does not reopen it: what was lost cannot be had any more."""
    told: list[str] = []
    async with stream_of(max_events=1, on_told=lambda: told.append("told")) as stream:
        put(stream, 1, 2)
        assert not stream.is_open
        assert await stream.receive() == 1
        put(stream, 3)
        stream.end(lambda: ConnectionClosed(1011))
        errors: list[StreamOverflow] = []
        for _ in range(2):
            with pytest.raises(StreamOverflow) as caught:
                await stream.receive()
            errors.append(caught.value)
        assert errors[0] is not errors[1]
        for word in ("1 events", "max_events=1", "max_bytes=1000000"):
            assert word in str(errors[0])
    assert not told


async def test_who_waits_at_the_overflow_gets_what_fits() -> None:
    async with stream_of(max_events=2, keep_unread=False) as stream:
        async with anyio.create_task_group() as tasks:

            async def read() -> None:
                assert await rest(stream) == ([1, 2], StreamOverflow)

            tasks.start_soon(read)
            await arrived()
            put(stream, 1, 2, 3)


# A stream that nobody has read


async def test_unread_it_keeps_what_it_holds() -> None:
    async with stream_of(max_events=2) as stream:
        put(stream, 1, 2, 3)
        assert await rest(stream) == ([1, 2], StreamOverflow)


async def test_unread_it_may_free_what_it_holds() -> None:
    async with stream_of(max_events=2, keep_unread=False) as stream:
        put(stream, 1, 2)
        put(stream, 3)
        assert (stream.held_events, stream.held_bytes) == (0, 0)
        with pytest.raises(StreamOverflow, match="2 events"):
            await stream.receive()


async def _by_loop(stream: EventStream[Item]) -> None:
    async for _ in stream:
        break


async def _by_anext(stream: EventStream[Item]) -> None:
    await anext(stream)


async def _by_receive(stream: EventStream[Item]) -> None:
    await stream.receive()


async def _by_waiting(stream: EventStream[Item]) -> None:
    await stream.receive()
    with anyio.move_on_after(0):
        await stream.receive()


@pytest.mark.parametrize("read", [_by_loop, _by_anext, _by_receive, _by_waiting])
async def test_once_read_it_keeps_what_it_holds(
    read: Callable[[EventStream[Item]], Any],
) -> None:
    async with stream_of(max_events=2, keep_unread=False) as stream:
        put(stream, 0)
        await read(stream)
        put(stream, 1, 2, 3)
        assert await rest(stream) == ([1, 2], StreamOverflow)


# Dropping


async def test_dropping_leaves_a_marker_in_place() -> None:
    async with stream_of(max_events=2, overflow="drop_oldest") as stream:
        put(stream, 1, 2)
        assert await stream.receive() == 1
        put(stream, 3)
        put(stream, 4, 5)
        assert [await stream.receive() for _ in range(3)] == [Dropped(2), 4, 5]
        put(stream, 6)
        assert await stream.receive() == 6
        put(stream, 7, 8, 9, 10)
        stream.end(None)
        assert await rest(stream) == ([Dropped(2), 9, 10], None)


async def test_dropping_by_bytes() -> None:
    async with stream_of(max_bytes=30, overflow="drop_oldest") as stream:
        put(stream, 1, 2, 3, size=10)
        put(stream, 4, size=11)  # two must go for it
        assert stream.held_bytes == 21
        stream.end(None)
        assert await rest(stream) == ([Dropped(2), 3, 4], None)


async def test_dropping_one_larger_than_the_bound() -> None:
    async with stream_of(max_bytes=30, overflow="drop_oldest") as stream:
        put(stream, 1, size=10)
        put(stream, 2, size=31)
        assert await stream.receive() == Dropped(2)
        put(stream, 3, size=30)
        assert await stream.receive() == 3


async def test_what_is_at_hand_is_dropped_too() -> None:
    with clock_by_hand():
        async with stream_of(max_events=100, overflow="drop_oldest") as stream:
            put(stream, *range(100))
            assert [await stream.receive() for _ in range(20)] == list(range(20))
            put(stream, *range(100, 150))
            assert stream.held_events == stream.held_bytes == 100
            stream.end(None)
            assert await rest(stream) == ([Dropped(30), *range(50, 150)], None)


async def test_a_marker_is_not_lost_at_the_end() -> None:
    async with stream_of(max_bytes=1, overflow="drop_oldest") as stream:
        put(stream, 1, size=2)
        stream.end(lambda: ConnectionClosed(1011))
        assert await rest(stream) == ([Dropped(1)], ConnectionClosed)


async def test_a_marker_wakes_who_waits() -> None:
    """Nothing fits, so nothing is appended; the reader learns of it all the same."""
    async with stream_of(max_bytes=1, overflow="drop_oldest") as stream:
        async with anyio.create_task_group() as tasks:
            received: list[Item] = []

            async def read() -> None:
                received.append(await stream.receive())

            tasks.start_soon(read)
            await arrived()
            put(stream, 1, size=2)
            await arrived()
            assert received == [Dropped(1)]


STEPS = st.lists(
    st.one_of(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.none()), max_size=40
)
"""What happens to a stream: a batch of items of these sizes arrives, or (None) one is taken."""


@given(steps=STEPS, max_events=st.integers(1, 6), max_bytes=st.integers(1, 30))
async def test_dropping_loses_no_count(
    steps: Sequence[Sequence[int] | None], max_events: int, max_bytes: int
) -> None:
    """Items and markers together are all that arrived, in order, and the bounds are kept."""
    with clock_by_hand():  # so that the oldest are at hand
        await _check_dropping(steps, max_events, max_bytes)


async def _check_dropping(
    steps: Sequence[Sequence[int] | None], max_events: int, max_bytes: int
) -> None:
    async with stream_of(max_events, max_bytes, "drop_oldest") as stream:
        arrivals, position = 0, 0

        def check(item: Item) -> None:
            nonlocal position
            if isinstance(item, Dropped):
                assert item.count > 0
                position += item.count
            else:
                assert item == position
                position += 1

        for sizes in steps:
            if sizes is not None:
                items = list(range(arrivals, arrivals + len(sizes)))
                arrivals += len(sizes)
                stream.put(items, list(sizes), sum(sizes))
            elif position < arrivals:
                check(await stream.receive())
            assert 0 <= stream.held_events <= max_events
            assert 0 <= stream.held_bytes <= max_bytes
        stream.end(None)
        async for item in stream:
            check(item)
        assert position == arrivals


@given(steps=STEPS, max_events=st.integers(1, 6), max_bytes=st.integers(1, 30))
async def test_overflow_comes_exactly_at_the_bound(
    steps: Sequence[Sequence[int] | None], max_events: int, max_bytes: int
) -> None:
    """The stream behaves as a list that is cut where an item does not fit any more."""
    async with stream_of(max_events, max_bytes) as stream:
        model: list[tuple[int, int]] = []
        arrivals, failed = 0, False
        for sizes in steps:
            if sizes is None:
                if model:
                    assert await stream.receive() == model.pop(0)[0]
                continue
            for size in sizes:
                held = sum(size for _, size in model)
                failed = failed or len(model) + 1 > max_events or held + size > max_bytes
                if not failed:
                    model.append((arrivals, size))
                arrivals += 1
            stream.put(list(range(arrivals - len(sizes), arrivals)), list(sizes), sum(sizes))
            assert stream.is_open is not failed
            assert stream.held_events == len(model)
            assert stream.held_bytes == sum(size for _, size in model)
        stream.end(None)
        ending = StreamOverflow if failed else None
        assert await rest(stream) == ([number for number, _ in model], ending)
