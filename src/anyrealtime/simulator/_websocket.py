"""One WebSocket, seen from the server: frames over an AnyIO byte stream.

The state machine is `websockets`' sans-I/O one, which has no loop of its own; so the same
code serves asyncio and Trio. One task writes, one reads. Knows no event and no JSON. It does
what a server should not do, too, when it is told to by a step of `_faults/_steps`.
"""

from __future__ import annotations

import http
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

import anyio
from anyio.abc import ByteStream, SocketAttribute
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from anyrealtime.simulator._faults._steps import (
    Freeze,
    Goodbye,
    Pause,
    Say,
    Scribble,
    Sever,
    Step,
    Throttle,
)
from anyrealtime.simulator._socket import Look, Refused, SocketMessage

READ_BYTES = 65_536
_NORMAL_CLOSE = 1000
_INVALID_DATA = 1007
HANDSHAKE_SECONDS = 10.0
SLICE_SECONDS = 0.02
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)


class Bell:
    """Wakes everybody who waits at the moment it rings."""

    def __init__(self) -> None:
        # Rung far more often than waited for: an event is made for who waits.
        self._event: anyio.Event | None = None

    def ring(self) -> None:
        """Wake who waits now."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait for the next ring. Cancelling leaves nothing behind."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


_Order: TypeAlias = Pause | Throttle | Freeze | Sever


class WebSocket:
    """The server's end of one connection; see `Socket`."""

    def __init__(self, stream: ByteStream, *, subprotocol: str, max_message_bytes: int) -> None:
        mine = Subprotocol(subprotocol)

        # The library makes a method of it, so it has to be a plain function.
        def choose(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
            return mine if mine in offered else None

        self._stream = stream
        self._protocol = ServerProtocol(select_subprotocol=choose, max_size=max_message_bytes)
        self._fragments: list[Frame] = []
        self._orders: list[bytes | _Order] = []
        self._unsent_bytes = 0
        self._bytes_per_second: float | None = None
        self._eof_due = False
        self._finished = False
        self._lost = False
        self._frozen = False
        self._hindered = False
        self._doomed = False
        self._to_write = Bell()
        self._written = Bell()

    # Opening

    async def handshake(self, look: Look, /) -> bool:
        """Answer the upgrade request; False if there was none or it was turned down.

        Steps that `look` causes are done before the answer. Runs before `write`. Cancelling
        leaves the request unanswered.
        """
        request = None
        with anyio.move_on_after(HANDSHAKE_SECONDS):
            request = await self._request()
        if request is None:
            await self._write_now()
            return False
        refused = look(request.path, list(request.headers.raw_items()))
        response = self._protocol.accept(request) if refused is None else self._refusal(refused)
        self._protocol.send_response(response)
        await self._write_now()
        return self.is_open

    def _refusal(self, refused: Refused) -> Response:
        response = self._protocol.reject(http.HTTPStatus.NOT_FOUND, refused.body)
        response.status_code = refused.status
        try:
            response.reason_phrase = http.HTTPStatus(refused.status).phrase
        except ValueError:
            response.reason_phrase = "Refused"
        for name, value in refused.headers:
            response.headers[name] = value
        return response

    async def _request(self) -> Request | None:
        while True:
            data = await self._read()
            if not data:
                return None
            self._protocol.receive_data(data)
            match self._protocol.events_received():
                case [Request() as request, *_]:
                    return request
                case _:
                    self._collect()
            if self._eof_due:
                return None

    # Reading

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent: upgraded, and nobody has said CLOSE."""
        return self._protocol.state is State.OPEN and not self._lost and not self._doomed

    @property
    def close_code(self) -> int | None:
        """The code of the peer's CLOSE frame, None before and without one."""
        return None if self._protocol.close_rcvd is None else self._protocol.close_rcvd.code

    @property
    def close_reason(self) -> str:
        """The reason of the peer's CLOSE frame."""
        return "" if self._protocol.close_rcvd is None else self._protocol.close_rcvd.reason

    async def receive(self) -> list[SocketMessage] | None:
        """Wait for bytes and return the messages they complete; None when there will be no more.

        PING is answered in here. Cancelling loses nothing.
        """
        if self._protocol.close_rcvd is not None:
            return None
        data = await self._read()
        if not data:
            return None
        self._protocol.receive_data(data)
        return self._messages()

    def _messages(self) -> list[SocketMessage]:
        messages: list[SocketMessage] = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _DATA:
                self._fragments.append(event)
                if event.fin:
                    messages += self._assembled()
        self._collect()
        return messages

    def _assembled(self) -> list[SocketMessage]:
        frames, self._fragments = self._fragments, []
        data = b"".join(frame.data for frame in frames)
        if frames[0].opcode is not Opcode.TEXT:
            return [SocketMessage(data, is_text=False)]
        try:
            data.decode()
        except UnicodeDecodeError:
            self._protocol.fail(_INVALID_DATA, "text that is not UTF-8")
            return []
        return [SocketMessage(data, is_text=True)]

    async def _read(self) -> bytes:
        try:
            data = await self._stream.receive(READ_BYTES)
        except _GONE:
            self._protocol.receive_eof()
            return b""
        if self._frozen:
            await anyio.sleep_forever()
        return data

    # Writing

    def close(self, code: int | None = _NORMAL_CLOSE, reason: str = "") -> None:
        """Queue a CLOSE frame behind what is queued; the peer's is still waited for."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._collect()

    def do(self, step: Step) -> None:
        """Queue a step; nothing happens once the connection is over."""
        if self._lost or self._doomed:
            return
        match step:
            case Say(data=data, size_bytes=size):
                self._send_text(data, len(data) if size is None else size)
            case Scribble(data=data):
                self._queue(data)
            case Goodbye(code=code, reason=reason):
                self._say_goodbye(code, reason)
            case Freeze():
                self._frozen = True
                self._queue(step)
            case Sever():
                self._doomed = True
                self._queue(step)
            case Pause() | Throttle():
                self._hindered = True
                self._queue(step)

    def _send_text(self, data: bytes, size: int) -> None:
        if not self.is_open:
            return
        self._protocol.send_text(data[:size], fin=size >= len(data))
        for start in range(size, len(data), size or 1):
            piece = data[start : start + size]
            self._protocol.send_continuation(piece, fin=start + size >= len(data))
        self._collect()

    def _say_goodbye(self, code: int | None, reason: str) -> None:
        try:
            self.close(code, reason)
        except ProtocolError:  # a code that must not be on the wire: so it goes round the library
            assert code is not None  # saying none is always legal
            payload = code.to_bytes(2, "big") + reason.encode()
            self._queue(Frame(Opcode.CLOSE, payload).serialize(mask=False))
            self._doomed = True

    async def drain(self, limit_bytes: int) -> None:
        """Wait until at most `limit_bytes` are queued. Cancelling leaves the queue as it is."""
        while self._unsent_bytes > limit_bytes and not self._lost:
            await self._written.wait()

    async def catch_up(self) -> None:
        """Wait while a step that takes time holds back what is queued, and not otherwise."""
        while self._hindered and self._unsent_bytes and not (self._lost or self._frozen):
            await self._written.wait()

    async def write(self) -> None:
        """Send what is queued, for as long as the connection lasts."""
        while not self._finished and not self._lost:
            if not self._orders and not self._eof_due:
                await self._to_write.wait()
            await self._write_now()

    async def aclose(self) -> None:
        """Drop the connection without a word, whatever its state. Waits for nobody."""
        await anyio.aclose_forcefully(self._stream)

    async def _write_now(self) -> None:
        self._collect()
        orders, self._orders = self._orders, []
        due = sum(len(order) for order in orders if isinstance(order, bytes))
        chunks: list[bytes] = []
        try:
            for order in orders:
                if isinstance(order, bytes):
                    chunks.append(order)
                    continue
                await self._send(chunks)
                await self._carry_out(order)
                if self._finished or self._lost:
                    return
            await self._send(chunks)
            if self._eof_due and not self._orders:
                await self._end()
        except (*_GONE, OSError):  # half-closing a reset socket is an OSError on Trio
            await self._let_go()
        finally:
            self._unsent_bytes -= due
            self._written.ring()

    async def _send(self, chunks: list[bytes]) -> None:
        """Send what the chunks hold, and empty the list."""
        data = b"".join(chunks)
        chunks.clear()
        if self._bytes_per_second is None:
            if data:
                await self._stream.send(data)
            return
        size = max(1, int(self._bytes_per_second * SLICE_SECONDS))
        for start in range(0, len(data), size):
            part = data[start : start + size]
            await self._stream.send(part)
            await anyio.sleep(len(part) / self._bytes_per_second)

    async def _carry_out(self, order: _Order) -> None:
        match order:
            case Pause(seconds=seconds):
                await anyio.sleep(seconds)
            case Throttle(bytes_per_second=rate):
                self._bytes_per_second = rate
            case Freeze():
                await anyio.sleep_forever()
            case Sever(reset=True):
                # With this, closing drops what is unsent and sends RST in its place.
                raw = self._stream.extra(SocketAttribute.raw_socket)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await self._let_go()
            case Sever():
                await self._end()

    async def _end(self) -> None:
        """Half-close, after which nothing is sent any more."""
        self._finished = True
        # TLS has no half-close; there the stream is closed soon after.
        with suppress(NotImplementedError):
            await self._stream.send_eof()

    async def _let_go(self) -> None:
        self._lost = True
        # The reader may not have noticed: this end is what it waits on.
        await self.aclose()

    def _queue(self, order: bytes | _Order) -> None:
        self._orders.append(order)
        if isinstance(order, bytes):
            self._unsent_bytes += len(order)
        self._to_write.ring()

    def _collect(self) -> None:
        """Move what the state machine wants sent to the queue."""
        for data in self._protocol.data_to_send():
            if data:
                self._queue(data)
            else:
                self._eof_due = True
        if self._eof_due:
            self._to_write.ring()


_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
