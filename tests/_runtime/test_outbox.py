"""The outbox: bounded, in order, and a frame is taken whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import ConnectionClosed
from anyrealtime._runtime._outbox import Outbox
from tests._runtime.peers import LIMIT, FakeTransport, arrived

BOUND = 2**20


class Over:
    """Whether the connection is over, as the lifetime would say it."""

    def __init__(self) -> None:
        self.now = False

    def check(self) -> None:
        if self.now:
            raise ConnectionClosed(1011)


@asynccontextmanager
async def running() -> AsyncGenerator[tuple[Outbox, FakeTransport, Over]]:
    over, wire = Over(), FakeTransport()
    outbox = Outbox(over.check)
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outbox.run, wire)
            yield outbox, wire, over
            tasks.cancel_scope.cancel()


def block(wire: FakeTransport, *, can_send: bool = False) -> None:
    wire.can_send = can_send
    wire.change()


async def test_frames_go_out_in_order_several_at_a_time() -> None:
    async with running() as (outbox, wire, _):
        frames = [b"%d" % number for number in range(100)]
        for frame in frames:
            await outbox.put(frame)
        await outbox.drained()
        assert wire.sent == frames
        assert len(wire.sends) < 10
        assert sum(wire.sends) == 100


async def test_a_frame_goes_out_without_being_waited_for() -> None:
    async with running() as (outbox, wire, _):
        for number in range(3):
            await outbox.put(b"x")
            await arrived()
            assert len(wire.sent) == number + 1


async def test_an_empty_outbox_is_drained() -> None:
    async with running() as (outbox, _, _over):
        await outbox.drained()
        await outbox.put(b"x")
        await outbox.drained()
        await outbox.drained()


@pytest.mark.parametrize("parts", [1, 4])
async def test_it_waits_when_full_and_not_before(parts: int) -> None:
    """What is being sent counts until it is handed over."""
    async with running() as (outbox, wire, _):
        block(wire)
        for _ in range(parts):
            await outbox.put(b"." * (BOUND // parts))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outbox.put, b"!")
            await arrived()
            assert outbox._queued_bytes == BOUND
            block(wire, can_send=True)
        await outbox.drained()
        assert wire.sent[-1] == b"!"
        assert len(wire.sent) == parts + 1


async def test_a_frame_larger_than_the_outbox() -> None:
    """It waits until the outbox is empty, and then has it for itself."""
    async with running() as (outbox, wire, _):
        await outbox.put(b"." * (3 * BOUND))  # empty already
        await outbox.drained()
        block(wire)
        await outbox.put(b"1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(outbox.put, b"." * (2 * BOUND))
            await arrived()
            assert outbox._queued_bytes == 1
            block(wire, can_send=True)
        await outbox.drained()
        assert [len(frame) for frame in wire.sent] == [3 * BOUND, 1, 2 * BOUND]


async def test_a_large_frame_has_its_turn_among_small_ones() -> None:
    """Who came first goes first: a stream of frames that would fit does not overtake it."""
    async with running() as (outbox, wire, _):
        block(wire)
        await outbox.put(b"." * BOUND)
        async with anyio.create_task_group() as tasks:
            for frame in (b"L" * BOUND, b"1", b"2"):
                tasks.start_soon(outbox.put, frame)
                await arrived()
            block(wire, can_send=True)
        await outbox.drained()
        assert [frame[:1] for frame in wire.sent] == [b".", b"L", b"1", b"2"]


async def test_a_cancelled_put_queues_nothing() -> None:
    async with running() as (outbox, wire, _):
        block(wire)
        await outbox.put(b"." * BOUND)
        with anyio.move_on_after(0.01) as scope:
            await outbox.put(b"lost")
        assert scope.cancelled_caught
        block(wire, can_send=True)
        await outbox.put(b"kept")
        await outbox.drained()
        assert [frame[:4] for frame in wire.sent] == [b"....", b"kept"]


async def test_a_put_in_a_cancelled_scope_queues_nothing() -> None:
    async with running() as (outbox, wire, _):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await outbox.put(b"lost")
        assert scope.cancelled_caught
        await arrived()
        assert not wire.sent


@pytest.mark.parametrize("first", ["room", "cancel"])
async def test_room_and_a_cancellation_in_the_same_turn(first: str) -> None:
    """Whoever wins: the frame was queued if and only if `put` returned."""
    async with running() as (outbox, wire, _):
        for _ in range(20):
            block(wire)
            wire.sent.clear()
            await outbox.put(b"." * BOUND)
            returned: list[bool] = []
            async with anyio.create_task_group() as tasks:

                async def put(returned: list[bool] = returned) -> None:
                    await outbox.put(b"!")
                    returned.append(True)

                tasks.start_soon(put)
                await arrived()
                if first == "room":
                    block(wire, can_send=True)
                    tasks.cancel_scope.cancel()
                else:
                    tasks.cancel_scope.cancel()
                    block(wire, can_send=True)
            await outbox.drained()
            assert len(wire.sent) - 1 == len(returned)


async def test_each_tasks_order_is_kept() -> None:
    async with running() as (outbox, wire, _):
        size = BOUND // 8

        async def send(task: int) -> None:
            for number in range(20):
                await outbox.put(bytes((task, number)) + b"." * size)

        async def stutter() -> None:
            while True:
                block(wire, can_send=not wire.can_send)
                await checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stutter)
            async with anyio.create_task_group() as senders:
                for task in range(5):
                    senders.start_soon(send, task)
            await outbox.drained()
            tasks.cancel_scope.cancel()
        for task in range(5):
            assert [frame[1] for frame in wire.sent if frame[0] == task] == list(range(20))


async def test_nothing_is_queued_after_the_end() -> None:
    async with running() as (outbox, wire, over):
        over.now = True
        with pytest.raises(ConnectionClosed):
            await outbox.put(b"x")
        await arrived()
        assert not wire.sent


async def test_the_end_wakes_who_waits() -> None:
    async with running() as (outbox, wire, over):
        block(wire)
        await outbox.put(b"." * BOUND)
        ends: list[str] = []

        async def put() -> None:
            with pytest.raises(ConnectionClosed):
                await outbox.put(b"x")
            ends.append("put")

        async def drained() -> None:
            await outbox.drained()
            ends.append("drained")

        async with anyio.create_task_group() as tasks:
            for task in (put, put, drained):
                tasks.start_soon(task)
            await arrived()
            assert not ends
            over.now = True
            outbox.close()
        assert sorted(ends) == ["drained", "put", "put"]


async def test_the_writer_stops_when_the_transport_closes() -> None:
    """Why it did is the reader's to find out: nothing is raised here."""
    wire = FakeTransport()
    outbox = Outbox(lambda: None)
    wire.end(1011, "server")
    with anyio.fail_after(LIMIT):
        await outbox.put(b"x")
        await outbox.run(wire)
    assert not wire.sent


async def test_a_small_frame_does_not_wait_for_room() -> None:
    async with running() as (outbox, wire, _):
        block(wire)
        await outbox.put(b"." * BOUND)
        outbox.put_nowait(b"small")
        wire.can_send = True
        wire.change()
        await outbox.drained()
        assert wire.sent[-1] == b"small"


async def test_a_small_frame_that_comes_too_late_is_dropped() -> None:
    async with running() as (outbox, wire, _):
        outbox.close()
        outbox.put_nowait(b"small")
        await arrived()
        assert not wire.sent
