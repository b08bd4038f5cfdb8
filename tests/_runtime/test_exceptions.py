"""Exceptions come out bare: the body's unchanged, the connection's as one, never a group of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import (
    ConnectionClosed,
    InternalError,
    RealtimeError,
    ServerError,
    StreamOverflow,
    open_realtime,
)
from anyrealtime.events import ResponseCreate
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
    opened,
    text,
    to_end,
)

Bug = Callable[[FakeTransport], None]


async def raised_by(
    body: Callable[[], Any] | BaseException, wire: FakeTransport | None = None, **options: Any
) -> BaseException:
    """What leaves the block when its body raises."""
    with anyio.fail_after(LIMIT):
        try:
            async with open_realtime(transport=wire or FakeTransport(CREATED), **options):
                raise body if isinstance(body, BaseException) else body()
        except BaseException as exc:
            return exc


# The body's own


@pytest.mark.parametrize(
    "failure",
    [
        ValueError("mine"),
        KeyboardInterrupt(),
        SystemExit(3),
        StopIteration(),
        StopAsyncIteration(),
        RuntimeError("async generator raised StopAsyncIteration"),
        TimeoutError(),
        ExceptionGroup("two", [ValueError("one"), OSError("two")]),
        BaseExceptionGroup("ctrl-c", [KeyboardInterrupt()]),
        ExceptionGroup("of one", [ValueError("one")]),
        ConnectionClosed(1001),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_the_bodys_exception_leaves_unchanged(failure: BaseException) -> None:
    wire = FakeTransport(CREATED)
    failure.__context__ = failure.__cause__ = None  # the second backend gets a clean one
    assert await raised_by(failure, wire) is failure
    assert failure.__context__ is None
    assert failure.__cause__ is None
    assert wire.closings == [(1000, "")]  # and the connection is closed in good order


async def test_a_group_leaves_with_its_members() -> None:
    one, two = ValueError("one"), OSError("two")
    group = ExceptionGroup("two", [one, two])
    assert await raised_by(group) is group
    assert group.exceptions == (one, two)


async def test_what_a_task_group_of_the_body_raises_is_a_group() -> None:
    """The program's own nursery still wraps what its tasks raise."""

    async def fail() -> None:
        raise failure

    failure = ValueError("mine")
    with anyio.fail_after(LIMIT), pytest.raises(ExceptionGroup) as caught:
        async with open_realtime(transport=FakeTransport(CREATED)):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fail)
    assert caught.value.exceptions == (failure,)


async def test_its_cause_and_context_are_kept() -> None:
    first, cause = KeyError("first"), OSError("cause")
    failure = ValueError("mine")
    failure.__context__, failure.__cause__ = first, cause
    assert await raised_by(failure) is failure
    assert failure.__context__ is first
    assert failure.__cause__ is cause
    assert first.__context__ is None


async def test_an_exception_beside_a_slow_close() -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    failure = ValueError("mine")
    assert await raised_by(failure, wire, close_timeout=0.05) is failure
    assert failure.__context__ is None


# The body's own under cancellation: neither the closing nor the tasks' end may lose it


async def test_an_exception_instead_of_the_cancellation() -> None:
    failure = ValueError("mine")
    with anyio.fail_after(LIMIT), pytest.raises(ValueError, match="mine") as caught:
        with anyio.CancelScope() as scope:
            async with open_realtime(transport=FakeTransport(CREATED)):
                try:
                    scope.cancel()
                    await anyio.sleep_forever()
                finally:
                    raise failure
    assert caught.value is failure


async def test_an_exception_in_a_cancelled_scope() -> None:
    """Cancelled already, but not told yet."""
    with anyio.fail_after(LIMIT), pytest.raises(ValueError, match="mine"):
        with anyio.CancelScope() as scope:
            async with open_realtime(transport=FakeTransport(CREATED)):
                scope.cancel()
                raise ValueError("mine")


async def test_cancelled_while_closing_after_an_exception() -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    with anyio.fail_after(LIMIT), pytest.raises(ValueError, match="mine"):
        with anyio.move_on_after(0.05):
            async with open_realtime(transport=wire, close_timeout=NEVER):
                raise ValueError("mine")
    assert wire.aborted


