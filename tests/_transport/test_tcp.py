"""The socket that AnyIO hands over: bytes both ways, every ending, and nothing left open."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._dial import dial
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._tcp import READ_BYTES, TcpStream, take_socket
from anyrealtime.errors import ConnectFailed
from tests._transport.proxies import echo, serving

if TYPE_CHECKING:
    from anyio.abc import SocketStream

LIMIT = 10.0  # seconds a test may take on a busy machine


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, dict[str, bool]]:
    """Each loop keeps a socket in its own way."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="it is not for this system")
        return "asyncio", {"use_uvloop": True}
    return str(request.param)


@asynccontextmanager
async def dialled() -> AsyncGenerator[tuple[SocketStream, socket.socket], None]:
    """A stream as AnyIO connects it, and the peer's blocking socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = await anyio.connect_tcp("127.0.0.1", int(listener.getsockname()[1]))
        peer, _ = listener.accept()
        peer.settimeout(LIMIT)
        with peer, anyio.fail_after(LIMIT):
            try:
                yield stream, peer
            finally:
                await anyio.aclose_forcefully(stream)


@asynccontextmanager
async def taken() -> AsyncGenerator[tuple[ByteStream, socket.socket], None]:
    """The same stream after its socket was taken over."""
    async with dialled() as (stream, peer), await take_socket(stream) as own:
        yield own, peer


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def test_the_connection_goes_on_after_the_first_stream_is_closed() -> None:
    async with dialled() as (stream, peer):
        first = stream.extra(SocketAttribute.raw_socket).fileno()
        async with await take_socket(stream) as own:
            with pytest.raises(anyio.ClosedResourceError):
                await stream.receive()
            await checkpoint()  # asyncio closes a turn later
            with pytest.raises(OSError) as closed:
                os.fstat(first)
            assert closed.value.errno == errno.EBADF
            await own.send(b"to the peer")
            assert peer.recv(64) == b"to the peer"
            peer.sendall(b"from the peer")
            assert await own.receive() == b"from the peer"
        assert peer.recv(64) == b""


async def test_a_read_takes_as_much_as_it_was_asked_for() -> None:
    async with taken() as (stream, peer):
        peer.sendall(b"abcdef")
        assert await stream.receive(4) == b"abcd"
        assert await stream.receive() == b"ef"


class Fake:
    """A socket that fills so much of each buffer as it is told to."""

    def __init__(self) -> None:
        self.fills = True
        self.asked: list[int] = []

    def recv(self, size: int) -> bytes:
        self.asked.append(size)
        return bytes(size if self.fills else 300)


async def test_the_buffer_grows_while_reads_fill_it_and_shrinks_again() -> None:
    """Small reads into large buffers are dear, and so are many reads of what is waiting."""
    fake = Fake()
    stream = TcpStream(cast("socket.socket", fake))
    kib = [64, 128, 256, 512, 1024]
    for _ in range(6):
        await stream.receive()
    assert fake.asked == [1024 * size for size in (*kib, kib[-1])]
    assert fake.asked[-1] == READ_BYTES
    await stream.receive(100)
    assert fake.asked.pop() == 100  # filled: it says nothing of what is waiting
    fake.fills, fake.asked = False, []
    for _ in range(6):
        await stream.receive()
    assert fake.asked == [1024 * size for size in (*reversed(kib), kib[0])]


async def test_reading_waits_and_lets_others_run() -> None:
    async with taken() as (stream, peer), anyio.create_task_group() as tasks:
        turns: list[str] = []

        async def read() -> None:
            turns.append((await stream.receive()).decode())

        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        assert turns == []
        peer.sendall(b"late")
        while not turns:
            await checkpoint()
        peer.sendall(b"there already")
        tasks.start_soon(read)
        turns.append("other")
        while len(turns) < 3:
            await checkpoint()
        assert turns == ["late", "other", "there already"]


async def test_a_cancelled_read_loses_nothing() -> None:
    async with taken() as (stream, peer):
        with anyio.CancelScope() as waiting:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stream.receive)
                await anyio.wait_all_tasks_blocked()
                waiting.cancel()
        peer.sendall(b"kept")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.receive()
        assert scope.cancelled_caught
        assert await stream.receive() == b"kept"


async def test_the_end_and_a_reset() -> None:
    async with taken() as (stream, peer):
        peer.sendall(b"last")
        peer.shutdown(socket.SHUT_WR)
        assert await stream.receive() == b"last"
        for _ in range(2):
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
    async with taken() as (stream, peer):
        reset(peer)
        with pytest.raises(anyio.BrokenResourceError) as broken:
            await stream.receive()
        assert isinstance(broken.value.__cause__, ConnectionResetError)


async def test_closing_wakes_whoever_waits() -> None:
    woken: list[type[Exception]] = []

    async def noted(stream: ByteStream, *, reading: bool) -> None:
        try:
            if reading:
                await stream.receive()
            else:
                await stream.send(bytes(2**24))
        except anyio.ClosedResourceError as exc:
            woken.append(type(exc))

    async with taken() as (stream, _), anyio.create_task_group() as tasks:
        for reading in (True, False):
            tasks.start_soon(partial(noted, stream, reading=reading))
        await anyio.wait_all_tasks_blocked()
        await stream.aclose()
    assert woken == [anyio.ClosedResourceError] * 2


async def test_a_closed_stream_says_so() -> None:
    async with taken() as (stream, _):
        await stream.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.send(b"too late")
        await stream.send_eof()
        await stream.aclose()


async def test_sending_more_than_the_socket_takes() -> None:
    whole = os.urandom(2**23)
    async with taken() as (stream, peer):
        peer.setblocking(False)
        received = bytearray()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream.send, whole)
            await anyio.wait_all_tasks_blocked()  # it has filled what the kernel holds
            while len(received) < len(whole):
                await anyio.wait_readable(peer)
                received += peer.recv(2**20)
        assert received == whole


async def test_sending_to_nobody() -> None:
    async with taken() as (stream, peer):
        reset(peer)
        with pytest.raises(anyio.BrokenResourceError) as broken:
            while True:  # the first may be before the kernel knows
                await stream.send(b"hello")
        assert isinstance(broken.value.__cause__, ConnectionError)


async def test_a_cancelled_send_has_sent_nothing() -> None:
    async with taken() as (stream, peer):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.send(b"unsaid")
        assert scope.cancelled_caught
        await stream.send(b"said")
        assert peer.recv(64) == b"said"


async def test_the_end_of_what_is_sent_is_not_the_end_of_what_is_received() -> None:
    async with taken() as (stream, peer):
        await stream.send_eof()
        assert peer.recv(64) == b""
        peer.sendall(b"answer")
        assert await stream.receive() == b"answer"


async def test_no_file_is_left_when_there_are_no_more_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_many(_fd: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async with serving(echo) as server:
        monkeypatch.setattr(os, "dup", too_many)
        with pytest.raises(ConnectFailed) as raised:
            await dial(Endpoint(f"ws://127.0.0.1:{server.port}/"), TransportOptions(proxy=False))
        expected = f"cannot connect to 127.0.0.1:{server.port}: {os.strerror(errno.EMFILE)}"
        assert str(raised.value) == expected


async def test_cancelled_in_the_handover_nothing_is_left_open() -> None:
    async with dialled() as (stream, peer):
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with await take_socket(stream):
                await checkpoint()
        assert scope.cancelled_caught
        await checkpoint()
        assert peer.recv(64) == b""
