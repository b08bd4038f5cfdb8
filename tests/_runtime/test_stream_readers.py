"""The readers of one stream: several at once, one after another, and cancelled ones."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import EventStream
from tests._runtime.peers import arrived
from tests._runtime.streams import Item, clock_by_hand, put, stream_of


async def test_two_tasks_share_what_comes() -> None:
    async with stream_of(100_000) as stream:
        taken: list[list[Item]] = [[], []]

        async def read(mine: list[Item]) -> None:
            async for item in stream:
                mine.append(item)
                if len(mine) % 7 == 0:
                    await checkpoint()

        async with anyio.create_task_group() as tasks:
            for mine in taken:
                tasks.start_soon(read, mine)
            for start in range(0, 3000, 30):
                put(stream, *range(start, start + 30))
                if start % 300 == 0:
                    await arrived()
            stream.end(None)
        numbers = [[item for item in mine if isinstance(item, int)] for mine in taken]
        assert all(mine == sorted(mine) for mine in numbers)
        assert sorted(numbers[0] + numbers[1]) == list(range(3000))


async def test_a_reader_after_one_that_has_ended() -> None:
    """The first one's task is over, and somebody still holds on to it."""
    async with stream_of() as stream:
        put(stream, *range(10))
        kept: list[object] = []

        async def first() -> None:
            kept.append(_current_task())
            assert await anext(stream) == 0

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
        assert [await anext(stream) for _ in range(9)] == list(range(1, 10))
        assert kept


def _current_task() -> object:
    """The backend's own task, which AnyIO refers to but weakly."""
    info: Any = anyio.get_current_task()
    task = info._task
    return task() if callable(task) else task.__repr__.__self__


async def test_a_cancelled_reader_takes_nothing() -> None:
    async with stream_of() as stream:
        put(stream, 1, 2)
        with anyio.CancelScope() as scope:
            assert await stream.receive() == 1
            scope.cancel()
            await stream.receive()
        assert scope.cancelled_caught
        assert await stream.receive() == 2


async def taken_until_cancelled(stream: EventStream[Item], last: Item) -> list[Item]:
    """What a loop takes that cancels itself at `last`."""
    taken: list[Item] = []
    with anyio.CancelScope() as scope, clock_by_hand():
        async for item in stream:
            taken.append(item)
            if item == last:
                scope.cancel()
    assert scope.cancelled_caught
    return taken


async def test_a_cancelled_loop_takes_nothing() -> None:
    """Nothing is waited for, but it is a checkpoint each time."""
    async with stream_of() as stream:
        put(stream, *range(100))
        for last in range(99):
            assert await taken_until_cancelled(stream, last) == [last]


@pytest.mark.parametrize("last", [0, 1, 2, 14, 15, 16, 30, 31, 49])
async def test_a_loop_that_cancels_itself_ends_there(last: int) -> None:
    """However many items it has at hand: a look at the scope is due at each."""
    async with stream_of() as stream:
        put(stream, *range(100))
        assert await taken_until_cancelled(stream, last) == list(range(last + 1))
        assert await stream.receive() == last + 1
        assert stream.held_events == stream.held_bytes == 98 - last


@pytest.mark.parametrize("first", ["item", "cancel"])
async def test_an_item_and_a_cancellation_in_the_same_turn(first: str) -> None:
    async with stream_of() as stream:
        for number in range(20):
            taken: list[Item] = []
            async with anyio.create_task_group() as tasks:

                async def read(taken: list[Item] = taken) -> None:
                    taken.append(await stream.receive())

                tasks.start_soon(read)
                await arrived()
                if first == "item":
                    put(stream, number)
                    tasks.cancel_scope.cancel()
                else:
                    tasks.cancel_scope.cancel()
                    put(stream, number)
            if not taken:
                taken.append(await stream.receive())
            assert taken == [number]
            assert stream.held_events == 0


async def test_a_reader_is_cancelled_though_another_is_not() -> None:
    async with stream_of(100_000) as stream:
        put(stream, *range(50_000))
        async with anyio.create_task_group() as tasks:

            async def read_on() -> None:
                async for _ in stream:
                    pass

            tasks.start_soon(read_on)
            with anyio.move_on_after(0.005) as scope:
                async for _ in stream:
                    pass
                await anyio.sleep_forever()
            assert scope.cancelled_caught
            tasks.cancel_scope.cancel()
