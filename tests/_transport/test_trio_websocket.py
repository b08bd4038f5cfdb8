"""What is particular to trio-websocket: its traps, and connections that are handed in.

Opening, framing, sending and ending as such are the contract suite's, which runs over this
transport too.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import anyio
import pytest
import trio
import trio_websocket
from trio_websocket import WebSocketConnection, WebSocketRequest, WebSocketServer

from anyrealtime._transport import _trio_websocket
from anyrealtime._transport._base import Transport, TransportClosed, TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._trio_websocket import open_trio_websocket, wrap_trio_websocket
from anyrealtime.errors import ConfigurationError, ConnectFailed
from tests._transport.raw_peer import CLOSE, PING, PONG, Frame, RawListener, RawPeer, frame
from tests._transport.transports import (
    LIMIT,
    QUIET,
    TRIO_WEBSOCKET,
    connected,
    receive,
    receive_to_end,
    told,
)

SHORT = replace(QUIET, close_timeout=0.05)
CHUNK = b"." * 2**16


@pytest.fixture
def anyio_backend() -> str:
    """Trio alone, but for the tests that say otherwise."""
    return "trio"


# The event loop


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_asyncio_nothing_is_dialled() -> None:
    with RawListener() as listener:
        async with anyio.create_task_group() as tasks:
            with pytest.raises(ConfigurationError, match=r"^transport= .*anyio"):
                await open_trio_websocket(Endpoint(listener.url()), QUIET, tasks)
            connection = cast("WebSocketConnection", object())
            with pytest.raises(ConfigurationError, match=r"^transport= "):
                await wrap_trio_websocket(connection, QUIET, tasks)
        assert not listener.pending()


# Traps of the library, in connections that we open


async def test_a_ping_after_our_close_kills_nobody() -> None:
    async with connected(TRIO_WEBSOCKET) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose, 1000, "done")
        said = await peer.read_frame()
        await peer.write(frame("still there?", PING) + frame("late"))
        await peer.write(frame(said.payload, CLOSE))
        messages, ending = await receive_to_end(transport)
        assert messages == [b"late"]
        assert told(ending) == (1000, "client")
        assert await peer.read_to_end() == b""  # no PONG behind our CLOSE


async def test_pong_is_queued_while_our_own_sending_is_stuck() -> None:
    """The library's reader would wait for the writer, and hear nothing any more."""
    async with connected(TRIO_WEBSOCKET, buffer_bytes=2**14) as (transport, peer):
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                for _ in range(100):
                    await transport.send([CHUNK])

            tasks.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            await peer.write(frame("there?", PING) + frame("heard"))
            assert await receive(transport, 1) == [b"heard"]
            while await peer.read_frame() != Frame(PONG, b"there?"):
                pass
            tasks.cancel_scope.cancel()


async def test_a_reader_that_dies_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(TRIO_WEBSOCKET) as (transport, peer):
        raw = cast("WebSocketConnection", transport.raw)

        def fail(_data: bytes) -> None:
            raise RuntimeError("a bug of the library")

        monkeypatch.setattr(raw._wsproto, "receive_data", fail)
        await peer.send(b"unread")  # binary: a text would not reach the library
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (1006, "network")
        assert "a bug of the library" in ending.reason
        await transport.aclose()


async def test_a_bug_of_ours_ends_the_connection_and_not_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(TRIO_WEBSOCKET) as (transport, peer):

        async def fail(_text: str) -> None:
            raise RuntimeError("a bug of ours")

        monkeypatch.setattr(transport.raw, "send_message", fail)
        await transport.send([b"lost"])
        ending = (await receive_to_end(transport))[1]
        assert told(ending) == (1006, "network")
        assert "a bug in anyrealtime" in ending.reason
        await transport.aclose()
        assert await peer.read_to_end() == b""


async def test_a_server_that_never_ends_its_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trio_websocket, "_BODY_PATIENCE", 0.05)

    async def serve() -> None:
        peer = await listener.accept()
        await peer.read_request()
        await peer.write(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 99\r\n\r\nslow")
        await peer.read_to_end()

    with RawListener() as listener, anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            with pytest.raises(ConnectFailed, match=r"HTTP 429: slow$") as raised:
                await open_trio_websocket(Endpoint(listener.url()), QUIET, tasks)
            assert (raised.value.status, raised.value.retry_after) == (429, 7.0)


async def test_what_nobody_takes_holds_the_server_back_and_is_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_trio_websocket, "_INBOX_BYTES", 2**20)
    options = TransportOptions(proxy=False, ping_interval=0.02, ping_timeout=0.02)
    async with connected(TRIO_WEBSOCKET, options, buffer_bytes=2**14) as (transport, peer):
        sent = 0

        async def talk() -> None:
            nonlocal sent
            while True:
                await peer.write(frame(CHUNK))
                sent += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk)
            before = -1
            while sent != before:  # longer than the keepalive would wait for a silent peer
                before = sent
                await anyio.sleep(0.1)
            assert 16 < sent < 200  # the inbox, the library's own queue, and the kernel's
            messages = await transport.receive()
            while len(messages) < 300:
                messages += await transport.receive()
            assert set(messages) == {CHUNK}
            tasks.cancel_scope.cancel()


