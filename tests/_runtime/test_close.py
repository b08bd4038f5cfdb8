"""Closing: what is queued goes out first, the wait is bounded, and nothing is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint
from trio.testing import MockClock

from anyrealtime import ConnectionClosed, ServerError, open_realtime
from anyrealtime.events import InputAudioBufferAppend, ResponseCreate
from anyrealtime.testing import MemoryPeer
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
    opened,
    served,
    text,
    to_end,
)


def silent() -> FakeTransport:
    """A server that has announced itself and never answers CLOSE."""
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    return wire


# Leaving the block


async def test_leaving_closes() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=NEVER):
            assert not wire.closings
    assert wire.closings == [(1000, "")]
    assert wire.aborted


async def test_what_is_queued_is_sent_first() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            for _ in range(100):
                await connection.send(ResponseCreate())
            assert len(wire.sent) < 100
    assert wire.sent_at_closings == [100]


async def test_what_is_queued_waits_for_a_slow_server() -> None:
    wire = FakeTransport(CREATED)
    wire.can_send = False

    async def let_through() -> None:
        await arrived()
        wire.can_send = True
        wire.change()

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
                await connection.send(ResponseCreate())
                tasks.start_soon(let_through)
            assert len(wire.sent) == 1
            assert wire.closings == [(1000, "")]


async def test_events_are_received_until_the_end() -> None:
    """What the server says before it answers CLOSE is not refused, and asked for by nobody."""
    wire = silent()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            async with open_realtime(transport=wire, close_timeout=0.1) as connection:
                tasks.start_soon(connection.close)
                await arrived()
                wire.deliver(text(1))
                assert (await to_end(connection))[0] == ["1"]


@pytest.mark.parametrize("stuck", [False, True], ids=["no answer", "not even reading"])
async def test_a_silent_server_raises_nothing(*, stuck: bool) -> None:
    wire = silent()
    wire.can_send = not stuck
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=0.05) as connection:
            await connection.send(ResponseCreate())
    assert wire.aborted


async def test_a_body_that_fails_closes_too() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(ZeroDivisionError):
        async with open_realtime(transport=wire) as connection:
            await connection.send(ResponseCreate())
            raise ZeroDivisionError
    assert len(wire.sent) == 1
    assert wire.closings == [(1000, "")]


async def test_leaving_after_a_loss_is_at_once() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
            wire.can_send = False
            await connection.send(ResponseCreate())
            wire.end()
            await arrived()
            assert isinstance((await to_end(connection))[1], ConnectionClosed)
    assert wire.aborted


async def test_no_task_is_left() -> None:
    before = {task.id for task in anyio.get_running_tasks()}
    for wire in (FakeTransport(CREATED), silent()):
        with anyio.fail_after(LIMIT):
            async with open_realtime(transport=wire, close_timeout=0.05) as connection:
                await connection.send(ResponseCreate())
                wire.deliver(error_frame(event_id="x", code="response_cancel_not_active"))
        assert {task.id for task in anyio.get_running_tasks()} == before


async def test_no_task_is_left_of_the_rules_that_wait() -> None:
    before = {task.id for task in anyio.get_running_tasks()}
    with pytest.raises(ServerError):
        async with opened(close_timeout=NEVER) as (_, wire):
            wire.deliver(error_frame("session_expired"))
            await arrived()
    async with opened(close_timeout=NEVER) as (_, wire):
        wire.end()
        await arrived()
    assert {task.id for task in anyio.get_running_tasks()} == before


async def test_a_server_in_memory_sees_the_queue_then_the_end() -> None:
    received: list[bytes] = []

    async def script(peer: MemoryPeer) -> None:
        await peer.send(CREATED)
        received.extend([await peer.receive() for _ in range(3)])

    async with served(script) as connection:
        for _ in range(3):
            await connection.send(ResponseCreate())
        while len(received) < 3:
            await arrived()


# Under cancellation


async def test_leaving_under_cancellation_tries_to_close() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT):
        with anyio.CancelScope() as scope:
            async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
                await connection.send(ResponseCreate())
                scope.cancel()
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert len(wire.sent) == 1
    assert wire.closings == [(1000, "")]
    assert wire.aborted


async def test_leaving_a_cancelled_scope_normally_is_under_cancellation_too() -> None:
    wire = silent()
    with anyio.fail_after(LIMIT):
        with anyio.CancelScope() as scope:
            async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
                await connection.send(ResponseCreate())
                scope.cancel()
    assert len(wire.sent) == 1
    assert wire.closings == [(1000, "")]
    assert wire.aborted


async def test_cancelled_while_leaving() -> None:
    wire = silent()
    with anyio.fail_after(LIMIT):
        with anyio.move_on_after(0.05) as scope:
            async with open_realtime(transport=wire, close_timeout=NEVER):
                pass
    assert scope.cancelled_caught
    assert wire.aborted


async def test_a_deadline_around_the_block() -> None:
    wire = silent()
    with anyio.fail_after(LIMIT), pytest.raises(TimeoutError):
        with anyio.fail_after(0.05):
            async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
                async for _ in connection:
                    pass
    assert wire.closings == [(1000, "")]
    assert wire.aborted


# close()


async def test_close_sends_the_code_and_the_reason() -> None:
    async with opened() as (connection, wire):
        await connection.send(ResponseCreate())
        await connection.close(4999, "enough")
        assert len(wire.sent) == 1
        assert wire.closings == [(4999, "enough")]
        assert wire.aborted


async def test_after_close() -> None:
    async with opened(text(1)) as (connection, _):
        async with connection.subscribe() as stream:
            await connection.close()
            assert await to_end(connection) == (["1"], None)
            assert await to_end(stream) == ([], None)
        for _ in range(2):
            with pytest.raises(ConnectionClosed) as caught:
                await connection.send(ResponseCreate())
            assert (caught.value.code, caught.value.by) == (1000, "client")
        await checkpoint()  # the body goes on


async def test_closing_twice_and_leaving() -> None:
    async with opened(close_timeout=NEVER) as (connection, _):
        await connection.close()
        await connection.close()
        await connection.close(1001)


@pytest.mark.parametrize("answers", [True, False])
async def test_closing_from_two_tasks(*, answers: bool) -> None:
    async with opened(close_timeout=0.1) as (connection, wire):
        wire.answers_close = answers
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.close)
            tasks.start_soon(connection.close)
            await arrived()
        assert wire.aborted


async def test_closing_does_not_wait_longer_than_leaving() -> None:
    wire = silent()
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=0.05) as connection:
            await connection.close()
            assert wire.aborted


async def test_close_wakes_a_send_that_waits() -> None:
    async with opened(close_timeout=0.05) as (connection, wire):
        wire.can_send = False
        await connection.send(ResponseCreate())
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                with pytest.raises(ConnectionClosed) as caught:
                    await connection.send(InputAudioBufferAppend(audio=b"." * 2**20))
                assert caught.value.by == "client"

            tasks.start_soon(send)
            await arrived()
            await connection.close()


@pytest.mark.parametrize("stuck", [False, True], ids=["at CLOSE", "at the queue"])
async def test_cancelling_close_drops_the_connection(*, stuck: bool) -> None:
    wire = silent()
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
            wire.can_send = not stuck
            await connection.send(ResponseCreate())
            with anyio.move_on_after(0.05) as scope:
                await connection.close()
            assert scope.cancelled_caught
            assert wire.aborted
            assert await to_end(connection) == ([], None)


async def test_closing_after_a_loss() -> None:
    async with opened(close_timeout=0.05) as (connection, wire):
        wire.end(1011, "server")
        await arrived()
        await connection.close()
        _, error = await to_end(connection)
        assert isinstance(error, ConnectionClosed)  # that it was lost does not become untrue
        assert error.code == 1011


# How long, exactly: on a clock that jumps


def seconds(play: Callable[[FakeTransport], Awaitable[Any]], wire: FakeTransport) -> float:
    """How long `play` takes on Trio's clock for tests."""

    async def run() -> float:
        started = trio.current_time()
        await play(wire)
        return trio.current_time() - started

    return trio.run(run, clock=MockClock(autojump_threshold=0))


