"""A TCP socket as a byte stream of AnyIO's kind. Knows bytes, and nothing of what they mean.

AnyIO connects, and hands the socket over. Its own stream registers with asyncio's loop anew for
each read and never reads more than 256 KiB: over loopback a quarter of what an event costs.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint

READ_BYTES: Final = 2**20  # what one read takes at most; more would keep others waiting

# A small read into a large buffer costs five times as much: malloc maps pages for it, and unmaps
# them. So the buffer grows while reads fill it, and shrinks when they no longer do.
_LEAST_BYTES: Final = 64 * 2**10


async def take_socket(stream: ByteStream) -> ByteStream:
    """Take over the socket of a stream that AnyIO connected and that has received nothing yet.

    `stream` is closed, whatever happens; cancelling leaves nothing open.

    Raises:
        OSError: this process has too many files open.
    """
    if sys.platform == "win32":  # asyncio's transport reads ahead there, and takes TCP down with it
        return stream
    try:
        sock = _duplicate(stream)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    try:
        await anyio.aclose_forcefully(stream)
    except BaseException:
        sock.close()
        raise
    return TcpStream(sock)


def _duplicate(stream: ByteStream) -> socket.socket:
    """The same connection under a file descriptor of our own, which nothing else closes."""
    raw = stream.extra(SocketAttribute.raw_socket)
    sock = socket.socket(fileno=os.dup(raw.fileno()))
    sock.setblocking(False)
    return sock


class TcpStream(ByteStream):
    """A connected socket that does not block. One task at a time may read, and one may write.

    Cancelling `receive` loses nothing; `send` may have sent a part.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer_bytes = _LEAST_BYTES

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {SocketAttribute.raw_socket: lambda: self._socket}

    async def receive(self, max_bytes: int = READ_BYTES) -> bytes:
        await checkpoint()
        size = min(self._buffer_bytes, max_bytes)
        while True:
            try:
                data = self._socket.recv(size)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
            except OSError as exc:
                raise self._failure() from exc
            else:
                if not data:
                    raise anyio.EndOfStream
                self._resize(size, len(data))
                return data

    def _resize(self, size: int, received: int) -> None:
        if received == self._buffer_bytes:
            self._buffer_bytes = min(2 * received, READ_BYTES)
        elif received < size // 4:
            self._buffer_bytes = max(self._buffer_bytes // 2, _LEAST_BYTES)

    async def send(self, item: bytes) -> None:
        await checkpoint()
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as exc:
                raise self._failure() from exc

    async def send_eof(self) -> None:
        await checkpoint()
        with suppress(OSError):  # the peer has gone already; the next read tells
            self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        if not self._is_closed:
            anyio.notify_closing(self._socket)
            self._socket.close()
        await checkpoint()

    @property
    def _is_closed(self) -> bool:
        return self._socket.fileno() < 0

    def _failure(self) -> Exception:
        return anyio.ClosedResourceError() if self._is_closed else anyio.BrokenResourceError()
