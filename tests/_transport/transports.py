"""How each transport is opened for the contract suite, and the matrix the suite runs over.

A test is marked `SOCKETS` when it speaks to a `RawPeer`, and `EVERY` when it uses only what
the in-memory transport has too. What one transport may do differently is a field of its
`Kind`, never an `if` in a test.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import anyio
import pytest
import trio_websocket
import trustme
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from websockets.client import ClientProtocol

from anyrealtime._transport._anyio import open_anyio
from anyrealtime._transport._base import Transport, TransportClosed, TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._trio_websocket import open_trio_websocket
from anyrealtime.errors import ConnectFailed
from anyrealtime.testing import MemoryPeer, memory_transport_pair
from tests._transport.raw_peer import RawListener, RawPeer

LIMIT: Final = 15.0  # seconds a test may take on a busy machine
QUIET: Final = TransportOptions(ping_interval=None, proxy=False, close_timeout=0.2)
PATIENT: Final = replace(QUIET, close_timeout=4 * LIMIT)  # a test that waits it out fails
CHUNK: Final = b"." * 2**16
MORE_THAN_ANY_BUFFER: Final = [CHUNK] * 1000

Opener = Callable[[Endpoint, TransportOptions, TaskGroup], Coroutine[Any, Any, Transport]]
Script = Callable[[RawPeer], Awaitable[object]]


class Peer(Protocol):
    """The server's end, as far as every transport has one."""

    async def receive(self) -> bytes: ...
    async def send(self, message: bytes | str, /) -> None: ...
    async def close(self, code: int, reason: str = "") -> None: ...
    async def drop(self) -> None: ...
    async def ended(self) -> tuple[int, str]: ...


class Kind(Protocol):
    """One transport, for the tests that run over all of them."""

    def link(self) -> AbstractAsyncContextManager[tuple[Transport, Peer]]: ...


@dataclass(frozen=True)
class SocketKind:
    """A transport that dials."""

    open: Opener
    raw_type: type[object]

    def link(self) -> AbstractAsyncContextManager[tuple[Transport, Peer]]:
        return connected(self, PATIENT)


class MemoryKind:
    """The in-memory pair, with the peer's synchronous methods made to look like a socket's."""

    @asynccontextmanager
    async def link(self) -> AsyncGenerator[tuple[Transport, Peer]]:
        transport, peer = memory_transport_pair()
        with anyio.fail_after(LIMIT):
            yield transport, _AsyncMemoryPeer(peer)


class _AsyncMemoryPeer:
    def __init__(self, peer: MemoryPeer) -> None:
        self._peer = peer
        self.receive = peer.receive
        self.send = peer.send

    async def close(self, code: int, reason: str = "") -> None:
        self._peer.close(code, reason)

    async def drop(self) -> None:
        self._peer.drop()

    async def ended(self) -> tuple[int, str]:
        while True:
            try:
                await self._peer.receive()
            except TransportClosed as exc:
                return exc.code, exc.reason


ANYIO: Final = SocketKind(open_anyio, ClientProtocol)
TRIO_WEBSOCKET: Final = SocketKind(open_trio_websocket, trio_websocket.WebSocketConnection)
MEMORY: Final = MemoryKind()

_SOCKETS: Final = [
    pytest.param("asyncio", ANYIO, id="asyncio-anyio"),
    pytest.param("trio", ANYIO, id="trio-anyio"),
    pytest.param("trio", TRIO_WEBSOCKET, id="trio-websocket"),
]
_MEMORY: Final = [
    pytest.param("asyncio", MEMORY, id="asyncio-memory"),
    pytest.param("trio", MEMORY, id="trio-memory"),
]
SOCKETS = pytest.mark.parametrize(("anyio_backend", "kind"), _SOCKETS)
EVERY = pytest.mark.parametrize(("anyio_backend", "kind"), [*_SOCKETS, *_MEMORY])


@asynccontextmanager
async def open_against(
    kind: SocketKind,
    script: Script,
    listener: RawListener,
    endpoint: Endpoint,
    options: TransportOptions = QUIET,
    *,
    limit: float = LIMIT,
) -> AsyncGenerator[Transport]:
    """Open against a peer that plays `script`, and abort at the end; all within `limit` seconds.

    The task group is left without cancelling it: a transport whose tasks outlive `abort`,
    or raise, fails the test.
    """

    async def serve() -> None:
        await script(await listener.accept())

    with anyio.fail_after(limit):
        async with anyio.create_task_group() as tasks:
            opened: list[Transport] = []
            async with anyio.create_task_group() as opening:
                opening.start_soon(serve)
                opened.append(await kind.open(endpoint, options, tasks))
            try:
                yield opened[0]
            finally:
                opened[0].abort()