def make_wire(**attributes: object) -> FakeTransport:
    async def make() -> FakeTransport:
        wire = FakeTransport(CREATED)
        for name, value in attributes.items():
            setattr(wire, name, value)
        return wire

    return trio.run(make)


def test_a_silent_server_takes_the_close_timeout() -> None:
    async def leave(wire: FakeTransport) -> None:
        async with open_realtime(transport=wire, close_timeout=7):
            pass

    assert seconds(leave, make_wire(answers_close=False)) == 7


def test_a_server_that_does_not_read_takes_no_longer() -> None:
    async def leave(wire: FakeTransport) -> None:
        async with open_realtime(transport=wire, close_timeout=7) as connection:
            await connection.send(ResponseCreate())

    assert seconds(leave, make_wire(answers_close=False, can_send=False)) == 7


def test_a_server_that_answers_takes_no_time() -> None:
    async def leave(wire: FakeTransport) -> None:
        async with open_realtime(transport=wire, close_timeout=7) as connection:
            await connection.close()

    assert seconds(leave, make_wire()) == 0


@pytest.mark.parametrize("way", ["cancelled", "cancelled at the end", "deadline"])
def test_under_cancellation_it_takes_50_ms(way: str) -> None:
    async def leave(wire: FakeTransport) -> None:
        with anyio.move_on_after(0 if way == "deadline" else 60) as scope:
            with anyio.CancelScope(shield=True):
                await arrived()
            async with open_realtime(transport=wire, close_timeout=7, connect_timeout=1):
                if way != "deadline":
                    scope.cancel()
                if way != "cancelled at the end":
                    await anyio.sleep_forever()

    assert seconds(leave, make_wire(answers_close=False)) <= 0.05


