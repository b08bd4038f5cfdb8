"""What a type checker must see of a connection: pyright and mypy, both strict, read this file.

pytest runs it, too. Each line with `type: ignore` is a mistake that both must find: an ignore
that nothing needs is an error to mypy.
"""

from __future__ import annotations

from typing import assert_never, assert_type

import anyio
import pytest

from anyrealtime import (
    ConfigurationError,
    ConnectFailed,
    Connection,
    ConnectionClosed,
    Dropped,
    EventStream,
    RequestError,
    ServerError,
    Transport,
    open_realtime,
)
from anyrealtime.errors import ClosedBy
from anyrealtime.events import (
    AnySession,
    ErrorEvent,
    InputAudioBufferAppend,
    RateLimitsUpdated,
    ResponseCreate,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputTextDelta,
    ServerEvent,
    Session,
    UnknownEvent,
)
from tests._runtime.peers import frame, opened, text

DONE = frame("response.done", response={"id": "resp_1"})


async def test_open_realtime_gives_a_connection() -> None:
    async with opened() as (connection, _):
        assert_type(connection, Connection)
        assert_type(connection.transport, Transport)
        assert_type(connection.session.current, AnySession | None)
        assert_type(connection.session.id, str | None)
        assert_type(connection.session.expires_at, int | None)
        assert connection.session.id == "sess_1"


async def test_the_main_stream_is_of_server_events() -> None:
    async with opened(text(1), DONE) as (connection, _):
        assert_type(await connection.receive(), ServerEvent)
        async for event in connection:
            assert_type(event, ServerEvent)
            match event:
                case ResponseOutputTextDelta(delta=delta):
                    assert_type(delta, str)
                    assert delta == "1"
                case ResponseOutputAudioDelta(delta=audio):
                    assert_type(audio, bytes)
                case ErrorEvent(error=error):
                    assert_type(error.code, str | None)
                case UnknownEvent(raw=raw):
                    assert_type(raw, bytes)
                case ResponseDone():
                    assert_type(event, ResponseDone)
                    break
                case _:
                    assert_type(event.type, str)


async def test_a_subscription_is_of_its_classes() -> None:
    async with opened() as (connection, wire):
        async with (
            connection.subscribe() as everything,
            connection.subscribe(ResponseDone) as one,
            connection.subscribe(ResponseDone, ErrorEvent) as two,
            connection.subscribe(ResponseDone, ErrorEvent, RateLimitsUpdated) as three,
            connection.subscribe(
                ResponseDone, ErrorEvent, RateLimitsUpdated, ResponseOutputTextDelta
            ) as four,
        ):
            assert_type(everything, EventStream[ServerEvent])
            assert_type(one, EventStream[ResponseDone])
            assert_type(two, EventStream[ResponseDone | ErrorEvent])
            assert_type(three, EventStream[ResponseDone | ErrorEvent | RateLimitsUpdated])
            assert_type(
                four,
                EventStream[
                    ResponseDone | ErrorEvent | RateLimitsUpdated | ResponseOutputTextDelta
                ],
            )
            wire.deliver(DONE)
            assert_type(await one.receive(), ResponseDone)
            event = await two.receive()
            assert_type(event, ResponseDone | ErrorEvent)
            match event:  # and nothing else is possible
                case ResponseDone():
                    assert_type(event, ResponseDone)
                case ErrorEvent():
                    pytest.fail("no error was sent")
                case _:
                    assert_never(event)


async def test_dropping_adds_its_marker() -> None:
    async with opened() as (connection, wire):
        async with (
            connection.subscribe(overflow="drop_oldest") as everything,
            connection.subscribe(
                ResponseOutputTextDelta, max_events=1, overflow="drop_oldest"
            ) as deltas,
        ):
            assert_type(everything, EventStream[ServerEvent | Dropped])
            assert_type(deltas, EventStream[ResponseOutputTextDelta | Dropped])
            wire.deliver(text(1), text(2))
            event = await anext(deltas)
            match event:
                case Dropped(count):
                    assert_type(count, int)
                    assert count == 1
                case ResponseOutputTextDelta():
                    pytest.fail("the marker comes first")
                case _:
                    assert_never(event)


async def test_two_classes_may_drop_too() -> None:
    async with opened() as (connection, _):
        async with connection.subscribe(ResponseDone, ErrorEvent, overflow="drop_oldest") as stream:
            assert_type(stream, EventStream[ResponseDone | ErrorEvent | Dropped])
            assert stream.held_events == 0


async def test_raw_frames_are_bytes() -> None:
    async with opened() as (connection, wire):
        async with connection.raw_frames() as frames:
            assert_type(frames, EventStream[bytes])
            wire.deliver(DONE, DONE)
            assert_type(await frames.receive(), bytes)
            async for item in frames:
                assert_type(item, bytes)
                break
            else:
                pytest.fail("the stream ended")


async def test_a_stream_is_covariant() -> None:
    """Who takes a stream of events takes one of deltas."""

    async def first(stream: EventStream[ServerEvent]) -> ServerEvent:
        return await stream.receive()

    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseOutputTextDelta) as deltas:
            wire.deliver(text(1))
            assert isinstance(await first(deltas), ResponseOutputTextDelta)


async def test_sending_takes_client_events() -> None:
    async with opened() as (connection, _):
        assert_type(await connection.send(ResponseCreate()), str)
        assert_type(await connection.send(InputAudioBufferAppend(audio=b"")), str)
        with pytest.raises(ConfigurationError):
            await connection.send({"type": "response.create"})  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            await connection.send(ErrorEvent)  # type: ignore[arg-type]


async def test_mistakes_that_are_found() -> None:
    async with opened() as (connection, _):
        with pytest.raises(ConfigurationError):
            connection.subscribe("ErrorEvent")  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError):
            connection.subscribe(overflow="block")  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError):
        async with open_realtime("m", errors="ignore"):  # type: ignore[arg-type]
            pytest.fail("the block began")
    with pytest.raises(ConfigurationError):
        async with open_realtime("m", dialect="alpha"):  # type: ignore[arg-type]
            pytest.fail("the block began")
    with pytest.raises(ConfigurationError):
        async with open_realtime("m", session={"voice": "ash"}):  # type: ignore[arg-type]
            pytest.fail("the block began")


async def _key() -> str:
    return "sk-1"


async def test_every_form_of_a_key_is_allowed() -> None:
    for context in (
        open_realtime("m", api_key="sk-1", url="ws://127.0.0.1:1/", proxy=False),
        open_realtime("m", api_key=lambda: "sk-1", url="ws://127.0.0.1:1/", proxy=False),
        open_realtime("m", api_key=_key, url="ws://127.0.0.1:1/", proxy=False, session=Session()),
    ):
        with anyio.fail_after(10), pytest.raises(ConnectFailed):
            async with context:
                pytest.fail("the block began")


def test_errors_have_types() -> None:
    lost = ConnectionClosed(1001, error=ServerError("No."))
    assert_type(lost.code, int)
    assert_type(lost.by, ClosedBy)
    assert_type(lost.error, ServerError | None)
    failed = ConnectFailed("No.")
    assert_type(failed.status, int | None)
    assert_type(failed.retry_after, float | None)
    refused = RequestError("No.")
    assert_type(refused.code, str | None)
    assert refused.message == failed.message == "No."