async def test_cancelled_while_the_tasks_end_after_an_exception() -> None:
    """The outer scope is cancelled from within the very last step of the close."""
    wire = FakeTransport(CREATED)
    scope = anyio.CancelScope()
    wire.on_abort = scope.cancel
    with anyio.fail_after(LIMIT), pytest.raises(ValueError, match="mine"), scope:
        async with open_realtime(transport=wire):
            raise ValueError("mine")
    assert scope.cancel_called


async def test_cancelled_while_closing_after_nothing() -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    with anyio.fail_after(LIMIT):
        with anyio.move_on_after(0.05) as scope:
            async with open_realtime(transport=wire, close_timeout=NEVER):
                pass
    assert scope.cancelled_caught
    assert wire.aborted


# The connection's own


async def test_a_server_error_comes_bare() -> None:
    with pytest.raises(ServerError) as caught:
        async with opened() as (_, wire):
            wire.deliver(error_frame("insufficient_quota", message="No money.", param="p"))
            await anyio.sleep_forever()
    error = caught.value
    assert (error.code, error.message, error.param) == ("insufficient_quota", "No money.", "p")
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_a_loss_comes_bare() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=0.05) as (_, wire):
            wire.end(1011, "server", "internal error")
            await anyio.sleep_forever()
    error = caught.value
    assert (error.code, error.reason, error.by) == (1011, "internal error", "server")
    assert error.__context__ is None
    assert error.__cause__ is None


async def test_an_overflow_comes_bare() -> None:
    with pytest.raises(StreamOverflow) as caught:
        async with opened(max_events=2) as (connection, wire):
            wire.deliver(text(1), text(2), text(3))
            await to_end_or_raise(connection)
    assert caught.value.__context__ is None


async def to_end_or_raise(connection: Any) -> None:
    await arrived()
    async for _ in connection:
        pass


# Both: the body's wins, and ours ends the chain of what came before it


def chain(error: BaseException) -> list[BaseException]:
    """The exception, what it came after, and so on."""
    links = [error]
    while links[-1].__context__ is not None:
        links.append(links[-1].__context__)
    return links


@pytest.mark.parametrize("kind", [ServerError, ConnectionClosed, InternalError])
async def test_the_bodys_wins(kind: type[RealtimeError]) -> None:
    failure = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        async with opened(close_timeout=0.05) as (_, wire):
            if kind is ServerError:
                wire.deliver(error_frame())
            elif kind is ConnectionClosed:
                wire.end()
            else:
                wire.fail(lambda: RuntimeError("a bug"))
            try:
                await anyio.sleep_forever()
            finally:
                raise failure
    assert caught.value is failure
    *links, last = chain(failure)
    assert links[0] is failure
    assert type(last) is kind
    assert not any(isinstance(link, RealtimeError) for link in links)


async def test_the_bodys_group_wins() -> None:
    failure = ExceptionGroup("two", [ValueError("one"), OSError("two")])
    with pytest.raises(ExceptionGroup) as caught:
        async with opened(close_timeout=0.05) as (_, wire):
            wire.end()
            try:
                await anyio.sleep_forever()
            finally:
                raise failure
    assert caught.value.exceptions == failure.exceptions  # Trio rebuilds the group around them
    assert isinstance(chain(caught.value)[-1], ConnectionClosed)


async def test_an_exception_made_of_ours_is_not_given_ours_again() -> None:
    """The body was told, and says it in its own words."""
    with pytest.raises(ValueError, match="mine") as caught:
        async with opened() as (connection, wire):
            wire.end()
            try:
                async for _ in connection:
                    pass
            except ConnectionClosed as loss:
                raise ValueError("mine") from loss
    links = chain(caught.value)
    assert [type(link) for link in links] == [ValueError, ConnectionClosed]


async def test_what_the_body_was_told_is_its_own() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(text(1)) as (connection, wire):
            wire.end(1012, "server")
            async for _ in connection:
                pass
    assert caught.value.code == 1012
    assert caught.value.__context__ is None


async def test_an_exception_before_the_connection_says_anything_is_alone() -> None:
    failure = ValueError("mine")
    with pytest.raises(ValueError, match="mine"):
        async with opened(close_timeout=NEVER) as (_, wire):
            wire.end()
            await arrived()
            raise failure
    assert failure.__context__ is None


