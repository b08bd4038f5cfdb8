"""The four rules of errors: whose an `error` event is, and when it is raised."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from anyrealtime import (
    Connection,
    ConnectionClosed,
    RequestError,
    ServerError,
    open_realtime,
)
from anyrealtime._protocol._verdict import BENIGN_CODES
from anyrealtime.events import ErrorEvent, Event, ResponseDone, SessionCreated, UnknownEvent
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    FakeTransport,
    arrived,
    error_frame,
    frame,
    opened,
    pending_command,
    text,
    to_end,
)

HELD = 0.05  # seconds an error waits for CLOSE


async def codes(connection: Connection) -> list[str | None]:
    """The codes of the errors on the main stream up to a `response.done`."""
    found: list[str | None] = []
    async for event in connection:
        if isinstance(event, ErrorEvent):
            found.append(event.error.code)
        if isinstance(event, ResponseDone):
            break
    return found


DONE = frame("response.done", response={"id": "resp_1"})


# (1) An error that answers a command is that command's


async def test_an_answer_is_raised_by_its_command_only() -> None:
    async with opened() as (connection, wire):
        lifetime = connection._lifetime
        pending = pending_command(connection, "evt_1")
        wire.deliver(error_frame("unknown_parameter", event_id="evt_1", param="x"), DONE)
        await lifetime.wait_until(lambda: pending.settled)
        assert isinstance(pending.error, RequestError)
        assert (pending.error.code, pending.error.param) == ("unknown_parameter", "x")
        assert pending.error.event_id == "evt_1"
        assert await codes(connection) == ["unknown_parameter"]  # streams see it all the same
        await anyio.sleep(2 * HELD)  # and nothing else comes of it


async def test_an_answer_with_a_benign_or_fatal_code_is_an_answer() -> None:
    async with opened() as (connection, wire):
        for code in ("response_cancel_not_active", "session_expired"):
            pending = pending_command(connection, code)
            wire.deliver(error_frame(code, event_id=code))
            await arrived()
            assert isinstance(pending.error, RequestError)


async def test_an_answer_is_not_claimed_by_a_subscription() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ErrorEvent) as errors:
            pending = pending_command(connection, "evt_1")
            wire.deliver(error_frame(event_id="evt_1"))
            assert (await errors.receive()).error.event_id == "evt_1"
            assert isinstance(pending.error, RequestError)


# (2) A benign race is only an event


@pytest.mark.parametrize("code", sorted(BENIGN_CODES))
async def test_a_benign_race(code: str) -> None:
    async with opened() as (connection, wire):
        wire.deliver(error_frame(code), DONE)
        assert await codes(connection) == [code]
        await anyio.sleep(2 * HELD)


async def test_a_benign_race_is_no_part_of_a_loss() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened() as (connection, wire):
            wire.deliver(error_frame("response_cancel_not_active"))
            wire.end(1011, "server")
            await to_end_or_raise(connection)
    assert caught.value.error is None


async def to_end_or_raise(connection: Connection) -> None:
    async for _ in connection:
        pass


# (3) Any other is a subscription's, or raised


async def test_an_unclaimed_error_is_raised() -> None:
    with pytest.raises(ServerError) as caught:
        async with opened() as (_, wire):
            wire.deliver(
                error_frame(
                    "invalid_value", type="server_error", message="No.", param="p", event_id="e"
                )
            )
            await anyio.sleep_forever()
    error = caught.value
    assert (error.type, error.code, error.param) == ("server_error", "invalid_value", "p")
    assert (error.message, error.event_id) == ("No.", "e")


@pytest.mark.parametrize(
    "detail",
    [
        {"code": None, "message": None},
        {"code": None, "type": None},
        {"code": "", "message": ""},
    ],
)
async def test_an_error_that_says_little(detail: dict[str, Any]) -> None:
    with pytest.raises(ServerError) as caught:
        async with opened() as (_, wire):
            wire.deliver(error_frame(**detail))
            await anyio.sleep_forever()
    assert str(caught.value)


async def test_a_bare_string_is_an_error_too() -> None:
    with pytest.raises(ServerError, match="out of memory"):
        async with opened() as (_, wire):
            wire.deliver(frame("error", error="out of memory"))
            await anyio.sleep_forever()


async def test_reading_the_main_stream_claims_nothing() -> None:
    """It carries the error; the body is cancelled all the same."""
    seen: list[type] = []
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            wire.deliver(error_frame(), text(1))
            async for event in connection:
                seen.append(type(event))  # noqa: PERF401 - kept when the body is cancelled
    assert seen[:2] == [SessionCreated, ErrorEvent]
    assert len(seen) == 3


NAMING: list[tuple[type[Event], ...]] = [(ErrorEvent,), (ResponseDone, ErrorEvent)]
NOT_NAMING: list[tuple[type[object], ...]] = [
    (),
    (Event,),
    (object,),
    (ResponseDone,),
    (UnknownEvent,),
]


@pytest.mark.parametrize("kinds", NAMING)
async def test_a_subscription_that_names_errors_claims_them(
    kinds: tuple[type[Event], ...],
) -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(*kinds) as errors:
            wire.deliver(error_frame("insufficient_quota"), DONE)
            assert isinstance(await errors.receive(), ErrorEvent)
            await anyio.sleep(2 * HELD)
        assert await codes(connection) == ["insufficient_quota"]


@pytest.mark.parametrize("kinds", NOT_NAMING)
async def test_others_claim_nothing(kinds: tuple[type[object], ...]) -> None:
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            async with connection.subscribe(*kinds), connection.raw_frames():
                wire.deliver(error_frame())
                await anyio.sleep_forever()


async def test_one_that_names_errors_is_enough() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone), connection.subscribe(ErrorEvent) as errors:
            async with connection.subscribe(ErrorEvent) as more:
                wire.deliver(error_frame())
                assert await errors.receive() is await more.receive()
            wire.deliver(error_frame())
            assert isinstance(await errors.receive(), ErrorEvent)
            await anyio.sleep(2 * HELD)


async def test_a_subscription_that_was_left_claims_nothing() -> None:
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            async with connection.subscribe(ErrorEvent):
                pass
            wire.deliver(error_frame())
            await anyio.sleep_forever()


async def test_a_subscription_that_came_later_claims_nothing() -> None:
    """It would not even get the error."""
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            wire.deliver(error_frame())
            await arrived()
            async with connection.subscribe(ErrorEvent) as errors:
                await errors.receive()


async def test_a_subscription_that_has_overflowed_claims_nothing() -> None:
    """It gets no more events: an error it claimed would be lost."""
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            async with connection.subscribe(ErrorEvent, max_events=1):
                wire.deliver(error_frame("first"), error_frame("second"))
                await arrived()
                wire.deliver(error_frame("third"))
                await anyio.sleep_forever()


async def test_delivering() -> None:
    async with opened(errors="deliver") as (connection, wire):
        wire.deliver(error_frame("one"), error_frame("session_expired"), DONE)
        assert await codes(connection) == ["one", "session_expired"]
        await anyio.sleep(2 * HELD)


async def test_delivering_what_came_before_the_block() -> None:
    """Not raised afterwards, though it was held while the block had not begun."""
    wire = FakeTransport(error_frame("one"), CREATED, DONE)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, errors="deliver") as connection:
            await anyio.sleep(2 * HELD)
            assert await codes(connection) == ["one"]


async def test_an_error_that_came_before_the_block_is_raised_in_it() -> None:
    wire = FakeTransport(error_frame("one"), CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(ServerError):
        async with open_realtime(transport=wire):
            await anyio.sleep_forever()


async def test_the_body_leaves_while_an_error_is_held() -> None:
    with pytest.raises(ServerError):
        async with opened() as (_, wire):
            wire.deliver(error_frame())
            await arrived()


async def test_the_body_closes_while_an_error_is_held() -> None:
    with pytest.raises(ServerError):
        async with opened() as (connection, wire):
            wire.deliver(error_frame())
            await arrived()
            await connection.close()
            await anyio.sleep(2 * HELD)  # not cancelled: it has closed by itself


async def test_an_error_after_our_close_is_nothing() -> None:
    wire = FakeTransport(CREATED)
    wire.answers_close = False
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, close_timeout=0.1) as connection:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.close)
                await arrived()
                wire.deliver(error_frame("session_expired"))


async def test_an_error_does_not_end_the_connection_by_itself() -> None:
    """The body is cancelled, and its last words still go out."""
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(ServerError):
        async with open_realtime(transport=wire):
            wire.deliver(error_frame())
            await anyio.sleep_forever()
    assert wire.closings == [(1000, "")]


async def test_the_first_of_two_errors_stands() -> None:
    with pytest.raises(ServerError) as caught:
        async with opened() as (_, wire):
            wire.deliver(error_frame("first"))
            await arrived()
            wire.deliver(error_frame("second"))
            await anyio.sleep_forever()
    assert caught.value.code == "first"


# (4) An error and a CLOSE are one exception


@pytest.mark.parametrize("pause", [None, 0.0, 0.01], ids=["one read", "at once", "soon"])
async def test_an_error_then_close(pause: float | None) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened() as (connection, wire):
            wire.deliver(error_frame("rate_limit_exceeded"))
            if pause is not None:
                await arrived()
                await anyio.sleep(pause)
            wire.end(3000, "server", "bye")
            await to_end_or_raise(connection)
    assert (caught.value.code, caught.value.reason, caught.value.by) == (3000, "bye", "server")
    assert caught.value.error is not None
    assert caught.value.error.code == "rate_limit_exceeded"
    assert "rate_limit_exceeded" in str(caught.value)


async def test_an_error_then_close_with_an_idle_body() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=0.1) as (_, wire):
            wire.deliver(error_frame("rate_limit_exceeded"))
            wire.end(3000, "server")
            await anyio.sleep_forever()
    assert caught.value.error is not None


async def test_an_error_then_close_and_the_body_leaves() -> None:
    """Nobody has had the error: it is not lost only because the CLOSE was quick."""
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=NEVER) as (_, wire):
            wire.deliver(error_frame("rate_limit_exceeded"))
            wire.end(3000, "server")
            await arrived()
    assert caught.value.error is not None


async def test_an_error_then_close_and_the_body_has_had_it() -> None:
    async with opened() as (connection, wire):
        wire.deliver(error_frame("rate_limit_exceeded"))
        wire.end(3000, "server")
        _, error = await to_end(connection)
        assert isinstance(error, ConnectionClosed)


async def test_an_error_then_a_clean_close_is_a_loss() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened() as (connection, wire):
            wire.deliver(error_frame("insufficient_quota"))
            wire.end(1000, "server")
            await to_end_or_raise(connection)
            pytest.fail("the stream ended as if all were well")
    assert caught.value.code == 1000
    assert caught.value.error is not None


async def test_a_claimed_error_then_a_clean_close_is_clean() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ErrorEvent) as errors:
            wire.deliver(error_frame("insufficient_quota"))
            await errors.receive()
            wire.end(1000, "server")
            with pytest.raises(anyio.EndOfStream):
                await errors.receive()


@pytest.mark.parametrize(
    "fatal", [error_frame("session_expired"), error_frame(None, type="authentication_error")]
)
async def test_a_fatal_error_waits_longer_for_its_close(fatal: bytes) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=NEVER) as (connection, wire):
            wire.deliver(fatal)
            await anyio.sleep(2 * HELD)
            wire.end(1001, "server")
            await to_end_or_raise(connection)
    assert caught.value.error is not None
    assert caught.value.code == 1001


async def test_another_error_does_not_wait_as_long() -> None:
    with pytest.raises(ServerError):
        async with opened(close_timeout=NEVER) as (_, wire):
            wire.deliver(error_frame("invalid_value"))
            await anyio.sleep_forever()


async def test_a_fatal_error_without_close() -> None:
    with pytest.raises(ServerError) as caught:
        async with opened(close_timeout=4 * HELD) as (_, wire):
            wire.deliver(error_frame("session_expired"))
            with anyio.CancelScope() as inner:
                await anyio.sleep(2 * HELD)
            assert not inner.cancel_called  # the body lives as long as the error is held
            await anyio.sleep_forever()
    assert caught.value.code == "session_expired"


async def test_a_fatal_error_waits_no_less_than_others() -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with opened(close_timeout=0) as (connection, wire):
            wire.deliver(error_frame("session_expired"))
            await arrived()
            wire.end(1001, "server")
            await to_end_or_raise(connection)
    assert caught.value.error is not None


async def test_a_server_error_stands_when_the_connection_is_lost_later() -> None:
    """The body unwinds slowly; the loss that comes meanwhile changes nothing."""
    with pytest.raises(ServerError):
        async with opened(close_timeout=HELD) as (_, wire):
            wire.deliver(error_frame())
            try:
                await anyio.sleep_forever()
            finally:
                wire.end()
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(4 * HELD)
