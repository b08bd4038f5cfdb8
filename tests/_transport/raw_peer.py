"""A scripted WebSocket server that speaks bytes, so that it can misbehave at will.

It knows the framing of RFC 6455 and nothing of the libraries under test. It does what the
test tells it and nothing else: no PONG, no echo of CLOSE and no end of the connection comes
by itself. Waits are bounded by the test that uses it.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from anyio.streams.tls import TLSStream

CONT: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_READ_BYTES: Final = 256 * 2**10
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class PeerGone(Exception):
    """The client ended the byte stream: by FIN (`clean`) or by a reset."""

    def __init__(self, *, clean: bool) -> None:
        super().__init__("the client closed the connection" if clean else "the client reset it")
        self.clean = clean


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame the client sent, unmasked."""

    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def close(self) -> tuple[int, str]:
        """The code and the reason of a CLOSE frame; 1005 stands for none."""
        assert self.opcode == CLOSE
        if not self.payload:
            return 1005, ""
        return int.from_bytes(self.payload[:2], "big"), self.payload[2:].decode()


@dataclass(frozen=True, slots=True)
class Request:
    """The client's half of the upgrade. Header names are in lower case, repeated ones joined."""

    target: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def accept(self) -> str:
        """The only right value of Sec-WebSocket-Accept for this request."""
        key = self.headers["sec-websocket-key"].encode()
        return base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()


