"""Servers to dial: proxies for HTTP CONNECT, SOCKS5 and SOCKS4, an echo, and some that are rude.

Each notes what it was asked. A proxy forwards bytes both ways, or answers what the test
told it to.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteStream
from anyio.streams.tls import TLSStream

from tests._transport.raw_peer import RawListener

Handler = Callable[["Proxying", BufferedByteStream], Awaitable[None]]

OK = b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n"
GRANTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"


@dataclass
class Proxying:
    """A proxy that is running: its port, and what clients asked of it."""

    port: int
    asked: list[str] = field(default_factory=list[str])
    answer: bytes = OK
    user: bytes = b""
    password: bytes = b""
    reply: bytes = GRANTED
    connect_to: tuple[str, int] | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)


@asynccontextmanager
async def serving(
    handler: Handler, *, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Proxying]:
    """Run `handler` for each client, in a server on the loopback, until the block is left."""

    async def accept() -> None:
        while True:
            peer = await listener.accept(tls=False)
            tasks.start_soon(handle, peer._stream)

    async def handle(stream: ByteStream) -> None:
        try:
            if tls is not None:
                stream = await TLSStream.wrap(
                    stream, server_side=True, ssl_context=tls, standard_compatible=False
                )
            await handler(proxying, BufferedByteStream(stream))
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, OSError):
            pass  # the client has gone, as some tests want it to
        finally:
            await anyio.aclose_forcefully(stream)
            proxying.ended.set()

    with RawListener() as listener:
        proxying = Proxying(listener.port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(accept)
            yield proxying
            tasks.cancel_scope.cancel()


async def forward(client: ByteStream, host: str, port: int) -> None:
    """Carry bytes both ways until both have ended."""

    async def copy(source: ByteStream, target: ByteStream) -> None:
        try:
            async for data in source:
                await target.send(data)
            await target.send_eof()
        except (anyio.BrokenResourceError, NotImplementedError):
            tasks.cancel_scope.cancel()

    async with await anyio.connect_tcp(host, port) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(copy, client, server)
        tasks.start_soon(copy, server, client)


async def http(proxying: Proxying, client: BufferedByteStream) -> None:
    """CONNECT: note the request, answer, and forward if the answer allows it."""
    request = (await client.receive_until(b"\r\n\r\n", 2**16)).decode()
    proxying.asked.append(request)
    await client.send(proxying.answer)
    if proxying.answer.startswith(OK):
        host, _, port = request.split(" ")[1].rpartition(":")
        await forward(client, *(proxying.connect_to or (host.strip("[]"), int(port))))


async def socks5(proxying: Proxying, client: BufferedByteStream) -> None:
    """RFC 1928 and 1929."""
    _, count = await client.receive_exactly(2)
    methods = await client.receive_exactly(count)
    if proxying.user:
        await client.send(b"\x05\x02" if 2 in methods else b"\x05\xff")
        user = await client.receive_exactly((await client.receive_exactly(2))[1])
        password = await client.receive_exactly((await client.receive_exactly(1))[0])
        right = (user, password) == (proxying.user, proxying.password)
        await client.send(b"\x01\x00" if right else b"\x01\x01")
    else:
        await client.send(b"\x05\x00")
    kind = (await client.receive_exactly(4))[3]
    if kind == 3:
        host = (await client.receive_exactly((await client.receive_exactly(1))[0])).decode()
    else:
        family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, await client.receive_exactly(size))
    port = int.from_bytes(await client.receive_exactly(2), "big")
    proxying.asked.append(f"{host}:{port}")
    await client.send(proxying.reply)
    if proxying.reply == GRANTED:
        await forward(client, *(proxying.connect_to or (host, port)))


async def socks4(proxying: Proxying, client: BufferedByteStream) -> None:
    """SOCKS4, and 4A where the address says so."""
    head = await client.receive_exactly(8)
    user = await client.receive_until(b"\x00", 300)
    port = int.from_bytes(head[2:4], "big")
    host = socket.inet_ntoa(head[4:])
    if host.startswith("0.0.0.") and host != "0.0.0.0":
        host = (await client.receive_until(b"\x00", 300)).decode()
    proxying.asked.append(f"{user.decode()}@{host}:{port}")
    await client.send(b"\x00\x5a" + head[2:])
    await forward(client, *(proxying.connect_to or (host, port)))


async def nothing(proxying: Proxying, client: BufferedByteStream) -> None:
    """Accept, and never answer; note when the client goes."""
    proxying.asked.append("connected")
    while True:
        await client.receive()


async def hang_up(proxying: Proxying, client: BufferedByteStream) -> None:
    """Read something and end the connection."""
    await client.receive()


async def echo(proxying: Proxying, client: BufferedByteStream) -> None:
    """No proxy: send back what comes."""
    proxying.asked.append("connected")
    async for data in client:
        await client.send(data)
