"""One WebSocket, seen from the server: frames over an AnyIO byte stream.

The state machine is `websockets`' sans-I/O one, which has no loop of its own; so the same
code serves asyncio and Trio. One task writes, one reads. Knows no event and no JSON.
"""

from __future__ import annotations

import http
from collections.abc import Sequence

import anyio
from anyio.abc import ByteStream
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from anyrealtime.simulator._socket import Look, SocketMessage

READ_BYTES = 65_536
_NORMAL_CLOSE = 1000
_INVALID_DATA = 1007
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)


class Bell:
    """Wakes everybody who waits at the moment it rings."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def ring(self) -> None:
        """Wake who waits now."""
        self._event.set()
        self._event = anyio.Event()

    async def wait(self) -> None:
        """Wait for the next ring. Cancelling leaves nothing behind."""
        await self._event.wait()


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
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._eof_due = False
        self._lost = False
        self._to_write = Bell()
        self._written = Bell()

    # Opening

    async def handshake(self, look: Look, /) -> bool:
        """Answer the upgrade request; False if there was none or it was turned down.

        What leads nowhere is answered with HTTP 404. Runs before `write`. Cancelling leaves
        the request unanswered.
        """
        request = await self._request()
        if request is None:
            await self._write_now()
            return False
        headers: Headers = request.headers
        reason = look(request.path, list(headers.raw_items()))
        if reason is None:
            response = self._protocol.accept(request)
        else:
            response = self._protocol.reject(http.HTTPStatus.NOT_FOUND, reason)
        self._protocol.send_response(response)
        await self._write_now()
        return self.is_open

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
        return self._protocol.state is State.OPEN and not self._lost

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
            return await self._stream.receive(READ_BYTES)
        except _GONE:
            self._protocol.receive_eof()
            return b""

    # Writing

    def send_text(self, data: bytes) -> None:
        """Queue a text message; nothing happens once either side has said CLOSE."""
        if self.is_open:
            self._protocol.send_text(data)
            self._collect()

    def close(self, code: int = _NORMAL_CLOSE, reason: str = "") -> None:
        """Queue a CLOSE frame behind what is queued; the peer's is still waited for."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._collect()

    async def drain(self, limit_bytes: int) -> None:
        """Wait until at most `limit_bytes` are queued. Cancelling leaves the queue as it is."""
        while self._unsent_bytes > limit_bytes and not self._lost:
            await self._written.wait()

    async def write(self) -> None:
        """Send what is queued, for as long as the connection lasts."""
        while not self._eof_due and not self._lost:
            if not self._unsent:
                await self._to_write.wait()
            await self._write_now()

    async def aclose(self) -> None:
        """Drop the connection without a word, whatever its state. Waits for nobody."""
        await anyio.aclose_forcefully(self._stream)

    async def _write_now(self) -> None:
        self._collect()
        chunks, self._unsent = self._unsent, []
        try:
            if chunks:
                await self._stream.send(b"".join(chunks))
            if self._eof_due and not self._unsent:
                await self._stream.send_eof()
        except (*_GONE, OSError):  # half-closing a reset socket is an OSError on Trio
            self._lost = True
            # The reader may not have noticed: this end is what it waits on.
            await self.aclose()
        except NotImplementedError:
            pass  # TLS has no half-close; the stream is closed soon after
        finally:
            self._unsent_bytes -= sum(map(len, chunks))
            self._written.ring()

    def _collect(self) -> None:
        """Move what the state machine wants sent to the queue."""
        for data in self._protocol.data_to_send():
            if data:
                self._unsent.append(data)
                self._unsent_bytes += len(data)
            else:
                self._eof_due = True
        if self._unsent or self._eof_due:
            self._to_write.ring()


_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