def frame(
    payload: bytes | str = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """One frame as bytes. `length` is what the header claims, `rsv` the three reserved bits."""
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data) if length is None else length
    first = fin << 7 | rsv << 4 | opcode
    masked = 0 if mask is None else 0x80
    if size < 126:
        head = struct.pack("!BB", first, masked | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    return head + data if mask is None else head + mask + _xor(data, mask)


def close_frame(code: int | None = None, reason: bytes | str = b"") -> bytes:
    """A CLOSE frame; without `code` an empty one."""
    said = reason.encode() if isinstance(reason, str) else reason
    return frame(b"" if code is None else code.to_bytes(2, "big") + said, CLOSE)


def _xor(data: bytes, mask: bytes) -> bytes:
    """Mask or unmask. One huge integer is as fast as a C extension, and independent of any."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    number = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return number.to_bytes(len(data), "little")


class _Socket(ByteStream):
    """A plain non-blocking socket as an AnyIO stream: closing it does nothing else, unlike AnyIO's.

    AnyIO's own stream sends FIN before it closes, which would make a clean end of each reset.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock

    async def receive(self, max_bytes: int = _READ_BYTES) -> bytes:
        await checkpoint()
        while True:
            try:
                data = self._sock.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._sock)
            except OSError as exc:
                raise anyio.BrokenResourceError from exc
            else:
                if not data:
                    raise anyio.EndOfStream
                return data

    async def send(self, item: bytes) -> None:
        await checkpoint()
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sock)
            except OSError as exc:
                raise anyio.BrokenResourceError from exc

    async def send_eof(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            anyio.notify_closing(self._sock)
            self._sock.close()

    def reset(self) -> None:
        """Close with RST: what is unsent is dropped, and what the client has not read may be."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {}


class RawPeer:
    """The server's end of one TCP (or TLS) connection."""

    def __init__(self, sock: _Socket, stream: ByteStream) -> None:
        self._sock = sock
        self._stream = stream
        self._received = bytearray()

    # The upgrade

    async def read_request(self) -> Request:
        """Read the client's HTTP request."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            await self.read_more()
        head = bytes(self._received[:end]).decode("latin-1")
        del self._received[: end + 4]
        first, *lines = head.split("\r\n")
        method, target, version = first.split(" ")
        assert (method, version) == ("GET", "HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            key = name.lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        return Request(target, headers)

    async def upgrade(
        self, *, after: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> Request:
        """Accept the WebSocket; `after` goes out in one piece with the response."""
        request = await self.read_request()
        await self.write(response_101(request, headers) + after)
        return request

    async def refuse(
        self, status: int, *, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Request:
        """Answer the upgrade with an HTTP status."""
        request = await self.read_request()
        await self.write(response(status, [*headers, ("Content-Length", str(len(body)))], body))
        return request

    # Bytes and frames

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._stream.send(data)

    async def write_eof(self) -> None:
        """Send FIN and go on reading. Not for TLS."""
        await self._sock.send_eof()

    async def read_frame(self) -> Frame:
        """Read one frame, which must be masked.

        Raises:
            PeerGone: the client ended the byte stream.
        """
        while (cut := _cut_frame(self._received)) is None:
            await self.read_more()
        return cut

    async def read_until(self, opcode: int) -> Frame:
        """Read and drop frames up to one of the kind `opcode`, and return that."""
        while (got := await self.read_frame()).opcode != opcode:
            pass
        return got

    async def read_to_end(self) -> bytes:
        """Read and return all bytes up to the end the client makes, clean or not."""
        try:
            while True:
                await self.read_more()
        except PeerGone:
            return bytes(self._received)

    async def read_more(self) -> None:
        """Wait for more bytes, which the next reading method looks at."""
        try:
            self._received += await self._stream.receive(_READ_BYTES)
        except anyio.EndOfStream:
            raise PeerGone(clean=True) from None
        except anyio.BrokenResourceError:
            raise PeerGone(clean=False) from None

    # What every kind of peer can do (see `transports.Peer`)

    async def receive(self) -> bytes:
        """Read frames up to the next message and return it."""
        while (got := await self.read_frame()).opcode not in {TEXT, BINARY}:
            assert got.opcode != CLOSE, f"the client closed with {got.close} before a message"
        assert got.fin
        return got.payload

    async def send(self, message: bytes | str) -> None:
        """Send one message: str as text, bytes as binary."""
        await self.write(frame(message, TEXT if isinstance(message, str) else BINARY))

    async def close(self, code: int, reason: str = "") -> None:
        """Send CLOSE, and neither wait for the answer nor end the connection."""
        await self.write(close_frame(code, reason))

    async def drop(self) -> None:
        """End the connection by FIN, without CLOSE."""
        self._sock.close()

    async def ended(self) -> tuple[int, str]:
        """Read up to the client's CLOSE, echo it and end the connection. 1006 if none comes."""
        try:
            got = await self.read_until(CLOSE)
            await self.write(frame(got.payload, CLOSE))
        except (PeerGone, anyio.BrokenResourceError):
            return 1006, ""
        finally:
            self._sock.close()
        return got.close

    def reset(self) -> None:
        """End the connection by RST."""
        self._sock.reset()


def _cut_frame(received: bytearray) -> Frame | None:
    """Take one whole frame off the front of `received`."""
    if len(received) < 2:
        return None
    first, second = received[0], received[1]
    assert second & 0x80, "a client's frame must be masked"
    assert not first & 0x70, "no extension was negotiated"
    length, start = second & 0x7F, 2
    if length >= 126:
        start = 4 if length == 126 else 10
        if len(received) < start:
            return None
        length = int.from_bytes(received[2:start], "big")
    end = start + 4 + length
    if len(received) < end:
        return None
    payload = _xor(bytes(received[start + 4 : end]), bytes(received[start : start + 4]))
    del received[:end]
    return Frame(first & 0x0F, payload, fin=bool(first & 0x80))


def response(status: int, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """An HTTP response as bytes."""
    lines = [f"HTTP/1.1 {status} Told So", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def response_101(request: Request, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """The response that accepts `request`."""
    given = [("Upgrade", "websocket"), ("Connection", "Upgrade"), *headers]
    return response(101, [*given, ("Sec-WebSocket-Accept", request.accept)])


class RawListener:
    """A listening socket on the loopback. Leaving it closes every connection it accepted.

    `buffer_bytes` shrinks the kernel's buffers, so that a peer that does not read is felt soon.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, *, buffer_bytes: int | None = None
    ) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._sock.setblocking(False)
        if buffer_bytes is not None:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        self._tls = tls
        self._accepted: list[_Socket] = []
        self.port: int = self._sock.getsockname()[1]

    def url(self, target: str = "/", *, host: str = "127.0.0.1") -> str:
        """The WebSocket URL of `target` here."""
        return f"{'wss' if self._tls else 'ws'}://{host}:{self.port}{target}"

    async def accept(self, *, tls: bool = True) -> RawPeer:
        """Wait for a connection; with TLS configured, also for its handshake unless told not to."""
        await anyio.wait_readable(self._sock)
        sock = _Socket(self._sock.accept()[0])
        self._accepted.append(sock)
        if self._tls is None or not tls:
            return RawPeer(sock, sock)
        stream = await TLSStream.wrap(
            sock, server_side=True, ssl_context=self._tls, standard_compatible=False
        )
        return RawPeer(sock, stream)

    def pending(self) -> bool:
        """Whether a connection nobody accepted has arrived by now."""
        try:
            sock, _ = self._sock.accept()
        except BlockingIOError:
            return False
        sock.close()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sock.close()
        for sock in self._accepted:
            sock.close()
