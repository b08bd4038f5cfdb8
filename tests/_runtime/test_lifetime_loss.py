"""Loss: who waits is told, who idles is cancelled in the end, and a clean close is no loss."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from anyrealtime import (
    Connection,
    ConnectionClosed,
    EventStream,
    ServerError,
    StreamOverflow,
    open_realtime,
)
from anyrealtime.errors import ClosedBy
from anyrealtime.events import (
    InputAudioBufferAppend,
    ResponseCreate,
    ResponseOutputTextDelta,
    SessionCreated,
)
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
    opened,
    pending_command,
    text,
    to_end,
)

CLEAN: list[tuple[int, ClosedBy]] = [(1000, "server")]
LOSSES: list[tuple[int, ClosedBy]] = [
    (1001, "server"),
    (1005, "server"),
    (1008, "server"),
    (1011, "server"),
    (3000, "server"),
    (1006, "network"),
    (1009, "client"),
    (1000, "network"),
]
EVERY_LOSS = pytest.mark.parametrize(("code", "by"), LOSSES)
TIME = 0.2  # the close timeout of tests that wait it out


def told(error: Exception | None) -> tuple[int, str, str]:
    assert isinstance(error, ConnectionClosed)
    return error.code, error.reason, error.by


# Told by streams, after what they hold


@EVERY_LOSS
async def test_a_stream_tells_after_what_it_holds(code: int, by: ClosedBy) -> None:
    async with opened() as (connection, wire):
        wire.deliver(*map(text, range(100)))
        wire.end(code, by, "why")
        await arrived()
        texts, error = await to_end(connection)
        assert texts == [str(number) for number in range(100)]
        assert told(error) == (code, "why", by)
        assert isinstance(error, ConnectionClosed)
        assert error.error is None


async def test_every_kind_of_stream_tells() -> None:
    async with opened() as (connection, wire):
        async with (
            connection.subscribe() as everything,
            connection.subscribe(ResponseOutputTextDelta) as deltas,
            connection.subscribe(overflow="drop_oldest") as dropping,
            connection.raw_frames() as raw,
        ):
            wire.deliver(text(1))
            wire.end(1011, "server")
            await arrived()
            streams: list[EventStream[Any]] = [everything, deltas, dropping, raw]
            for stream in streams:
                assert len([await stream.receive()]) == 1
                for _ in range(2):  # it stays so
                    with pytest.raises(ConnectionClosed, match="1011"):
                        await stream.receive()


async def test_each_raise_is_of_its_own() -> None:
    """One exception object must not gather many tracebacks."""
    async with opened() as (connection, wire):
        wire.end()
        errors = [(await to_end(connection))[1] for _ in range(2)]
        assert errors[0] is not errors[1]
        assert told(errors[0]) == told(errors[1])


async def test_a_stream_that_waits_is_told_at_once() -> None:
    async with opened() as (connection, wire):
        async with anyio.create_task_group() as tasks:

            async def lose() -> None:
                await arrived()
                wire.end(1012, "server")

            tasks.start_soon(lose)
            assert told((await to_end(connection))[1])[0] == 1012


async def test_a_subscription_opened_after_the_loss() -> None:
    async with opened() as (connection, wire):
        wire.end(1011, "server")
        await arrived()
        async with connection.subscribe(SessionCreated) as stream:
            with pytest.raises(ConnectionClosed, match="1011"):
                await stream.receive()
        async with connection.raw_frames() as raw:
            with pytest.raises(ConnectionClosed, match="1011"):
                await raw.receive()


# Told by commands


@pytest.mark.parametrize(("code", "by"), LOSSES + CLEAN)
async def test_send_tells(code: int, by: ClosedBy) -> None:
    async with opened() as (connection, wire):
        wire.end(code, by, "why")
        await arrived()
        for _ in range(2):
            with pytest.raises(ConnectionClosed) as caught:
                await connection.send(ResponseCreate())
            assert told(caught.value) == (code, "why", by)
        assert not wire.sent


@pytest.mark.parametrize(("code", "by"), [(1006, "network"), (1000, "server")])
async def test_a_send_that_waits_is_told_at_once(code: int, by: ClosedBy) -> None:
    async with opened() as (connection, wire):
        wire.can_send = False
        errors: list[Exception] = []

        async def send() -> None:
            try:
                await connection.send(InputAudioBufferAppend(audio=b"." * 2**20))
            except ConnectionClosed as error:
                errors.append(error)

        await connection.send(ResponseCreate())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            tasks.start_soon(send)
            await arrived()
            assert not errors
            wire.end(code, by)
        assert [told(error) for error in errors] == [(code, "", by)] * 2


@pytest.mark.parametrize(("code", "by"), [(1006, "network"), (1000, "server")])
async def test_a_pending_command_is_told_at_once(code: int, by: ClosedBy) -> None:
    async with opened() as (connection, wire):
        lifetime = connection._lifetime
        pending = pending_command(connection, "evt_1")
        wire.deliver(text(1))
        wire.end(code, by)
        await lifetime.wait_until(lambda: pending.settled)
        assert told(pending.error) == (code, "", by)
        assert len(lifetime.replies) == 0


async def test_a_reset_wakes_every_waiter() -> None:
    """Streams, a send, a pending command, all at once, and each with an error of its own."""
    async with opened() as (connection, wire), anyio.create_task_group() as tasks:
        errors: list[Exception | None] = []
        lifetime = connection._lifetime

        async def read(stream: EventStream[Any] | Connection) -> None:
            errors.append((await to_end(stream))[1])

        async def send() -> None:
            with pytest.raises(ConnectionClosed) as caught:
                await connection.send(InputAudioBufferAppend(audio=b"." * 2**20))
            errors.append(caught.value)

        wire.can_send = False
        await connection.send(ResponseCreate())
        pending = pending_command(connection, "evt_1")
        async with (
            connection.subscribe(ResponseOutputTextDelta) as deltas,
            connection.raw_frames() as raw,
        ):
            async with anyio.create_task_group() as waiting:
                for stream in (connection, deltas, raw):
                    waiting.start_soon(read, stream)
                waiting.start_soon(send)
                waiting.start_soon(lifetime.wait_until, lambda: pending.settled)
                await arrived()
                assert not errors
                wire.end()
        errors.append(pending.error)
        assert [told(error) for error in errors] == [(1006, "", "network")] * 5
        assert len(set(map(id, errors))) == 5
        tasks.cancel_scope.cancel()


# A body that was told


async def test_a_body_that_was_told_may_return() -> None:
    async with opened() as (connection, wire):
        wire.end()
        await arrived()
        with pytest.raises(ConnectionClosed):
            await connection.send(ResponseCreate())


async def test_a_body_that_was_told_is_not_cancelled() -> None:
    async with opened(close_timeout=TIME / 4) as (connection, wire):
        wire.end()
        _, error = await to_end(connection)
        assert isinstance(error, ConnectionClosed)
        await anyio.sleep(TIME)


async def test_a_task_of_the_body_that_was_told_is_enough() -> None:
    async with opened(close_timeout=TIME / 4) as (connection, wire):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(to_end, connection)
            await arrived()
            wire.end()
            await anyio.sleep(TIME)


async def test_a_pending_command_that_was_told_is_enough() -> None:
    async with opened(close_timeout=TIME / 4) as (connection, wire):
        pending_command(connection, "evt_1")
        wire.end()
        await anyio.sleep(TIME)


async def test_an_overflow_does_not_tell() -> None:
    """It says that the stream was slow, not that the connection is gone."""
    with pytest.raises(ConnectionClosed):
        async with opened(close_timeout=TIME, max_events=1) as (connection, wire):
            wire.deliver(text(1), text(2))
            await arrived()
            wire.end()
            _, error = await to_end(connection)
            assert isinstance(error, StreamOverflow)
            await anyio.sleep_forever()


# A body that was not told


@EVERY_LOSS
async def test_an_idle_body_is_cancelled(code: int, by: ClosedBy) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=TIME / 4) as (_, wire):
            wire.end(code, by, "why")
            await anyio.sleep_forever()
    assert told(caught.value) == (code, "why", by)


async def test_an_idle_body_without_any_stream() -> None:
    with pytest.raises(ConnectionClosed):
        async with opened(close_timeout=TIME / 4, max_events=0) as (_, wire):
            wire.end()
            await anyio.sleep_forever()


async def test_a_close_timeout_of_zero() -> None:
    with pytest.raises(ConnectionClosed):
        async with opened(close_timeout=0) as (_, wire):
            wire.end()
            await anyio.sleep_forever()


async def test_a_body_that_leaves_in_time_need_not_know() -> None:
    async with opened(close_timeout=NEVER) as (_, wire):
        wire.end()
        await arrived()


async def test_a_body_that_left_in_time_is_not_told_while_it_closes() -> None:
    """The server said CLOSE, but its socket stays open: leaving takes the close timeout."""
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=TIME):
            wire.end(1001, "server")
            await arrived()


async def test_a_body_that_comes_back_in_time_is_told() -> None:
    async with opened(close_timeout=NEVER) as (connection, wire):
        wire.end()
        await anyio.sleep(TIME)
        with pytest.raises(ConnectionClosed):
            await connection.send(ResponseCreate())


@asynccontextmanager
async def slow_reading(kind: str) -> AsyncGenerator[tuple[FakeTransport, EventStream[Any]]]:
    async with opened(close_timeout=TIME) as (connection, wire):
        if kind == "main":
            yield wire, aiter(connection)
        elif kind == "raw":
            async with connection.raw_frames() as raw:
                yield wire, raw
        else:
            async with connection.subscribe(ResponseOutputTextDelta) as deltas:
                yield wire, deltas


@pytest.mark.parametrize("kind", ["main", "subscription", "raw"])
async def test_each_event_that_is_taken_restarts_the_time(kind: str) -> None:
    """Never cut off in the middle of what was received, however long it all takes."""
    count = 3
    async with slow_reading(kind) as (wire, stream):
        wire.deliver(*map(text, range(count)))
        wire.end()
        await arrived()
        taken = 0
        with pytest.raises(ConnectionClosed):
            while True:
                await stream.receive()
                taken += 1
                await anyio.sleep(0.6 * TIME)
        assert taken >= count


async def test_an_event_taken_from_a_stream_that_was_left_counts_too() -> None:
    async with opened(close_timeout=2 * TIME) as (connection, wire):
        async with connection.subscribe(ResponseOutputTextDelta) as deltas:
            wire.deliver(text(1))
            wire.end()
            await anyio.sleep(1.5 * TIME)
            await deltas.receive()
        await anyio.sleep(TIME)  # 2.5 after the loss, 1 after the event
        with pytest.raises(ConnectionClosed):
            await connection.send(ResponseCreate())


async def test_the_last_event_taken_is_the_last_restart() -> None:
    with pytest.raises(ConnectionClosed):
        async with opened(text(1), close_timeout=TIME) as (connection, wire):
            wire.end()
            await connection.receive()
            await anyio.sleep_forever()


# A clean close by the server


async def test_a_clean_close_ends_streams() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseOutputTextDelta) as deltas:
            wire.deliver(text(1), text(2))
            wire.end(1000, "server")
            await arrived()
            assert await to_end(connection) == (["1", "2"], None)
            assert await to_end(deltas) == (["1", "2"], None)
            with pytest.raises(anyio.EndOfStream):
                await deltas.receive()
            with pytest.raises(anyio.EndOfStream):
                await connection.receive()
        async with connection.subscribe() as late:
            assert await to_end(late) == ([], None)


async def test_a_clean_close_ends_a_stream_that_waits() -> None:
    async with opened() as (connection, wire), anyio.create_task_group() as tasks:

        async def end() -> None:
            await arrived()
            wire.end(1000, "server")

        tasks.start_soon(end)
        assert await to_end(connection) == ([], None)


async def test_a_clean_close_raises_nothing_into_an_idle_body() -> None:
    async with opened(close_timeout=TIME / 4) as (_, wire):
        wire.end(1000, "server")
        await anyio.sleep(TIME)


async def test_a_loss_while_an_error_is_being_raised() -> None:
    """One exception, whichever is first."""
    with pytest.raises((ServerError, ConnectionClosed)) as caught:
        async with opened(close_timeout=0.05) as (_, wire):
            wire.deliver(error_frame())
            await anyio.sleep(0.05)
            wire.end()
            await anyio.sleep_forever()
    assert caught.value.__context__ is None