def test_cancelled_in_the_middle_of_closing_it_takes_no_more_time() -> None:
    async def leave(wire: FakeTransport) -> None:
        with anyio.move_on_after(3):
            async with open_realtime(transport=wire, close_timeout=7):
                pass

    assert seconds(leave, make_wire(answers_close=False)) == 3


def test_an_error_is_held_for_50_ms() -> None:
    async def play(wire: FakeTransport) -> None:
        with pytest.raises(ServerError):
            async with open_realtime(transport=wire, close_timeout=7):
                wire.deliver(error_frame())
                await anyio.sleep_forever()

    assert seconds(play, make_wire()) == pytest.approx(0.05)


def test_what_ends_the_body_itself_waits_no_longer_for_a_silent_server() -> None:
    wire = make_wire(answers_close=False)

    async def play(wire: FakeTransport) -> None:
        with pytest.raises(ServerError):
            async with open_realtime(transport=wire, close_timeout=7):
                wire.deliver(error_frame())
                await anyio.sleep_forever()

    assert seconds(play, wire) == pytest.approx(0.05 + 0.05)  # held, then leaving
    assert wire.closings == [(1000, "")]


def test_a_fatal_error_is_held_for_the_close_timeout() -> None:
    async def play(wire: FakeTransport) -> None:
        with pytest.raises(ServerError):
            async with open_realtime(transport=wire, close_timeout=7):
                wire.deliver(error_frame("session_expired"))
                await anyio.sleep_forever()

    assert seconds(play, make_wire()) == 7


def test_an_idle_body_has_the_close_timeout() -> None:
    async def play(wire: FakeTransport) -> None:
        with pytest.raises(ConnectionClosed):
            async with open_realtime(transport=wire, close_timeout=7):
                wire.end()
                await anyio.sleep_forever()

    assert seconds(play, make_wire()) == pytest.approx(7)
