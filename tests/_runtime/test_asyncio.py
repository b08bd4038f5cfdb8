"""Asyncio's own cancellation: `Task.cancel()`, `wait_for`, `timeout`, tasks AnyIO did not start.

AnyIO's scopes are level-triggered and the same on both backends; these are neither, so they
have tests of their own.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - what these tests are about
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from anyrealtime import Connection, ConnectionClosed, ServerError, open_realtime
from anyrealtime.events import InputAudioBufferAppend, ResponseCreate, ResponseOutputTextDelta
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
    opened,
    text,
)

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


async def finish(task: asyncio.Task[Any]) -> BaseException | None:
    """Wait for a task, and return how it ended."""
    with anyio.fail_after(LIMIT):
        await asyncio.wait([task])
    return asyncio.CancelledError() if task.cancelled() else task.exception()


Take = Callable[[Connection], Coroutine[Any, Any, Any]]


async def _anext(connection: Connection) -> Any:
    return await anext(connection)


async def _anext_of_stream(connection: Connection) -> Any:
    return await anext(aiter(connection))


TAKES = pytest.mark.parametrize("take", [Connection.receive, _anext, _anext_of_stream])


@TAKES
async def test_wait_for_loses_nothing(take: Take) -> None:
    """Events come about as often as the waiting is given up."""
    count, timeouts = 300, 0
    async with opened() as (connection, wire):
        await connection.receive()

        async def produce() -> None:
            noise = random.Random(1)  # the same noise each time
            for number in range(count):
                wire.deliver(text(number))
                for _ in range(noise.randrange(12)):
                    await asyncio.sleep(noise.choice([0, 0, 0.0004]))

        producer = asyncio.create_task(produce())
        taken: list[str] = []
        while len(taken) < count:
            try:
                taken.append((await asyncio.wait_for(take(connection), 0.0003)).delta)
            except TimeoutError:
                timeouts += 1
        await producer
    assert taken == list(map(str, range(count)))
    assert timeouts


@TAKES
@pytest.mark.parametrize("first", ["event", "cancel"])
async def test_an_event_and_a_cancel_in_the_same_turn(take: Take, first: str) -> None:
    async with opened() as (connection, wire):
        await connection.receive()
        for number in range(20):
            task = asyncio.ensure_future(take(connection))
            await arrived()
            if first == "event":
                wire.deliver(text(number))
                task.cancel()
            else:
                task.cancel()
                wire.deliver(text(number))
            error = await finish(task)
            event: Any = task.result() if error is None else await connection.receive()
            assert event.delta == str(number)


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancel_some_turns_after_the_event(turns: int) -> None:
    """Wherever the event is on its way, it is not in the hand that is cancelled."""
    async with opened() as (connection, wire):
        await connection.receive()
        task = asyncio.ensure_future(connection.receive())
        await arrived()
        wire.deliver(text(0))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        event: Any = task.result() if await finish(task) is None else await connection.receive()
        assert event.delta == "0"


async def test_a_task_that_was_cancelled_before_it_began() -> None:
    async with opened(text(0)) as (connection, _):
        task = asyncio.ensure_future(connection.receive())
        task.cancel()
        assert isinstance(await finish(task), asyncio.CancelledError)
        await connection.receive()
        event: Any = await connection.receive()
        assert event.delta == "0"


async def test_a_full_stream_is_read_while_being_cancelled() -> None:
    """The cancellation is noticed at the next turn at the latest, and nothing is skipped."""
    async with opened(*map(text, range(20_000))) as (connection, _):
        await arrived()
        taken: list[str] = []

        async def read() -> None:
            async for event in connection:
                if isinstance(event, ResponseOutputTextDelta):
                    taken.append(event.delta)  # noqa: PERF401 - kept when cancelled

        for _ in range(5):
            task = asyncio.create_task(read())
            for _ in range(3):
                await asyncio.sleep(0)
            task.cancel()
            assert isinstance(await finish(task), asyncio.CancelledError)
        rest: list[str] = []
        while len(taken) + len(rest) < 20_000:
            event: Any = await connection.receive()
            rest.append(event.delta)
        assert taken + rest == list(map(str, range(20_000)))
        assert rest


async def test_tasks_of_asyncio_may_read_and_send() -> None:
    async with opened() as (connection, wire):

        async def read(kind: type[ResponseOutputTextDelta]) -> list[str]:
            async with connection.subscribe(kind) as stream:
                return [event.delta async for event in stream]

        readers = [asyncio.create_task(read(ResponseOutputTextDelta)) for _ in range(3)]
        senders = [asyncio.create_task(connection.send(ResponseCreate())) for _ in range(3)]
        await arrived()
        wire.deliver(text(1), text(2))
        wire.end(1000, "server")
        assert await asyncio.gather(*readers) == [["1", "2"]] * 3
        await asyncio.gather(*senders)
        assert len(wire.sent) == 3


@pytest.mark.parametrize("turns", range(0, 30, 3))
async def test_a_cancelled_send_is_sent_whole_or_not_at_all(turns: int) -> None:
    async with opened() as (connection, wire):
        wire.can_send = False
        await connection.send(InputAudioBufferAppend(audio=bytes(700_000)))
        task = asyncio.ensure_future(connection.send(ResponseCreate(event_id="x" * 200_000)))
        await arrived()
        wire.can_send = True
        wire.change()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        error = await finish(task)
        await arrived()
        assert len(wire.sent) == 1 + (error is None)


# The block


@asynccontextmanager
async def tasks_are_over() -> AsyncGenerator[None]:
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("answers", [True, False])
async def test_cancelling_the_task_leaves_the_block(*, answers: bool) -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = answers

    async def program() -> None:
        async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
            await connection.send(ResponseCreate())
            async for _ in connection:
                pass

    async with tasks_are_over():
        task = asyncio.create_task(program())
        await arrived()
        task.cancel()
        assert isinstance(await finish(task), asyncio.CancelledError)
    assert len(wire.sent) == 1
    assert wire.closings == [(1000, "")]
    assert wire.aborted


async def test_cancelling_the_task_while_opening() -> None:
    wire = FakeTransport()

    async def program() -> None:
        async with open_realtime(transport=wire, connect_timeout=NEVER):
            pytest.fail("the block began")

    async with tasks_are_over():
        task = asyncio.create_task(program())
        await arrived()
        task.cancel()
        assert isinstance(await finish(task), asyncio.CancelledError)
    assert wire.aborted


@pytest.mark.parametrize("failing", [False, True])
async def test_cancelling_the_task_while_closing(*, failing: bool) -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    failure = ValueError("mine")

    async def program() -> None:
        async with open_realtime(transport=wire, close_timeout=NEVER):
            if failing:
                raise failure

    async with tasks_are_over():
        task = asyncio.create_task(program())
        await arrived()
        task.cancel()
        error = await finish(task)
    assert error is failure if failing else isinstance(error, asyncio.CancelledError)
    assert wire.aborted


async def test_cancelling_twice() -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False

    async def program() -> None:
        async with open_realtime(transport=wire, close_timeout=NEVER):
            await asyncio.sleep(NEVER)

    async with tasks_are_over():
        task = asyncio.create_task(program())
        await arrived()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        assert isinstance(await finish(task), asyncio.CancelledError)
    assert wire.aborted


async def test_a_body_that_turns_the_cancellation_into_an_exception() -> None:
    failure = ValueError("mine")

    async def program() -> None:
        async with open_realtime(transport=FakeTransport(CREATED)):
            try:
                await asyncio.sleep(NEVER)
            finally:
                raise failure

    task = asyncio.create_task(program())
    await arrived()
    task.cancel()
    assert await finish(task) is failure


async def _with_timeout(program: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(0.05):
        await program


async def _with_wait_for(program: Coroutine[Any, Any, None]) -> None:
    await asyncio.wait_for(program, 0.05)


@pytest.mark.parametrize("bound", [_with_timeout, _with_wait_for])
async def test_a_time_limit_around_the_block(
    bound: Callable[[Coroutine[Any, Any, None]], Awaitable[None]],
) -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False

    async def program() -> None:
        async with open_realtime(transport=wire, close_timeout=NEVER) as connection:
            async for _ in connection:
                pass

    async with tasks_are_over():
        with anyio.fail_after(LIMIT), pytest.raises(TimeoutError):
            await bound(program())
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
    assert wire.aborted


async def test_a_time_limit_inside_the_block() -> None:
    async with opened() as (connection, wire):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                async for _ in connection:
                    pass
        wire.deliver(text(1))
        event: Any = await connection.receive()
        assert event.delta == "1"


async def test_in_a_task_group_of_asyncio() -> None:
    """What the connection raises is one exception of that group, as any task's would be."""

    async def program() -> None:
        async with opened() as (_, wire):
            wire.deliver(error_frame())
            await asyncio.sleep(NEVER)

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(program())
    (error,) = caught.value.exceptions
    assert isinstance(error, ServerError)


async def test_a_lost_connection_does_not_leave_the_task_cancelled() -> None:
    """The body was cancelled by us, and it is over: nobody else may see that."""
    with pytest.raises(ConnectionClosed):
        async with opened(close_timeout=0.02) as (_, wire):
            wire.end()
            await asyncio.sleep(NEVER)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)