async def test_keepalive_ends_with_the_connection() -> None:
    options = TransportOptions(proxy=False, ping_interval=0.02, ping_timeout=5.0, close_timeout=5.0)
    async with connected(TRIO_WEBSOCKET, options) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.aclose)
            said = await peer.read_until(CLOSE)
            await anyio.sleep(0.1)  # several intervals: none may send PING behind CLOSE
            await peer.write(frame(said.payload, CLOSE))
            assert await peer.read_to_end() == b""
    async with connected(TRIO_WEBSOCKET, options) as (transport, peer):
        await peer.close(4000)
        assert told((await receive_to_end(transport))[1]) == (4000, "server")
        await anyio.sleep(0.1)
        assert await peer.read_until(CLOSE) == Frame(CLOSE, (4000).to_bytes(2, "big"))
        await transport.aclose()
        assert await peer.read_to_end() == b""


async def test_keepalive_leaves_a_connection_that_is_closing_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the peer's CLOSE and the last message, the library refuses to send PING."""
    options = TransportOptions(proxy=False, ping_interval=0.02, ping_timeout=0.02)
    async with connected(TRIO_WEBSOCKET, options) as (transport, peer):
        refused = trio.Event()

        async def ping() -> None:
            await trio.lowlevel.checkpoint()
            refused.set()
            raise trio_websocket.ConnectionClosed(None)

        monkeypatch.setattr(transport.raw, "ping", ping)
        await refused.wait()
        await anyio.sleep(0.1)
        await peer.send("last")
        assert await receive(transport, 1) == [b"last"]


# Connections that are handed in

Handler = Callable[[WebSocketConnection], Awaitable[None]]


@asynccontextmanager
async def handed_in(
    handler: Handler, options: TransportOptions = QUIET, *, max_message_size: int = 2**20
) -> AsyncGenerator[tuple[Transport, WebSocketConnection]]:
    """A transport over a caller's connection; `handler` plays the server with the same library."""

    async def serve(request: WebSocketRequest) -> None:
        await handler(await request.accept())

    with anyio.fail_after(LIMIT):
        async with trio.open_nursery() as serving:
            server = await serving.start(
                trio_websocket.serve_websocket, serve, "127.0.0.1", 0, None
            )
            assert isinstance(server, WebSocketServer)
            async with trio.open_nursery() as callers, anyio.create_task_group() as tasks:
                connection = await trio_websocket.connect_websocket(
                    callers, "127.0.0.1", server.port, "/", use_ssl=False,
                    max_message_size=max_message_size,
                )  # fmt: skip
                transport = await wrap_trio_websocket(connection, options, tasks)
                try:
                    yield transport, connection
                finally:
                    transport.abort()
            serving.cancel_scope.cancel()


async def echo(connection: WebSocketConnection) -> None:
    with pytest.raises(trio_websocket.ConnectionClosed):
        while True:
            await connection.send_message(await connection.get_message())


async def test_handed_in_messages_go_both_ways() -> None:
    async with handed_in(echo) as (transport, connection):
        assert transport.raw is connection
        await transport.send(["grüße".encode(), b""])
        await transport.send([CHUNK])
        assert await receive(transport, 3) == ["grüße".encode(), b"", CHUNK]


async def test_handed_in_all_that_has_come_is_one_list() -> None:
    """Its own queue holds one message: without a task of ours its reader would stop there."""

    async def talk(connection: WebSocketConnection) -> None:
        for i in range(100):
            await connection.send_message(str(i) if i % 2 else str(i).encode())
        await connection.ping()
        asked.set()

    asked = trio.Event()
    async with handed_in(talk) as (transport, _):
        await asked.wait()  # PING behind 100 messages that nobody has received
        assert await transport.receive() == [str(i).encode() for i in range(100)]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "expired"), (4000, "bye")])
async def test_handed_in_the_servers_close(code: int, reason: str) -> None:
    async def close(connection: WebSocketConnection) -> None:
        await connection.send_message("last")
        await connection.aclose(code, reason)

    async with handed_in(close) as (transport, _):
        messages, ending = await receive_to_end(transport)
        assert messages == [b"last"]
        assert (ending.code, ending.reason, ending.by) == (code, reason, "server")
        with pytest.raises(TransportClosed):
            await transport.send([b"late"])
        await transport.aclose()


