"""Fairness: a reader of a full stream lets others run, and a deadline is kept meanwhile.

Time is counted in what this thread computed, so that a busy machine does not matter.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter, thread_time
from typing import Any, Final

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import EventStream
from anyrealtime.events import encode
from tests._runtime.peers import LIMIT, arrived, opened, text
from tests._runtime.sockets import UNTRACED
from tests._runtime.streams import Clock, clock_by_hand

SOON: Final = 0.02  # seconds of computing: 20 times what a reader takes at once
MANY: Final = 200_000
AT_RANDOM: Final = 2  # items in a row: Trio runs those whose turn it is in random order


@asynccontextmanager
async def full(count: int) -> AsyncGenerator[EventStream[int]]:
    stream: EventStream[int] = EventStream(max_events=count, max_bytes=count)
    stream.put(list(range(count)), [1] * count, count)
    try:
        with anyio.fail_after(LIMIT):
            yield stream
    finally:
        stream.close()


async def test_a_deadline_over_a_full_stream() -> None:
    async with full(MANY) as stream:
        passed_at: float | None = None
        taken = 0
        deadline = perf_counter() + 0.05
        with anyio.move_on_after(0.05) as scope:
            async for _ in stream:
                taken += 1
                if passed_at is None and perf_counter() > deadline:
                    passed_at = thread_time()
        assert scope.cancelled_caught
        assert passed_at is None or thread_time() - passed_at < SOON
        assert await stream.receive() == taken  # and it lost nothing


async def longest_wait(stream: EventStream[int], count: int) -> float:
    """How long another task waits for its turn at most while one only counts events."""
    longest, began = 0.0, thread_time()

    async def other() -> None:
        nonlocal longest, began
        while True:
            await checkpoint()
            now = thread_time()
            longest, began = max(longest, now - began), now

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for _ in range(count):
            await anext(stream)
        tasks.cancel_scope.cancel()
    return longest


async def test_a_task_that_only_counts_starves_no_other() -> None:
    async with full(MANY) as stream:
        assert await longest_wait(stream, MANY) < SOON


async def items_between_turns(
    stream: EventStream[int], clock: Clock, seconds: list[float]
) -> list[int]:
    """How many items a program takes from turn to turn that needs so long for each."""
    counts, turned = [0], False

    async def other() -> None:
        nonlocal turned
        while True:
            turned = True
            await checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for needed in seconds:
            turned = False
            await anext(stream)
            if turned:
                counts.append(0)
            counts[-1] += 1
            clock.now += needed
        tasks.cancel_scope.cancel()
    return counts


async def test_a_slow_program_lets_others_run_before_each_item() -> None:
    with clock_by_hand() as clock:
        async with full(MANY) as stream:
            counts = await items_between_turns(stream, clock, [0.005] * 50)
    assert max(counts) <= AT_RANDOM


async def test_a_program_that_becomes_slow_is_done_with_a_handful_at_most() -> None:
    with clock_by_hand() as clock:
        async with full(MANY) as stream:
            counts = await items_between_turns(stream, clock, [1e-6] * 333 + [0.005] * 50)
    quick = max(counts)
    assert 330 < quick < 333 + 16
    assert max(counts[counts.index(quick) + 1 :]) <= AT_RANDOM


async def test_two_tasks_that_only_count_get_their_shares() -> None:
    async with full(MANY) as one, full(MANY) as two:
        lead: list[int] = []

        async def count(stream: EventStream[int], other: EventStream[int]) -> None:
            async for _ in stream:
                if not stream.held_events:
                    lead.append(other.held_events)
                    return

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count, one, two)
            tasks.start_soon(count, two, one)
        assert lead[0] < MANY / 2  # when the first was through, the other was far along, too
        assert lead[1] == 0


async def test_the_reader_of_the_socket_starves_nobody() -> None:
    """As much as arrives, however fast: a task beside it has its turns."""
    batch = [text("." * 50)] * 900

    async with opened(max_events=0) as (connection, wire):
        longest, began = 0.0, thread_time()
        async with anyio.create_task_group() as tasks:

            async def feed() -> None:
                while True:
                    wire.deliver(*batch)
                    await checkpoint()

            tasks.start_soon(feed)
            async with connection.subscribe(max_events=10**9, max_bytes=10**9) as stream:
                for _ in range(30):
                    await checkpoint()
                    now = thread_time()
                    longest, began = max(longest, now - began), now
                assert stream.held_events > 900
            tasks.cancel_scope.cancel()
        assert longest < 3 * SOON


@UNTRACED
@pytest.mark.parametrize(("size", "rounds"), [(60, 100), (6000, 300)])
async def test_a_program_that_keeps_up_does_not_overflow(size: int, rounds: int) -> None:
    """The reader is handed as much as one read brings, as fast as it takes it."""
    batch = [text("." * size)] * min(900, 2**18 // size)
    async with opened(max_events=9000, max_bytes=4 * 2**20) as (connection, wire):
        async with anyio.create_task_group() as tasks:

            async def feed() -> None:
                for _ in range(rounds):
                    wire.deliver(*batch)
                    while wire.pending:
                        await checkpoint()
                wire.end(1000, "server")

            tasks.start_soon(feed)
            count = 0
            async for _ in connection:
                count += 1
            assert count == rounds * len(batch) + 1


async def test_a_loop_that_waits_in_between_is_not_slowed_down() -> None:
    """Whoever has just let others run need not do so again for each event."""
    async with full(1000) as stream:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(other)
            await arrived()
            before = turns
            items: list[Any] = [await anext(stream) for _ in range(1000)]
            assert items[-1] == 999
            assert turns - before < 200
            tasks.cancel_scope.cancel()


async def test_a_large_read_is_handled_in_turns() -> None:
    """Others run while it is, and nothing of it is lost or changes its place."""
    count = 2500
    async with opened() as (connection, wire), connection.subscribe() as stream:
        held: list[int] = []

        async def watch() -> None:
            while stream.held_events < count:
                await checkpoint()
                held.append(stream.held_events)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            wire.deliver(*map(text, range(count)))
        assert any(0 < number < count for number in held)
        numbers = [int(json.loads(encode(await anext(stream)))["delta"]) for _ in range(count)]
        assert numbers == list(range(count))
