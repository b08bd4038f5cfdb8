"""The default transport: the sans-I/O core of `websockets` over an AnyIO byte stream.

Holds the stream and the tasks that write to it and watch it; frames are `_frames.py`'s, the
upgrade is `_handshake.py`'s, dialling is `_dial.py`'s, the socket itself `_tcp.py`'s. One task
alone writes, PONG and CLOSE included, and only `abort` cancels it.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

import anyio
from anyio.abc import ByteStream, TaskGroup
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled
from anyio.streams.tls import TLSAttribute, TLSStream
from websockets.client import ClientProtocol
from websockets.protocol import State

from anyrealtime._transport._base import ABNORMAL, TransportClosed, TransportOptions
from anyrealtime._transport._dial import dial
from anyrealtime._transport._endpoint import Endpoint, redirect_target
from anyrealtime._transport._frames import FrameReader
from anyrealtime._transport._handshake import Redirected, make_protocol, upgrade
from anyrealtime._transport._http import MAX_REDIRECTS
from anyrealtime._transport._tcp import READ_BYTES
from anyrealtime._transport._unsent import Unsent
from anyrealtime.errors import ConnectFailed

_RECORD_BYTES: Final = 16 * 2**10  # what a TLS record holds at most (RFC 8446, 5.1)
_HIGH_WATER_BYTES: Final = 256 * 2**10  # queued for the socket; above it `send` waits


async def open_anyio(
    endpoint: Endpoint, options: TransportOptions, tasks: TaskGroup
) -> AnyioTransport:
    """Dial, upgrade and start the transport's tasks in `tasks`.

    Cancelling closes the socket and leaves nothing behind.

    Raises:
        ConnectFailed: the server cannot be reached, refuses, or redirects to another origin.
    """
    for _ in range(MAX_REDIRECTS + 1):
        stream = await dial(endpoint, options)
        try:
            protocol = make_protocol(endpoint, options.max_message_bytes)
            rest = await upgrade(stream, protocol, endpoint)
        except Redirected as redirect:
            await anyio.aclose_forcefully(stream)
            endpoint = redirect_target(endpoint, redirect.location, status=redirect.status)
        except anyio.BrokenResourceError as exc:
            await anyio.aclose_forcefully(stream)
            raise ConnectFailed("the connection was lost during the WebSocket handshake") from exc
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise
        else:
            return AnyioTransport(stream, protocol, rest, options, tasks)
    raise ConnectFailed(f"the server redirected more than {MAX_REDIRECTS} times")


class AnyioTransport:
    """See `Transport`: what each method promises is written there."""

    def __init__(
        self,
        stream: ByteStream,
        protocol: ClientProtocol,
        received: bytes,
        options: TransportOptions,
        tasks: TaskGroup,
    ) -> None:
        self._stream = stream
        self._protocol = protocol
        self._close_timeout = options.close_timeout
        self._frames = FrameReader(protocol, options.max_message_bytes)
        self._tls = _ssl_object(stream)
        self._reading = False  # one task at a time reads the socket
        self._eof = False
        self._turn: anyio.Event | None = None  # set when the read under way has been handled
        self._last_read = anyio.current_time()
        self._unsent = Unsent()
        self._wake_writer: anyio.Event | None = None
        self._room: anyio.Event | None = None
        self._scope = anyio.CancelScope(shield=True)  # ends only through `abort`
        self._closing = False
        self._closed = anyio.Event()  # the socket is closed
        if received:
            self._frames.feed(received)
            self._flush()
        tasks.start_soon(self._run, options, name="anyrealtime socket")

    @property
    def raw(self) -> ClientProtocol:
        return self._protocol

    async def receive(self) -> list[bytes]:
        await checkpoint_if_cancelled()
        frames = self._frames
        while not frames.messages:
            if frames.ending is not None:
                raise frames.ending.again()
            await self._read()
        return frames.take()

    async def send(self, frames: Sequence[bytes]) -> None:
        await checkpoint_if_cancelled()
        while self._unsent.size_bytes > _HIGH_WATER_BYTES and self._frames.ending is None:
            self._room = anyio.Event()
            await self._room.wait()
        self._raise_if_over()
        send_text = self._protocol.send_text
        for frame in frames:
            send_text(frame)
        self._flush()

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        if self._closing:
            await self._closed.wait()
            return
        self._closing = True
        try:
            with anyio.move_on_after(self._close_timeout):
                if self._protocol.state is State.OPEN and self._frames.ending is None:
                    self._protocol.send_close(code, reason)
                    self._flush()
                while not self._eof:
                    await self._read()
        finally:
            self.abort()
        await self._closed.wait()

    def abort(self) -> None:
        self._closing = True
        sent = self._protocol.close_sent
        self._end(sent.code if sent else ABNORMAL, "aborted", by_us=True)
        self._scope.cancel()

    # Reading

    async def _read(self) -> None:
        """Wait for one read to be handled, by this task or by the one that is reading."""
        if self._reading:
            self._turn = self._turn or anyio.Event()
            await self._turn.wait()
            return
        self._reading = True
        try:
            data = await self._stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            self._at_eof("")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as exc:
            self._at_eof(str(exc.__cause__ or exc) or type(exc).__name__)
        else:
            self._last_read = anyio.current_time()
            self._frames.feed(data)
            if self._tls is not None:
                self._feed_records(self._tls)
            self._flush()
        finally:
            self._reading = False
            if self._turn is not None:
                self._turn.set()
                self._turn = None
        if self._frames.ending is not None:
            self._make_room()

    def _feed_records(self, tls: ssl.SSLObject) -> None:
        """Take every record that has been received already: AnyIO returns one a call."""
        try:
            while record := tls.read(_RECORD_BYTES):
                self._frames.feed(record)
        except ssl.SSLError:
            pass  # no more for now, or an error that the next receive reports

    def _at_eof(self, why: str) -> None:
        self._eof = True
        if why:
            self._end(ABNORMAL, why, by_us=False)
        else:
            self._frames.feed_eof()

    def _end(self, code: int, reason: str, *, by_us: bool) -> None:
        if self._frames.ending is None:
            if by_us:
                self._frames.ending = TransportClosed(code, reason, "client")
            else:
                self._frames.end(code, reason)
        self._make_room()

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()

    def _raise_if_over(self) -> None:
        if self._frames.ending is not None:
            raise self._frames.ending.again()
        sent = self._protocol.close_sent
        if sent is not None:
            raise TransportClosed(sent.code, sent.reason, "client")

    # Writing and watching: the transport's own tasks

    def _flush(self) -> None:
        """Hand what the library wants to send to the writer."""
        for data in self._protocol.data_to_send():
            self._unsent.put(data)
        if self._unsent and self._wake_writer is not None:
            self._wake_writer.set()

    async def _run(self, options: TransportOptions) -> None:
        """Write, and watch, until `abort`; then close the socket."""
        try:
            with self._scope:
                async with anyio.create_task_group() as own:
                    if options.ping_interval is not None:
                        own.start_soon(
                            self._keep_alive, options.ping_interval, options.ping_timeout
                        )
                    await self._write()
        finally:
            with anyio.CancelScope(shield=True):  # bounded: closing by force never waits
                await anyio.aclose_forcefully(self._stream)
            self._closed.set()

    async def _write(self) -> None:
        while True:
            if not self._unsent:
                self._wake_writer = anyio.Event()
                await self._wake_writer.wait()
                self._wake_writer = None
            data = self._unsent.take()
            try:
                await self._stream.send(data)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                await anyio.sleep_forever()  # the reader finds out why, after what came before
            self._unsent.written(len(data))
            self._make_room()

    async def _keep_alive(self, interval: float, timeout: float | None) -> None:
        """Send PING into silence; without any byte in `timeout` after it, drop the connection."""
        while True:
            silence = anyio.current_time() - self._last_read
            if silence < interval:
                await anyio.sleep(interval - silence)
                continue
            if self._protocol.state is not State.OPEN:
                return
            self._protocol.send_ping(b"")
            self._flush()
            asked = anyio.current_time()
            await anyio.sleep(interval if timeout is None else timeout)
            for _ in range(3):  # a loop that was blocked must get to read what has arrived
                await checkpoint()
            if timeout is not None and self._last_read < asked:
                self._end(ABNORMAL, "keepalive ping timeout", by_us=False)
                self.abort()
                return


def _ssl_object(stream: ByteStream) -> ssl.SSLObject | None:
    return stream.extra(TLSAttribute.ssl_object) if isinstance(stream, TLSStream) else None