@asynccontextmanager
async def connected(
    kind: SocketKind,
    options: TransportOptions = QUIET,
    *,
    tls: ssl.SSLContext | None = None,
    after_101: bytes = b"",
    buffer_bytes: int | None = None,
    limit: float = LIMIT,
) -> AsyncGenerator[tuple[Transport, RawPeer]]:
    """An open connection, and the peer after its 101 response."""
    accepted: list[RawPeer] = []

    async def script(peer: RawPeer) -> None:
        await peer.upgrade(after=after_101)
        accepted.append(peer)

    with RawListener(tls, buffer_bytes=buffer_bytes) as listener:
        endpoint = Endpoint(listener.url(host="localhost" if tls else "127.0.0.1"))
        async with open_against(
            kind, script, listener, endpoint, options, limit=limit
        ) as transport:
            yield transport, accepted[0]


async def opening_fails(
    kind: SocketKind,
    script: Script,
    listener: RawListener,
    endpoint: Endpoint,
    options: TransportOptions = QUIET,
) -> ConnectFailed:
    """Open against a peer that plays `script`: return the error; the client must end the bytes."""

    async def serve() -> None:
        peer = await listener.accept()
        await script(peer)
        await peer.read_to_end()

    return await open_error(kind, endpoint, options, beside=serve)


async def open_error(
    kind: SocketKind,
    endpoint: Endpoint,
    options: TransportOptions = QUIET,
    *,
    beside: Callable[[], Coroutine[Any, Any, None]] = checkpoint,
) -> ConnectFailed:
    """Open, which must fail, while `beside` plays the server; return the error."""
    errors: list[ConnectFailed] = []
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(beside)
            try:
                transport = await kind.open(endpoint, options, tasks)
            except ConnectFailed as error:
                errors.append(error)
            else:
                transport.abort()  # else its tasks would hold the task group
                pytest.fail("the opening did not fail")
    return errors[0]


async def receive(transport: Transport, count: int) -> list[bytes]:
    """Receive at least `count` messages; every batch must hold some."""
    messages: list[bytes] = []
    while len(messages) < count:
        batch = await transport.receive()
        assert batch
        messages += batch
    return messages


async def receive_impatiently(transport: Transport, count: int) -> list[bytes]:
    """Receive `count` messages, and give up waiting every so often, wherever that falls."""
    messages: list[bytes] = []
    patience = 0.0
    while len(messages) < count:
        patience = (patience + 0.000_07) % 0.001
        with anyio.move_on_after(patience):
            while True:
                messages += await transport.receive()
    return messages


async def receive_to_end(transport: Transport) -> tuple[list[bytes], TransportClosed]:
    """Receive until the connection is over: everything, and how it ended."""
    messages: list[bytes] = []
    try:
        while True:
            messages += await transport.receive()
    except TransportClosed as ending:
        return messages, ending


def told(ending: TransportClosed) -> tuple[int, str]:
    """The code and who closed: the part of an ending that is the same for every library."""
    return ending.code, ending.by


class Flood:
    """Sends `frames` one by one, more than any buffer holds, to a peer that does not read.

    Attributes:
        taken: how many of the sends have returned.
        ending: what a send raised, as `told`.
    """

    def __init__(
        self, transport: Transport, frames: Sequence[bytes] = MORE_THAN_ANY_BUFFER
    ) -> None:
        self.taken = 0
        self.ending: tuple[int, str] | None = None
        self._transport = transport
        self._frames = frames

    async def run(self) -> None:
        try:
            for one in self._frames:
                await self._transport.send([one])
                self.taken += 1
        except TransportClosed as ending:
            self.ending = told(ending)

    async def until_stuck(self) -> None:
        """Wait until the sends return no more.

        There is no event for that, so the count is watched until it stands still. A
        transport that queues without bound never stands still and takes them all.
        """
        still = 0
        while still < 10:
            before = self.taken
            await anyio.sleep(0.01)
            still = still + 1 if self.taken == before else 0
        assert self.taken < len(self._frames), "nothing ever waited"


async def send_until_stuck(
    transport: Transport, frames: Sequence[bytes] = MORE_THAN_ANY_BUFFER
) -> int:
    """Send until a send waits, and cancel that one; return how many were taken before it."""
    flood = Flood(transport, frames)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(flood.run)
        await flood.until_stuck()
        tasks.cancel_scope.cancel()
    return flood.taken


def server_context(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """A server's TLS context with a certificate for `host`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.issue_cert(host).private_key_and_cert_chain_pem.tempfile() as path:
        context.load_cert_chain(path)
    return context
