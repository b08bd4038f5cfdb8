"""Who gets which event: the main stream, subscriptions, raw frames, and their independence."""

from __future__ import annotations

import gc
import weakref
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import (
    ConfigurationError,
    Connection,
    Dropped,
    EventStream,
    ProtocolViolation,
    StreamOverflow,
)
from anyrealtime._runtime._dispatch import Dispatcher
from anyrealtime.events import (
    ErrorEvent,
    Event,
    InputAudioBufferSpeechStarted,
    InvalidEvent,
    ResponseCreate,
    ResponseDone,
    ResponseOutputTextDelta,
    ResponseTextDelta,
    SessionCreated,
    UnknownEvent,
)
from tests._runtime.peers import CREATED, arrived, error_frame, frame, opened, text, to_end

T = TypeVar("T")

DONE = frame("response.done", response={"id": "resp_1"})
SPEECH = frame("input_audio_buffer.speech_started", audio_start_ms=1, item_id="i")
BETA = frame("response.text.delta", delta="beta")
UNKNOWN = frame("vendor.something", x=1)
DRIFTED = frame("response.done", response=7)
GARBAGE = b"\xff not json"


async def kinds_of(stream: EventStream[Any], count: int) -> list[type]:
    return [type(await stream.receive()) for _ in range(count)]


async def is_empty(stream: EventStream[Any]) -> bool:
    await arrived()
    return stream.held_events == 0


def entered(manager: AbstractAsyncContextManager[EventStream[T]]) -> EventStream[T]:
    """Enter what needs no event loop for that: it must not give way once."""
    entering: Any = manager.__aenter__()
    with pytest.raises(StopIteration) as done:
        entering.send(None)
    stream: EventStream[T] = done.value.value
    return stream


# The main stream


async def test_the_main_stream_has_every_event_since_the_opening() -> None:
    async with opened(text(1), UNKNOWN) as (connection, wire):
        wire.deliver(DRIFTED, GARBAGE)
        await arrived()
        wire.deliver(SPEECH)
        wire.end(1000, "server")
        kinds = [type(event) async for event in connection]
    assert kinds == [
        SessionCreated,
        ResponseOutputTextDelta,
        UnknownEvent,
        InvalidEvent,
        InvalidEvent,
        InputAudioBufferSpeechStarted,
    ]


async def test_the_main_stream_is_one_however_it_is_read() -> None:
    async with opened(*map(text, range(6))) as (connection, _):
        await connection.receive()
        taken: list[Any] = [await anext(connection), await connection.receive()]
        async for event in connection:
            taken.append(event)
            break
        taken.append(await anext(aiter(connection)))
        assert [event.delta for event in taken] == ["0", "1", "2", "3"]


async def test_leaving_a_loop_loses_nothing() -> None:
    async with opened(*map(text, range(1000))) as (connection, wire):
        texts: list[str] = []
        wire.end(1000, "server")
        while len(texts) < 1000:
            async for event in connection:
                if isinstance(event, ResponseOutputTextDelta):
                    texts.append(event.delta)
                    break
        assert texts == list(map(str, range(1000)))


async def test_no_main_stream() -> None:
    async with opened(max_events=0) as (connection, wire):
        for use in (lambda: aiter(connection), connection.receive, lambda: anext(connection)):
            with pytest.raises(ProtocolViolation, match="max_events=0"):
                result: Any = use()
                await result
        async with connection.subscribe(ResponseOutputTextDelta) as deltas:
            wire.deliver(text(1))
            assert (await deltas.receive()).delta == "1"


async def test_the_main_streams_bound_by_count() -> None:
    async with opened(max_events=3) as (connection, wire):
        await connection.receive()
        wire.deliver(*map(text, range(4)))
        await arrived()
        texts, error = await to_end(connection)
        assert texts == ["0", "1", "2"]
        assert isinstance(error, StreamOverflow)


async def test_the_main_streams_bound_by_bytes() -> None:
    """Bytes are those of the frames as they came."""
    room = 2 * len(text(1))
    async with opened(max_bytes=room) as (connection, wire):
        await connection.receive()
        wire.deliver(text(1), text(2))
        await arrived()
        wire.deliver(text(3))
        await arrived()
        texts, error = await to_end(connection)
        assert texts == ["1", "2"]
        assert isinstance(error, StreamOverflow)


async def test_an_unread_main_stream_costs_nothing_after_its_overflow() -> None:
    async with opened(max_events=100) as (connection, wire):
        main = connection._main_stream()
        for start in range(0, 1000, 50):
            wire.deliver(*map(text, range(start, start + 50)))
            await arrived()
        assert main.held_events == main.held_bytes == 0
        with pytest.raises(StreamOverflow):
            await connection.receive()
        async with connection.subscribe() as everything:  # the others go on
            wire.deliver(text("x"))
            assert await kinds_of(everything, 1) == [ResponseOutputTextDelta]


# Subscriptions


async def test_a_subscription_begins_when_it_is_entered() -> None:
    """Before anything is awaited: what is sent next can be missed by no answer."""
    async with opened() as (connection, wire):
        subscription = connection.subscribe(ResponseDone)
        stream = entered(subscription)
        wire.deliver(DONE)
        assert await kinds_of(stream, 1) == [ResponseDone]
        await subscription.__aexit__(None, None, None)