async def test_an_error_that_was_held_when_the_body_failed() -> None:
    failure = ValueError("mine")
    with pytest.raises(ValueError, match="mine"):
        async with opened() as (_, wire):
            wire.deliver(error_frame("insufficient_quota"))
            await arrived()
            raise failure
    (held,) = chain(failure)[1:]
    assert isinstance(held, ServerError)


# A bug of ours


def _in_receive(wire: FakeTransport) -> None:
    wire.fail(lambda: RuntimeError("a bug"))


def _in_send(wire: FakeTransport) -> None:
    wire.send_error = RuntimeError("a bug")


BUGS = pytest.mark.parametrize("bug", [_in_receive, _in_send])


@BUGS
async def test_a_bug_is_an_internal_error(bug: Bug) -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(InternalError, match="please report") as caught:
        async with open_realtime(transport=wire, close_timeout=0.05) as connection:
            bug(wire)
            await connection.send(ResponseCreate())
            await anyio.sleep_forever()
    assert "RuntimeError('a bug')" in str(caught.value)
    assert isinstance(caught.value.__cause__, Exception)
    assert wire.aborted


@BUGS
async def test_a_bug_reaches_who_waits(bug: Bug) -> None:
    """A task outside the block waits on a stream: it is not told that all is well."""
    outcomes: list[tuple[list[str], Exception | None]] = []

    async def read(stream: Any) -> None:
        outcomes.append(await to_end(stream))

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            with pytest.raises(InternalError):
                async with opened(close_timeout=0.05) as (connection, wire):
                    tasks.start_soon(read, connection)
                    wire.deliver(text(1))
                    await arrived()
                    bug(wire)
                    await connection.send(ResponseCreate())
                    await anyio.sleep_forever()
    ((texts, error),) = outcomes
    assert texts == ["1"]
    assert isinstance(error, InternalError)


async def test_a_bug_while_the_body_reads() -> None:
    with pytest.raises(InternalError):
        async with opened(text(1)) as (connection, wire):
            _in_receive(wire)
            async for _ in connection:
                pass
            pytest.fail("the stream ended as if all were well")


async def test_a_bug_is_told_by_send() -> None:
    with pytest.raises(InternalError):
        async with opened() as (connection, wire):
            _in_receive(wire)
            with anyio.CancelScope(shield=True):
                await arrived()
                await connection.send(ResponseCreate())


async def test_a_bug_the_body_did_not_notice() -> None:
    with pytest.raises(InternalError):
        async with opened() as (_, wire):
            _in_receive(wire)
            with anyio.CancelScope(shield=True):
                await arrived()


async def test_a_bug_after_an_error() -> None:
    """What ended the connection first stands."""
    with pytest.raises(ServerError):
        async with opened() as (_, wire):
            wire.deliver(error_frame())
            try:
                await anyio.sleep_forever()
            finally:
                _in_receive(wire)
                with anyio.CancelScope(shield=True):
                    await arrived()


async def test_a_bug_while_opening() -> None:
    wire = FakeTransport()
    _in_receive(wire)
    with anyio.fail_after(LIMIT), pytest.raises(InternalError):
        async with open_realtime(transport=wire):
            pytest.fail("the block began")
    assert wire.aborted


@pytest.mark.parametrize("raises", [False, True], ids=["ends", "raises"])
async def test_a_bug_while_leaving(*, raises: bool) -> None:
    """It ends the wait for the peer, and the body's own exception goes on."""
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    expected = ZeroDivisionError if raises else InternalError
    raised: list[BaseException | None] = []
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:

            async def fail_later() -> None:
                while not wire.closings:
                    await checkpoint()
                _in_receive(wire)

            with pytest.raises(expected) as caught:
                async with open_realtime(transport=wire, close_timeout=NEVER):
                    tasks.start_soon(fail_later)
                    if raises:
                        raise ZeroDivisionError
            raised.append(caught.value.__context__ if raises else caught.value)
    assert isinstance(raised[0], InternalError)
    assert wire.aborted


async def test_a_bug_in_closing() -> None:
    wire = FakeTransport(CREATED)
    wire.close_error = RuntimeError("a bug")
    with anyio.fail_after(LIMIT), pytest.raises(InternalError):
        async with open_realtime(transport=wire):
            pass
    failure = ValueError("mine")
    wire = FakeTransport(CREATED)
    wire.close_error = RuntimeError("a bug")
    assert await raised_by(failure, wire) is failure
    assert isinstance(chain(failure)[-1], InternalError)
