"""A server on this machine that passes everything on to another one, and shows it to a tap.

For programs that cannot be given a tap: of another language, or not to be changed. Only the
WebSocket is passed on. This file imports the simulator's room, whose socket it uses; so it is
imported when a proxy is opened, and never before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.abc import ByteStream

from anyrealtime._transport import open_transport
from anyrealtime._transport._base import ABNORMAL, Transport, TransportClosed, TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._tap import Tap, TappedTransport
from anyrealtime.errors import ConnectFailed
from anyrealtime.simulator._faults._steps import Goodbye, Say, Sever
from anyrealtime.simulator._rules._admission import SUBPROTOCOL
from anyrealtime.simulator._socket import Socket
from anyrealtime.simulator._websocket import WebSocket
from anyrealtime.testing._listening import listening

MAX_MESSAGE_BYTES: Final = 64 * 2**20
MAX_UNSENT_BYTES: Final = 2**20
CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 1.0

_INTERNAL_ERROR: Final = 1011
_NO_CODE: Final = 1005
_MAX_REASON_BYTES: Final = 123  # RFC 6455, 5.5: what a CLOSE frame has room for
# Each hop has its own: RFC 9110, 7.6.1, and the handshake of RFC 6455.
_HOP_HEADERS: Final = frozenset(
    {"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


@asynccontextmanager
async def proxying(
    upstream: Callable[[str], str],
    tap: Tap,
    *,
    told: Callable[[str], object],
    host: str = "127.0.0.1",
) -> AsyncGenerator[str, None]:
    """Pass clients on for as long as the block lasts, and yield where they come: host and port.

    Args:
        upstream: makes the ws or wss URL to go on to of the target of a client's request.
        tap: is shown every connection, as its client sees it.
        told: is told in words why a client could not be passed on.
        host: the address to listen on.

    Raises:
        OSError: it cannot listen there.
    """
    async with listening(_Proxy(upstream, tap, told).serve, host=host, port=0) as place:
        yield place


class _Proxy:
    """Serves clients, each by a connection of its own."""

    def __init__(
        self, upstream: Callable[[str], str], tap: Tap, told: Callable[[str], object]
    ) -> None:
        self._upstream = upstream
        self._tap = tap
        self._told = told

    async def serve(self, stream: ByteStream) -> None:
        """Serve one client until either side has left. Raises nothing that they can cause."""
        socket = WebSocket(stream, subprotocol=SUBPROTOCOL, max_message_bytes=MAX_MESSAGE_BYTES)
        endpoint = Endpoint("")

        def look(target: str, headers: Sequence[tuple[str, str]]) -> None:
            nonlocal endpoint
            endpoint = _endpoint(self._upstream(target), headers)

        try:
            if await socket.handshake(look):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(socket.write)
                    await self._pass_on(socket, endpoint)
                    tasks.cancel_scope.cancel()
        finally:
            await socket.aclose()

    async def _pass_on(self, socket: Socket, endpoint: Endpoint) -> None:
        # Whoever refuses a client does so after the client was let in: so do the real services.
        options = TransportOptions(max_message_bytes=MAX_MESSAGE_BYTES, close_timeout=CLOSE_SECONDS)
        async with anyio.create_task_group() as tasks:
            why = f"no answer within {CONNECT_SECONDS:g} s"
            transport: Transport | None = None
            with anyio.move_on_after(CONNECT_SECONDS):
                try:
                    transport = await open_transport("anyio", endpoint, options, tasks)
                except ConnectFailed as exc:
                    why = str(exc)
            if transport is None:
                self._told(why)
                await _refuse(socket, why)
            else:
                await _relay(socket, TappedTransport(transport, self._tap, endpoint))


async def _refuse(socket: Socket, why: str) -> None:
    _end(socket, _INTERNAL_ERROR, why)
    with anyio.move_on_after(CLOSE_SECONDS):
        while await socket.receive() is not None:
            pass


async def _relay(socket: Socket, transport: Transport) -> None:
    """Pass on what either side says, until one of them has left."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_downstream, transport, socket, tasks.cancel_scope)
            await _up(socket, transport)
            tasks.cancel_scope.cancel()
    finally:
        transport.abort()


async def _up(socket: Socket, transport: Transport) -> None:
    """Pass on what the client says, until it has left."""
    is_over = False
    while (messages := await socket.receive()) is not None:
        if messages and not is_over:
            try:
                await transport.send([message.data for message in messages])
            except TransportClosed:
                is_over = True  # the other direction tells the client
    if socket.close_code is None:
        transport.abort()
    else:
        code = 1000 if socket.close_code == _NO_CODE else socket.close_code
        await transport.aclose(code, socket.close_reason)


async def _downstream(
    transport: Transport, socket: Socket, both_directions: anyio.CancelScope
) -> None:
    """Pass on what the server says, until it has left and the client knows it."""
    try:
        while True:
            for frame in await transport.receive():
                socket.do(Say(frame))
            await socket.drain(MAX_UNSENT_BYTES)
    except TransportClosed as exc:
        if exc.by != "client":
            _end(socket, exc.code, exc.reason)
            await anyio.sleep(CLOSE_SECONDS)  # a client that answers in time ends this
            both_directions.cancel()


def _end(socket: Socket, code: int, reason: str) -> None:
    """End the client's connection as the server's ended."""
    if code == ABNORMAL:
        socket.do(Sever(reset=False))
    else:
        short = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        socket.do(Goodbye(None if code == _NO_CODE else code, short))


def _endpoint(url: str, headers: Sequence[tuple[str, str]]) -> Endpoint:
    offered = [value for name, value in headers if name.lower() == "sec-websocket-protocol"]
    return Endpoint(
        url,
        headers=tuple(
            (name, value)
            for name, value in headers
            if name.lower() not in _HOP_HEADERS and not name.lower().startswith("sec-websocket-")
        ),
        subprotocols=tuple(
            name.strip() for value in offered for name in value.split(",") if name.strip()
        ),
    )