async def test_a_subscription_has_nothing_from_before() -> None:
    async with opened(text(1)) as (connection, wire):
        await arrived()
        async with connection.subscribe() as stream:
            assert await is_empty(stream)
            wire.deliver(text(2))
            assert await kinds_of(stream, 1) == [ResponseOutputTextDelta]
            assert await is_empty(stream)


async def test_a_subscription_has_its_classes_in_order() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseOutputTextDelta, ResponseDone) as stream:
            wire.deliver(text(1), SPEECH, DONE, UNKNOWN, text(2))
            wire.deliver(text(3), DRIFTED)
            kinds = [ResponseOutputTextDelta, ResponseDone, *[ResponseOutputTextDelta] * 2]
            assert await kinds_of(stream, 4) == kinds
            assert await is_empty(stream)


async def test_subclasses_belong_to_it() -> None:
    """The beta's names of GA's events, and the bases of everything."""
    async with opened() as (connection, wire):
        async with (
            connection.subscribe(ResponseOutputTextDelta) as ga,
            connection.subscribe(ResponseTextDelta) as beta,
            connection.subscribe(Event) as known,
            connection.subscribe(object) as everything,
            connection.subscribe() as all_,
        ):
            wire.deliver(BETA, text(1), UNKNOWN, GARBAGE)
            deltas: list[type] = [ResponseTextDelta, ResponseOutputTextDelta]
            assert await kinds_of(ga, 2) == deltas
            assert await kinds_of(beta, 1) == [ResponseTextDelta]
            assert await kinds_of(known, 2) == deltas
            assert await kinds_of(everything, 4) == [*deltas, UnknownEvent, InvalidEvent]
            assert await kinds_of(all_, 4) == [*deltas, UnknownEvent, InvalidEvent]
            for stream in (ga, beta, known, everything, all_):
                assert await is_empty(stream)


async def test_undecoded_events_can_be_subscribed_to() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(UnknownEvent, InvalidEvent) as stream:
            wire.deliver(text(1), UNKNOWN, DRIFTED, GARBAGE)
            events = [await stream.receive() for _ in range(3)]
            assert [event.type for event in events] == ["vendor.something", "response.done", ""]
            assert [event.raw for event in events] == [UNKNOWN, DRIFTED, GARBAGE]


async def test_a_class_named_twice_comes_once() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone, ResponseDone, Event) as stream:
            wire.deliver(DONE)
            assert await kinds_of(stream, 1) == [ResponseDone]
            assert await is_empty(stream)


async def test_two_subscriptions_share_the_events() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone) as one, connection.subscribe(Event) as two:
            wire.deliver(DONE)
            assert await one.receive() is await two.receive()


async def test_subscriptions_come_and_go() -> None:
    """Which classes go where is remembered, and forgotten when it changes."""
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone) as outer:
            wire.deliver(DONE)
            await arrived()
            async with connection.subscribe(ResponseDone) as inner:
                wire.deliver(DONE)
                assert await kinds_of(inner, 1) == [ResponseDone]
            wire.deliver(DONE)
            assert await kinds_of(outer, 3) == [ResponseDone] * 3
            assert [type(event) async for event in inner] == []
        assert not connection._lifetime.dispatcher._streams()[1:]


async def test_a_subscription_that_was_left_is_forgotten() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone) as stream:
            wire.deliver(DONE)
            await arrived()
        left = weakref.ref(stream)
        del stream
        gc.collect()
        assert left() is None


async def test_a_subscription_is_unregistered_whatever_happens() -> None:
    async with opened() as (connection, _):
        dispatcher = connection._lifetime.dispatcher
        before = len(dispatcher._streams())
        for error in (ValueError(), anyio.EndOfStream()):
            with pytest.raises(type(error)):
                async with connection.subscribe(ErrorEvent), connection.raw_frames():
                    raise error
        with anyio.CancelScope() as scope:
            async with connection.subscribe(ErrorEvent), connection.subscribe():
                scope.cancel()
                await anyio.sleep_forever()
        assert len(dispatcher._streams()) == before
        assert not dispatcher.claims_errors()


async def test_leaving_a_subscription_ends_it_for_who_still_waits() -> None:
    async with opened() as (connection, _), anyio.create_task_group() as tasks:
        async with connection.subscribe() as stream:
            tasks.start_soon(to_end, stream)
            await arrived()


async def test_a_subscription_that_was_not_entered_is_nothing() -> None:
    async with opened() as (connection, wire):
        connection.subscribe(ErrorEvent)
        connection.raw_frames()
        assert len(connection._lifetime.dispatcher._streams()) == 1
        wire.deliver(text(1))


