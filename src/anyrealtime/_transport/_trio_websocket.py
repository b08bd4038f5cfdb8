"""The transport over `trio-websocket`: the only file that knows Trio or that package.

The library does frames and the upgrade; reading ahead, keepalive, closing and the bound of a
message are done here. A connection that we open reads and writes through a stream of ours
(`Wire`), which never makes it wait; one that is handed in keeps its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, cast

import anyio
import trio
from anyio.abc import ByteStream, TaskGroup
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)

from anyrealtime._transport._base import ABNORMAL, Transport, TransportClosed, TransportOptions
from anyrealtime._transport._dial import dial
from anyrealtime._transport._endpoint import Endpoint, redirect_target, scrub
from anyrealtime._transport._http import MAX_REDIRECTS, REDIRECTS, refusal
from anyrealtime._transport._tcp import READ_BYTES
from anyrealtime._transport._wire import Wire
from anyrealtime.errors import ConfigurationError, ConnectFailed

_QUEUED_MESSAGES: Final = 64  # in the library; a task of ours moves them on at once
_INBOX_BYTES: Final = READ_BYTES  # not taken by `receive`; above it the socket is not read
_OUTBOX_BYTES: Final = 2**20  # not sent; above it `send` waits
_BODY_PATIENCE: Final = 1.0  # seconds given to the body of a refusal, which explains it
_TOO_BIG: Final = 1009  # RFC 6455, 7.4.1
_NO_CLOSE: Final = "the connection ended without a CLOSE frame"

_Reader = Callable[[], Awaitable[None]]


async def open_trio_websocket(
    endpoint: Endpoint, options: TransportOptions, tasks: TaskGroup
) -> Transport:
    """Dial, upgrade and start the transport's tasks in `tasks`.

    Cancelling closes the socket and leaves nothing behind.

    Raises:
        ConfigurationError: this is not Trio; nothing was opened.
        ConnectFailed: the server cannot be reached, refuses, or redirects to another origin.
    """
    _require_trio()
    for _ in range(MAX_REDIRECTS + 1):
        transport = _TrioTransport(options, await dial(endpoint, options))
        try:
            elsewhere = await transport.upgrade(endpoint, tasks)
        except BaseException:
            transport.abort()
            raise
        if elsewhere is None:
            return transport
        transport.abort()
        endpoint = elsewhere
    raise ConnectFailed(f"{endpoint.address} redirected more than {MAX_REDIRECTS} times")


async def wrap_trio_websocket(
    connection: WebSocketConnection, options: TransportOptions, tasks: TaskGroup
) -> Transport:
    """Take over a connection that the caller has opened; closing it is ours from now on.

    Its keepalive, its bounds and its reader stay the library's, and so does what becomes of a
    PING behind unread messages. Who ended it is a guess: the library does not tell.
    Cancelled here, the connection stays the caller's.

    Raises:
        ConfigurationError: this is not Trio.
    """
    _require_trio()
    await trio.lowlevel.checkpoint()
    transport = _TrioTransport(options, None)
    transport.take_over(connection, tasks)
    return transport


def _require_trio() -> None:
    if not trio.lowlevel.in_trio_task():
        raise ConfigurationError(
            'transport= "trio-websocket" runs on Trio only; use "anyio", which runs on both'
        )


class _TrioTransport:
    """See `Transport`: what each method promises is written there."""

    def __init__(self, options: TransportOptions, stream: ByteStream | None) -> None:
        self._options = options
        self._connection: WebSocketConnection | None = None
        self._wire: Wire | None = None  # a connection handed in has its own
        if stream is not None:
            self._wire = Wire(
                stream,
                options.max_message_bytes,
                deliver=self._put,
                turn=self._wait_for_turn,
                on_unsent=self._wake_writer,
            )
        self._inbox: list[bytes] = []
        self._inbox_bytes = 0
        self._taken = 0  # messages that came out of the library
        self._outbox: list[str] = []
        self._outbox_bytes = 0  # until they are in the socket
        self._ending: TransportClosed | None = None
        self._said: TransportClosed | None = None  # what we say when it is us who close
        self._bug: Exception | None = None  # what the library's reader died of
        self._arrived = trio.lowlevel.ParkingLot()  # waits for a message, or for room for one
        self._work = trio.lowlevel.ParkingLot()  # waits for something to send
        self._room = trio.lowlevel.ParkingLot()  # waits for something to have been sent
        self._opening = trio.CancelScope()  # around the upgrade: it may never be answered
        self._opened = trio.Event()
        self._ended = trio.Event()  # the library has no more messages
        self._reader_done = trio.Event()  # only of a connection that we opened
        self._eof = trio.Event()
        self._scope = trio.CancelScope(shield=True)  # ends only through `abort`
        self._goodbye = trio.CancelScope()  # around what `aclose` waits for
        self._closing = False
        self._closed = trio.Event()  # the socket is closed

    @property
    def raw(self) -> WebSocketConnection:
        assert self._connection is not None
        return self._connection

    async def receive(self) -> list[bytes]:
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self._inbox:
            if self._ending is not None:
                raise self._ending.again()
            await self._arrived.park()
        messages, self._inbox, self._inbox_bytes = self._inbox, [], 0
        self._arrived.unpark_all()
        return messages

    async def send(self, frames: Sequence[bytes]) -> None:
        texts = [frame.decode() for frame in frames]
        await trio.lowlevel.checkpoint()
        while self._outbox_bytes > _OUTBOX_BYTES and not (self._ending or self._said):
            await self._room.park()
        ending = self._ending or self._said
        if ending is not None:
            raise ending.again()
        self._outbox += texts
        self._outbox_bytes += sum(map(len, frames))
        self._wake_writer()

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        first, self._closing = not self._closing, True
        try:
            if first:
                self._goodbye.deadline = trio.current_time() + self._options.close_timeout
                with self._goodbye:
                    await self._say_goodbye(code, reason)
                self.abort()
            await self._closed.wait()
        finally:
            self.abort()

    def abort(self) -> None:
        self._settle(TransportClosed(ABNORMAL, "aborted", "client"))
        self._scope.cancel()
        self._goodbye.cancel()

    # Opening

    async def upgrade(self, endpoint: Endpoint, tasks: TaskGroup) -> Endpoint | None:
        """Become a WebSocket; or return where a redirect points, then to be aborted."""
        assert self._wire is not None
        headers = [pair for pair in endpoint.headers if pair[0].lower() != "host"]
        self._wire.on_refusal = self._limit_refusal

        def start(reader: _Reader) -> None:
            tasks.start_soon(self._run, reader, name="anyrealtime socket")

        with self._opening:
            self._connection = await wrap_client_stream(
                cast("trio.Nursery", _Starter(start)),
                cast("trio.SocketStream", self._wire),
                endpoint.authority,
                endpoint.target,
                subprotocols=endpoint.subprotocols,
                extra_headers=[(name.encode(), value.encode()) for name, value in headers],
                message_queue_size=_QUEUED_MESSAGES,
                max_message_size=self._options.max_message_bytes,
                receive_buffer_size=READ_BYTES,  # its own 4 KiB cost a system call per event
            )
            self._opened.set()
            return None
        return self._not_opened(endpoint, self._wire)

    def take_over(self, connection: WebSocketConnection, tasks: TaskGroup) -> None:
        """Begin with a connection that is open."""
        self._connection = connection
        self._opened.set()
        tasks.start_soon(self._run, None, name="anyrealtime socket")

    def _limit_refusal(self) -> None:
        self._opening.deadline = trio.current_time() + _BODY_PATIENCE

    def _not_opened(self, endpoint: Endpoint, wire: Wire) -> Endpoint:
        """Where a redirect points; whatever else kept the upgrade from happening is raised."""
        head, bug = wire.head, self._bug
        if head is not None and head.status != 101:
            location = head.headers.get("location")
            if head.status in REDIRECTS and location:
                return redirect_target(endpoint, location, status=head.status)
            body = bug.body if isinstance(bug, ConnectionRejected) else wire.body
            text = (body or b"").decode("utf-8", "replace")
            raise refusal(endpoint, head.status, text, head.headers.get("retry-after"))
        if bug is not None:
            cause: BaseException = bug
            while cause.__context__ is not None:  # it died of its answer to the server's mistake
                cause = cause.__context__
            why = scrub(str(cause), endpoint)
            raise ConnectFailed(
                f"{endpoint.address} did not answer as a WebSocket server: {why}"
            ) from cause
        lost = f": {wire.lost}" if wire.lost else ""
        raise ConnectFailed(
            f"{endpoint.address} closed the connection during the WebSocket handshake{lost}"
        )

    # Ending

    async def _say_goodbye(self, code: int, reason: str) -> None:
        """Send what is queued, then CLOSE; wait for the peer's, or for its end."""
        if self._ending is None:
            self._said = TransportClosed(code, reason, "client")
            self._room.unpark_all()
            await self._all_sent()
            if self._wire is None:
                await self.raw.aclose(code, reason or None)
            else:
                # Not the library's own CLOSE: that would discard what has arrived, and a PING
                # after it would kill its reader.
                self._wire.say_close(code, reason)
        await self._all_sent()
        await self._ended.wait()
        if self._wire is not None and self._wire.fault:
            await self._eof.wait()  # closing over unread bytes would take our CLOSE back

    async def _all_sent(self) -> None:
        while self._outbox_bytes or (self._wire is not None and self._wire.unsent.size_bytes):
            await self._room.park()

    def _settle(self, ending: TransportClosed) -> None:
        """Record how it ended, unless that is known, and wake whoever waits."""
        if self._ending is None:
            self._ending = self._said or ending
        self._arrived.unpark_all()
        self._room.unpark_all()

    def _verdict(self, reason: CloseReason | None) -> TransportClosed:
        """Who ended it, and how, as far as the library's word goes."""
        wire = self._wire
        if reason is None:
            why = f": {self._bug!r}" if self._bug is not None else ""
            return TransportClosed(ABNORMAL, f"trio-websocket's reader failed{why}", "network")
        code, text = int(reason.code), reason.reason or ""
        if wire is None:
            if code == ABNORMAL:
                return TransportClosed(code, text or _NO_CLOSE, "network")
            # The reason is the library's own, and the only sign that it was not the peer's.
            own = code == _TOO_BIG and text.startswith("Exceeded maximum message size")
            return TransportClosed(code, text, "client" if own else "server")
        if code != ABNORMAL and wire.answered_close:
            return TransportClosed(code, text, "server")
        if code != ABNORMAL:
            wire.fail(code, text)  # a frame was wrong: the library keeps that to itself
        if wire.fault is not None:
            return TransportClosed(*wire.fault, "client")
        return TransportClosed(ABNORMAL, wire.lost or _NO_CLOSE, "network")

    # The transport's own tasks

    async def _run(self, reader: _Reader | None) -> None:
        """Read, write and watch until `abort`; then close the socket. Never raises."""
        try:
            with self._scope:
                async with trio.open_nursery() as own:
                    own.start_soon(self._write)
                    if reader is not None:
                        own.start_soon(self._read, reader)
                    await self._opened.wait()
                    if self._wire is not None and self._options.ping_interval is not None:
                        own.start_soon(self._keep_alive, self._wire, self._options.ping_interval)
                    await self._take()
        except Exception as exc:
            self._settle(TransportClosed(ABNORMAL, f"a bug in anyrealtime: {exc!r}", "network"))
            self._scope.cancel()
        finally:
            with trio.CancelScope(shield=True):  # bounded: closing by force never waits
                await self._close_socket()
            self._closed.set()

    async def _close_socket(self) -> None:
        if self._wire is not None:
            await anyio.aclose_forcefully(self._wire.stream)
            return
        await trio.aclose_forcefully(self.raw)
        # That does nothing once the peer has sent CLOSE, and no public call would close it then.
        stream: object = getattr(self.raw, "_stream", None)
        if isinstance(stream, trio.abc.AsyncResource):
            await trio.aclose_forcefully(stream)

    async def _read(self, reader: _Reader) -> None:
        """Run the library's reader, which must end nobody but itself."""
        assert self._wire is not None
        try:
            await reader()
        except Exception as exc:
            self._bug = exc
        self._reader_done.set()
        self._opening.cancel()
        await self._wire.drain()
        self._eof.set()

    async def _take(self) -> None:
        """Move messages from the library, which stops reading behind a few, to the inbox."""
        get_message = self.raw.get_message
        try:
            while True:
                message = await get_message()
                self._taken += 1
                self._put([message.encode() if isinstance(message, str) else message])
                while self._inbox_bytes > _INBOX_BYTES:
                    await self._arrived.park()
        except ConnectionClosed as closed:
            if closed.reason is None and self._wire is not None:
                await self._reader_done.wait()  # it is dying, and then tells of what
            self._settle(self._verdict(closed.reason))
        self._ended.set()
        self._arrived.unpark_all()

    def _put(self, messages: list[bytes]) -> None:
        self._inbox += messages
        self._inbox_bytes += sum(map(len, messages))
        self._arrived.unpark_all()

    async def _wait_for_turn(self, passed_on: int) -> bool:
        """Wait until the inbox has room, and all that was passed on to the library is in it.

        False once the library has no more messages: then none may follow.
        """
        while not self._ended.is_set():
            if self._inbox_bytes <= _INBOX_BYTES and self._taken >= passed_on:
                return True
            await self._arrived.park()
        return False

    def _wake_writer(self) -> None:
        self._work.unpark_all()

    async def _write(self) -> None:
        """Send what is queued: the one task that writes to the socket of a connection we opened."""
        wire = self._wire
        while True:
            while not self._outbox and not (wire is not None and wire.unsent):
                await self._work.park()
            texts, self._outbox = self._outbox, []
            size = self._outbox_bytes
            try:
                for text in texts:
                    await self.raw.send_message(text)
            except ConnectionClosed:
                pass  # why, is found by the task that takes messages
            if wire is not None:
                await wire.flush()
            self._outbox_bytes -= size
            self._room.unpark_all()

    async def _keep_alive(self, wire: Wire, interval: float) -> None:
        """Send PING into silence; without any byte in time after it, drop the connection."""
        timeout = self._options.ping_timeout
        while self._ending is None and self._said is None:
            silence = trio.current_time() - wire.last_heard
            if silence < interval or self._inbox_bytes > _INBOX_BYTES:  # then it is us
                await trio.sleep(interval - silence if silence < interval else interval)
                continue
            asked = trio.current_time()
            with trio.move_on_after(interval if timeout is None else timeout):
                try:
                    await self.raw.ping()
                except ConnectionClosed:
                    return
            await trio.lowlevel.checkpoint()  # a loop that was blocked must get to read first
            if timeout is not None and wire.last_heard < asked:
                self._settle(TransportClosed(ABNORMAL, "keepalive ping timeout", "network"))
                self.abort()


class _Starter:
    """What the library takes for a nursery: it starts one task in it, its reader."""

    def __init__(self, start: Callable[[_Reader], None]) -> None:
        self.start_soon = start