async def test_handed_in_a_loss() -> None:
    async def drop(connection: WebSocketConnection) -> None:
        await connection._stream.aclose()

    async with handed_in(drop) as (transport, _):
        ending = (await receive_to_end(transport))[1]
        assert told(ending) == (1006, "network")
        assert ending.reason


async def test_handed_in_a_connection_whose_reader_died() -> None:
    """Its exception goes to the caller's nursery; we only see that no more will come."""

    class Dead:
        async def get_message(self) -> str:
            await trio.lowlevel.checkpoint()
            raise trio_websocket.ConnectionClosed(None)

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            transport = await wrap_trio_websocket(cast("WebSocketConnection", Dead()), QUIET, tasks)
            assert told((await receive_to_end(transport))[1]) == (1006, "network")
            await transport.aclose()


async def test_handed_in_its_own_bound_holds() -> None:
    async def talk(connection: WebSocketConnection) -> None:
        with pytest.raises(trio_websocket.ConnectionClosed):
            await connection.send_message("x" * 2000)
            await connection.get_message()

    async with handed_in(talk, max_message_size=1000) as (transport, _):
        assert told((await receive_to_end(transport))[1]) == (1009, "client")


async def test_handed_in_we_close() -> None:
    reasons: list[tuple[int, str | None]] = []

    async def listen(connection: WebSocketConnection) -> None:
        messages: list[str | bytes] = []
        with pytest.raises(trio_websocket.ConnectionClosed) as raised:
            while True:
                messages.append(await connection.get_message())
        assert messages == ["one", "two"]
        said = raised.value.reason
        assert said is not None
        reasons.append((said.code, said.reason))
        over.set()

    over = trio.Event()
    async with handed_in(listen) as (transport, connection):
        await transport.send([b"one", b"two"])
        await transport.aclose(4001, "done")
        await over.wait()
        assert reasons == [(4001, "done")]
        assert told((await receive_to_end(transport))[1]) == (4001, "client")
        assert connection.closed is not None


async def test_handed_in_a_silent_server_does_not_hold_us() -> None:
    async def serve() -> None:
        peer = await listener.accept()
        await peer.upgrade()
        peers.append(peer)

    peers: list[RawPeer] = []
    with RawListener(buffer_bytes=2**14) as listener, anyio.fail_after(LIMIT):
        async with trio.open_nursery() as callers, anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            connection = await trio_websocket.connect_websocket(
                callers, "127.0.0.1", listener.port, "/", use_ssl=False
            )
            transport = await wrap_trio_websocket(connection, SHORT, tasks)
            with anyio.move_on_after(0.1):
                while True:
                    await transport.send([CHUNK])  # until the socket is full
            await transport.aclose()
            assert told((await receive_to_end(transport))[1]) == (1000, "client")
            await peers[0].read_to_end()


async def test_handed_in_abort_wakes_everyone() -> None:
    async def listen(connection: WebSocketConnection) -> None:
        with pytest.raises(trio_websocket.ConnectionClosed):
            await connection.get_message()

    async with handed_in(listen) as (transport, _):
        async with anyio.create_task_group() as tasks:

            async def waiting() -> None:
                assert told((await receive_to_end(transport))[1]) == (1006, "client")

            tasks.start_soon(waiting)
            await anyio.wait_all_tasks_blocked()
            transport.abort()
        await transport.aclose()


async def test_handed_in_within_the_librarys_own_context_manager() -> None:
    async def serve(request: WebSocketRequest) -> None:
        await echo(await request.accept())

    with anyio.fail_after(LIMIT):
        async with trio.open_nursery() as serving:
            server = await serving.start(
                trio_websocket.serve_websocket, serve, "127.0.0.1", 0, None
            )
            url = f"ws://127.0.0.1:{server.port}/"
            async with trio_websocket.open_websocket_url(url) as connection:
                async with anyio.create_task_group() as tasks:
                    transport = await wrap_trio_websocket(connection, QUIET, tasks)
                    await transport.send([b"there and back"])
                    assert await receive(transport, 1) == [b"there and back"]
                    await transport.aclose()
            serving.cancel_scope.cancel()


@pytest.mark.parametrize("code", [None, 1000])
async def test_handed_in_no_socket_is_left(code: int | None) -> None:
    """The library leaves its socket to the garbage collector once the server has closed."""

    async def end(connection: WebSocketConnection) -> None:
        if code is not None:
            await connection.aclose(code)
        else:
            with pytest.raises(trio_websocket.ConnectionClosed):
                await connection.get_message()

    async with handed_in(end) as (transport, connection):
        if code is not None:
            await receive_to_end(transport)
        await transport.aclose()
        stream = cast("trio.SocketStream", connection._stream)
        assert stream.socket.fileno() == -1
    gc.collect()