@pytest.mark.parametrize(
    ("kinds", "options", "argument"),
    [
        (["ErrorEvent"], {}, "subscribe"),
        ([ErrorEvent | ResponseDone], {}, "subscribe"),
        ([ResponseCreate()], {}, "subscribe"),
        ([], {"max_events": 0}, "max_events="),
        ([], {"max_events": None}, "max_events="),
        ([], {"max_events": 1.5}, "max_events="),
        ([], {"max_bytes": 0}, "max_bytes="),
        ([], {"max_bytes": "1"}, "max_bytes="),
        ([], {"overflow": "block"}, "overflow="),
    ],
)
async def test_wrong_arguments(kinds: list[Any], options: dict[str, Any], argument: str) -> None:
    async with opened() as (connection, _):
        with pytest.raises(ConfigurationError, match=argument):
            connection.subscribe(*kinds, **options)
        if not kinds and "overflow" not in options:
            with pytest.raises(ConfigurationError, match=argument):
                connection.raw_frames(**options)


# Overflow concerns one stream


async def overflow(connection: Connection, stream: EventStream[Any]) -> tuple[int, str]:
    """How many events come before the end of a stream, and how it ends."""
    count = 0
    try:
        async for _ in stream:
            count += 1
    except StreamOverflow:
        return count, "overflow"
    return count, "end"


async def test_a_slow_stream_disturbs_no_other() -> None:
    async with opened() as (connection, wire):
        async with (
            connection.subscribe(max_events=3) as by_count,
            connection.subscribe(Event, max_bytes=2 * len(text(1))) as by_bytes,
            connection.raw_frames(max_events=4) as raw,
            connection.subscribe(Event) as patient,
        ):
            for number in range(10):
                wire.deliver(text(number))
                await arrived()
            await connection.send(ResponseCreate())
            await arrived()
            assert len(wire.sent) == 1
            wire.end(1000, "server")
            assert await overflow(connection, by_count) == (3, "overflow")
            assert await overflow(connection, by_bytes) == (2, "overflow")
            assert await overflow(connection, raw) == (4, "overflow")
            assert await overflow(connection, patient) == (10, "end")
            assert (await to_end(connection))[0] == list(map(str, range(10)))


async def test_a_subscription_that_was_not_read_yet_keeps_what_it_holds() -> None:
    """Entered, then something was awaited, and only then read: that is how they are used."""
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseOutputTextDelta, max_events=3) as deltas:
            wire.deliver(*map(text, range(5)))
            await arrived()
            texts, error = await to_end(deltas)
            assert texts == ["0", "1", "2"]
            assert isinstance(error, StreamOverflow)


async def test_a_subscription_may_drop() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(
            ResponseOutputTextDelta, max_events=2, overflow="drop_oldest"
        ) as deltas:
            wire.deliver(*map(text, range(5)))
            await arrived()
            received = [await deltas.receive() for _ in range(3)]
            assert received[0] == Dropped(3)
            assert [getattr(event, "delta", None) for event in received[1:]] == ["3", "4"]


async def test_bytes_of_a_subscription_are_those_of_its_events() -> None:
    async with opened() as (connection, wire):
        async with connection.subscribe(ResponseDone, max_bytes=2 * len(DONE)) as stream:
            wire.deliver(DONE, text("." * 10_000), DONE)
            await arrived()
            assert stream.held_bytes == 2 * len(DONE)
            assert await kinds_of(stream, 2) == [ResponseDone] * 2


# Raw frames


async def test_raw_frames_are_the_bytes_as_they_came() -> None:
    odd = b' {"type" : "response.output_text.delta",\n "delta":"\\u00e9" , "extra": [1.0]} '
    frames = [odd, UNKNOWN, GARBAGE, DRIFTED, b"", error_frame("response_cancel_not_active")]
    async with opened() as (connection, wire):
        async with connection.raw_frames() as raw:
            wire.deliver(*frames[:3])
            await arrived()
            wire.deliver(*frames[3:])
            assert [await raw.receive() for _ in frames] == frames
            assert await is_empty(raw)


async def test_raw_frames_begin_when_entered() -> None:
    async with opened() as (connection, wire):
        await arrived()
        frames = connection.raw_frames()
        stream = entered(frames)
        wire.deliver(text(1))
        assert await stream.receive() == text(1)
        await frames.__aexit__(None, None, None)


# The dispatcher by itself


async def test_a_stream_of_nothing_is_ended_once() -> None:
    dispatcher = Dispatcher(lambda: None)
    dispatcher.end(None)
    dispatcher.end(lambda: StreamOverflow("not this"))
    with dispatcher.stream((), max_events=1, max_bytes=1, overflow="raise") as stream:
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_publishing_to_nobody() -> None:
    dispatcher = Dispatcher(lambda: None)
    dispatcher.publish([CREATED], [], [])
    assert dispatcher.taken_at() == 0.0
    await dispatcher.give_way()


async def test_extra_turns_end_when_nobody_reads() -> None:
    """A backlog that does not shrink costs one turn, and is not waited for."""
    dispatcher = Dispatcher(lambda: None)
    size = 2**20 + 1
    with dispatcher.stream((), max_events=9, max_bytes=9 * size, overflow="raise") as stream:
        stream.put([object()], [size], size)
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(count)
            await checkpoint()
            turns = 0
            await dispatcher.give_way()
            assert turns <= 4
            tasks.cancel_scope.cancel()
