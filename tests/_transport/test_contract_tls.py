"""The transports' contract over TLS: the caller's context, refused certificates, and rough ends."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import pytest
import trustme

from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime.errors import ConnectFailed
from tests._transport.raw_peer import PING, PONG, Frame, PeerGone, RawListener, RawPeer, frame
from tests._transport.transports import (
    LIMIT,
    PATIENT,
    QUIET,
    SOCKETS,
    SocketKind,
    connected,
    open_error,
    receive,
    receive_impatiently,
    receive_to_end,
    send_until_stuck,
    server_context,
    told,
)


@pytest.fixture
def trusting(client_tls: ssl.SSLContext) -> TransportOptions:
    """Options with a context that trusts the server of these tests."""
    return replace(QUIET, ssl_context=client_tls)


@SOCKETS
async def test_messages_both_ways(
    kind: SocketKind, server_tls: ssl.SSLContext, trusting: TransportOptions
) -> None:
    sent = [f"{i} {'.' * (i % 900)}".encode() for i in range(3000)] + [b"x" * 2**20]
    received: list[bytes] = []
    async with connected(kind, trusting, tls=server_tls) as (transport, peer):

        async def read() -> None:
            received.extend([await peer.receive() for _ in sent])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            tasks.start_soon(peer.write, b"".join(map(frame, sent)))
            tasks.start_soon(transport.send, sent)
            assert await receive(transport, len(sent)) == sent
    assert received == sent


@SOCKETS
async def test_frames_in_the_record_of_the_101(
    kind: SocketKind, server_tls: ssl.SSLContext, trusting: TransportOptions
) -> None:
    first = frame("one") + frame("ping", PING) + frame("two")
    async with connected(kind, trusting, tls=server_tls, after_101=first[:-1]) as (transport, peer):
        await peer.write(first[-1:])
        assert await receive(transport, 2) == [b"one", b"two"]
        assert await peer.read_frame() == Frame(PONG, b"ping")


@SOCKETS
async def test_receives_that_time_out_lose_nothing(
    kind: SocketKind, server_tls: ssl.SSLContext, trusting: TransportOptions
) -> None:
    sent = [f"{i} {'.' * (i % 700)}".encode() for i in range(2000)]
    received: list[bytes] = []
    async with (
        connected(kind, trusting, tls=server_tls) as (transport, peer),
        anyio.create_task_group() as tasks,
    ):

        async def read() -> None:
            received.extend([await peer.receive() for _ in sent])

        tasks.start_soon(read)
        tasks.start_soon(peer.write, b"".join(map(frame, sent)))
        tasks.start_soon(transport.send, sent)
        assert await receive_impatiently(transport, len(sent)) == sent
    assert received == sent


@SOCKETS
async def test_a_clean_close(
    kind: SocketKind, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    options = replace(PATIENT, ssl_context=client_tls)
    async with connected(kind, options, tls=server_tls) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.aclose, 1000, "done")
            assert await peer.ended() == (1000, "done")
        assert told((await receive_to_end(transport))[1]) == (1000, "client")


async def _drop(peer: RawPeer) -> None:
    await peer.drop()


async def _reset(peer: RawPeer) -> None:
    peer.reset()


@SOCKETS
@pytest.mark.parametrize("end", [_drop, _reset])
@pytest.mark.parametrize("rest", [b"", frame("x" * 200)[:50]], ids=["", "in a frame"])
async def test_an_end_without_a_word(
    kind: SocketKind,
    server_tls: ssl.SSLContext,
    trusting: TransportOptions,
    end: Callable[[RawPeer], Awaitable[None]],
    rest: bytes,
) -> None:
    """Neither CLOSE nor the close_notify of TLS."""
    async with connected(kind, trusting, tls=server_tls) as (transport, peer):
        await peer.write(frame("before") + rest)
        assert await receive(transport, 1) == [b"before"]
        await end(peer)
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (1006, "network")
        await transport.aclose()


@SOCKETS
async def test_a_silent_peer_and_one_that_does_not_read(
    kind: SocketKind, server_tls: ssl.SSLContext, trusting: TransportOptions
) -> None:
    async with connected(kind, trusting, tls=server_tls) as (transport, peer):
        await transport.aclose(4000)
        await peer.read_to_end()
    frames = [b"." * 2**16] * 1000
    async with connected(kind, trusting, tls=server_tls, buffer_bytes=2**14) as (transport, peer):
        assert await send_until_stuck(transport, frames) < len(frames)
        await transport.aclose()
        assert told((await receive_to_end(transport))[1]) == (1000, "client")
        await peer.read_to_end()


@SOCKETS
async def test_a_certificate_nobody_trusts(kind: SocketKind, server_tls: ssl.SSLContext) -> None:
    error = await _handshake_fails(kind, server_tls, QUIET)
    assert "certificate" in str(error).lower()


@SOCKETS
async def test_a_certificate_for_another_host(
    kind: SocketKind, authority: trustme.CA, trusting: TransportOptions
) -> None:
    context = server_context(authority, "elsewhere.example")
    error = await _handshake_fails(kind, context, trusting)
    assert "certificate" in str(error).lower()


async def _plain_http(peer: RawPeer) -> None:
    await peer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@SOCKETS
@pytest.mark.parametrize("script", [_plain_http, _drop, _reset])
async def test_a_server_without_tls(
    kind: SocketKind,
    trusting: TransportOptions,
    script: Callable[[RawPeer], Awaitable[None]],
) -> None:
    async def serve() -> None:
        peer = await listener.accept()
        await script(peer)
        await peer.read_to_end()

    with RawListener() as listener:
        endpoint = Endpoint(f"wss://localhost:{listener.port}/")
        assert (await open_error(kind, endpoint, trusting, beside=serve)).status is None


@SOCKETS
async def test_cancelling_in_the_tls_handshake(
    kind: SocketKind, trusting: TransportOptions
) -> None:
    with RawListener() as listener, anyio.fail_after(LIMIT):
        endpoint = Endpoint(f"wss://localhost:{listener.port}/")
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as opening:
                opening.start_soon(kind.open, endpoint, trusting, tasks)
                peer = await listener.accept()
                await peer.read_more()  # the ClientHello
                opening.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await peer.read_to_end()


@SOCKETS
async def test_a_redirect_from_wss_to_ws_is_not_followed(
    kind: SocketKind, server_tls: ssl.SSLContext, trusting: TransportOptions
) -> None:
    async def serve() -> None:
        peer = await listener.accept()
        where = f"http://localhost:{listener.port}/"
        await peer.refuse(307, headers=[("Location", where)])

    with RawListener(server_tls) as listener:
        endpoint = Endpoint(listener.url(host="localhost"))
        assert (await open_error(kind, endpoint, trusting, beside=serve)).status == 307
        assert not listener.pending()


async def _handshake_fails(
    kind: SocketKind, server_tls: ssl.SSLContext, options: TransportOptions
) -> ConnectFailed:
    async def serve() -> None:
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError, PeerGone)):
            await (await listener.accept()).read_request()

    with RawListener(server_tls) as listener:
        endpoint = Endpoint(listener.url(host="localhost"))
        return await open_error(kind, endpoint, options, beside=serve)
