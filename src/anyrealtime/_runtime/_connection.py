"""The connection as the program sees it: its streams, its commands, its state.

Thin on purpose: each method names the room that does the work. Opening and closing are
`_open.py`'s.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, TypeVar, overload

import anyio

from anyrealtime._protocol._session import SessionState
from anyrealtime._protocol._usage import SessionUsage
from anyrealtime._runtime._handle import DEFAULT_MAX_BYTES, DEFAULT_MAX_EVENTS
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._mirror import Mirror
from anyrealtime._runtime._namespaces import (
    ConversationCommands,
    InputAudioBufferCommands,
    OutputAudioBufferCommands,
    ResponseCommands,
    SessionCommands,
)
from anyrealtime._runtime._plan import check_bounds
from anyrealtime._runtime._requests import Requests
from anyrealtime._runtime._respond import Responder
from anyrealtime._runtime._responding import Responding
from anyrealtime._runtime._stream import Dropped, EventStream, Overflow
from anyrealtime._runtime._tooling import Tooling
from anyrealtime._transport._base import Transport
from anyrealtime.errors import ConfigurationError, ProtocolViolation
from anyrealtime.events import ClientEvent, RateLimit, ServerEvent

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Connection(Responding, Tooling):
    """An open Realtime connection. Made by `open_realtime`, and usable inside its block only.

    `async for event in connection` gives every server event since the opening, in order.
    """

    def __init__(
        self,
        transport: Transport,
        lifetime: Lifetime,
        session: SessionState,
        requests: Requests,
        *,
        responder: Responder,
        mirror: Mirror,
        main: EventStream[ServerEvent] | None,
    ) -> None:
        self._transport = transport
        self._lifetime = lifetime
        self._requests = requests
        self._state = session
        self._responder = responder
        self._mirror = mirror
        self._main = main
        self.session: SessionCommands = SessionCommands(requests, session)
        self.conversation: ConversationCommands = ConversationCommands(requests, mirror)
        self.input_audio_buffer: InputAudioBufferCommands = InputAudioBufferCommands(
            requests, session
        )
        self.output_audio_buffer: OutputAudioBufferCommands = OutputAudioBufferCommands(requests)
        self.response: ResponseCommands = ResponseCommands(requests)

    @property
    def transport(self) -> Transport:
        """What carries the frames; `transport.raw` is the WebSocket library's own object."""
        return self._transport

    @property
    def usage(self) -> SessionUsage:
        """What the session has used so far: tokens of its responses, transcriptions apart.

        Cached tokens are input tokens, too. A snapshot: it does not change later.
        """
        return self._mirror.usage.session

    @property
    def rate_limits(self) -> Mapping[str, RateLimit]:
        """What the server last said about its rate limits, by name; empty if it said nothing."""
        return self._mirror.rate_limits

    # Receiving

    def __aiter__(self) -> EventStream[ServerEvent]:
        return self._main_stream().__aiter__()

    async def __anext__(self) -> ServerEvent:
        return await self._main_stream().__anext__()

    async def receive(self) -> ServerEvent:
        """The next event of the main stream.

        Cancelling loses nothing: the event is the next one then.

        Raises:
            anyio.EndOfStream: this side closed the connection, or the server did so cleanly.
            ConnectionClosed: the connection was lost.
            StreamOverflow: the main stream was not read fast enough.
        """
        return await self._main_stream().receive()

    def _main_stream(self) -> EventStream[ServerEvent]:
        if self._main is None:
            raise ProtocolViolation(
                "there is no main stream: open_realtime() was called with max_events=0; "
                "use connection.subscribe()"
            )
        return self._main

    @overload
    def subscribe(
        self, *, max_events: int = ..., max_bytes: int = ..., overflow: Literal["raise"] = ...
    ) -> AbstractAsyncContextManager[EventStream[ServerEvent]]: ...
    @overload
    def subscribe(
        self, *, max_events: int = ..., max_bytes: int = ..., overflow: Literal["drop_oldest"]
    ) -> AbstractAsyncContextManager[EventStream[ServerEvent | Dropped]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["raise"] = ...,
    ) -> AbstractAsyncContextManager[EventStream[A]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["raise"] = ...,
    ) -> AbstractAsyncContextManager[EventStream[A | B]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        kind3: type[C],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["raise"] = ...,
    ) -> AbstractAsyncContextManager[EventStream[A | B | C]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        kind3: type[C],
        kind4: type[D],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["raise"] = ...,
    ) -> AbstractAsyncContextManager[EventStream[A | B | C | D]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["drop_oldest"],
    ) -> AbstractAsyncContextManager[EventStream[A | B | Dropped]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        kind3: type[C],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["drop_oldest"],
    ) -> AbstractAsyncContextManager[EventStream[A | B | C | Dropped]]: ...
    @overload
    def subscribe(
        self,
        kind: type[A],
        kind2: type[B],
        kind3: type[C],
        kind4: type[D],
        /,
        *,
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["drop_oldest"],
    ) -> AbstractAsyncContextManager[EventStream[A | B | C | D | Dropped]]: ...
    @overload
    def subscribe(
        self,
        *kinds: type[A],
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["drop_oldest"],
    ) -> AbstractAsyncContextManager[EventStream[A | Dropped]]: ...
    @overload
    def subscribe(
        self,
        *kinds: type[A],
        max_events: int = ...,
        max_bytes: int = ...,
        overflow: Literal["raise"] = ...,
    ) -> AbstractAsyncContextManager[EventStream[A]]: ...

    def subscribe(
        self,
        *kinds: type[Any],
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        overflow: Overflow = "raise",
    ) -> AbstractAsyncContextManager[EventStream[Any]]:
        """A stream of its own for the events of these classes, subclasses included; of all without any.

        It begins when the block is entered, before anything is awaited. While a subscription
        that names `ErrorEvent` is open, an `error` event that answers no command is raised
        nowhere: it is this subscription's.

        Args:
            kinds: event classes, `UnknownEvent` and `InvalidEvent` among them.
            max_events: how many events the stream holds at most.
            max_bytes: how many bytes of frames it holds at most.
            overflow: what a full stream does: "raise" fails it with StreamOverflow after what
                it holds, "drop_oldest" loses the oldest and says how many by `Dropped`.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        for kind in kinds:
            if not isinstance(kind, type):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(f"subscribe() takes event classes, not {kind!r}")
        check_bounds(max_events, max_bytes, overflow)
        return self._subscription(kinds, max_events, max_bytes, overflow)

    @asynccontextmanager
    async def _subscription(
        self, kinds: tuple[type, ...], max_events: int, max_bytes: int, overflow: Overflow
    ) -> AsyncGenerator[EventStream[Any], None]:
        with self._lifetime.dispatcher.stream(
            kinds, max_events=max_events, max_bytes=max_bytes, overflow=overflow
        ) as stream:
            yield stream

    def raw_frames(
        self,
        *,
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        overflow: Literal["raise"] = "raise",
    ) -> AbstractAsyncContextManager[EventStream[bytes]]:
        """A stream of the frames as they came, for relays and recorders: nothing is converted.

        Bounds are as in `subscribe`.
        """
        check_bounds(max_events, max_bytes, overflow)
        return self._raw_subscription(max_events, max_bytes)

    @asynccontextmanager
    async def _raw_subscription(
        self, max_events: int, max_bytes: int
    ) -> AsyncGenerator[EventStream[bytes], None]:
        with self._lifetime.dispatcher.raw_stream(
            max_events=max_events, max_bytes=max_bytes, overflow="raise"
        ) as stream:
            yield stream

    # Sending

    async def send(self, event: ClientEvent) -> str:
        """Queue an event to be sent, and return its `event_id`; given one if it has none.

        Waits only while 1 MiB is queued already. An error that the server answers with
        names that id and follows the rules of unclaimed errors.

        Cancelling sends nothing; after it has returned, the event will be sent whole.

        Raises:
            ConfigurationError: this is no client event, or the dialect cannot say it.
            ConnectionClosed: the connection is over.
        """
        return await self._requests.send(event)

    async def request(self, event: ClientEvent, *, timeout: float | None = None) -> ServerEvent:
        """Send a command and return the event that answers it.

        The answer goes to streams, too. Cancelling gives up waiting: a command that was sent may
        still take effect, and the connection stays usable.

        Args:
            event: an item without an id gets one, and a response a tag in its metadata, by
                which the answer is known.
            timeout: seconds to wait; None is the connection's `ack_timeout`.

        Raises:
            RequestError: the server refused.
            AckTimeout: no answer came in time; the command may still take effect.
            ConnectionClosed: the connection is over.
            ProtocolViolation: nothing answers this event; nothing was sent.
            ConfigurationError: this is no client event, or the dialect cannot say it.
        """
        return await self._requests.request(event, timeout=timeout)

    # Closing

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Send what is queued, then CLOSE, and wait for the peer for the close timeout at most.

        Leaving the block does the same. Streams end after what they hold. Cancelling drops the
        connection at once.
        """
        try:
            with anyio.move_on_after(self._lifetime.close_timeout):
                await close_gracefully(self._lifetime, self._transport, code, reason)
        finally:
            self._transport.abort()


async def close_gracefully(
    lifetime: Lifetime, transport: Transport, code: int = 1000, reason: str = ""
) -> None:
    """Send what is queued, then CLOSE, and wait for the peer; the caller bounds it."""
    lifetime.leave()
    await lifetime.outbox.drained()
    await transport.aclose(code, reason)
