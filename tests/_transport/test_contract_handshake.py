"""The transports' contract: opening, and every way in which a server can refuse or spoil it.

What fails is one `ConnectFailed` that never shows a key, and its socket is closed. TLS is in
`test_contract_tls.py`, redirects are in `test_contract_redirects.py`.
"""

from __future__ import annotations

import socket
from contextlib import suppress

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import Transport
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime.errors import ConnectFailed
from tests._transport.raw_peer import RawListener, RawPeer, Request, frame, response, response_101
from tests._transport.transports import (
    LIMIT,
    QUIET,
    SOCKETS,
    Script,
    SocketKind,
    connected,
    open_against,
    open_error,
    opening_fails,
    receive,
)

SECRET = "sk-very-secret"
HEADERS = (("Authorization", f"Bearer {SECRET}"), ("X-Project", "p_1"))


# What is sent, and what is accepted


@SOCKETS
async def test_the_request(kind: SocketKind) -> None:
    requests: list[Request] = []

    async def serve(peer: RawPeer) -> None:
        requests.append(await peer.upgrade(headers=[("Sec-WebSocket-Protocol", "b.two")]))

    with RawListener() as listener:
        url = listener.url("/v1/realtime?model=gpt-realtime&x=%20")
        async with open_against(
            kind, serve, listener, Endpoint(url, HEADERS, ("realtime", "b.two"))
        ):
            [request] = requests
    headers = request.headers
    assert request.target == "/v1/realtime?model=gpt-realtime&x=%20"
    assert headers["host"] == f"127.0.0.1:{listener.port}"
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["x-project"] == "p_1"
    assert headers["upgrade"].lower() == "websocket"
    assert headers["connection"].lower() == "upgrade"
    assert headers["sec-websocket-version"] == "13"
    assert headers["sec-websocket-protocol"] == "realtime, b.two"
    assert "sec-websocket-extensions" not in headers


@SOCKETS
async def test_no_subprotocols_are_no_header(kind: SocketKind) -> None:
    async def serve(peer: RawPeer) -> None:
        assert "sec-websocket-protocol" not in (await peer.upgrade()).headers

    with RawListener() as listener:
        async with open_against(kind, serve, listener, Endpoint(listener.url())):
            pass


@SOCKETS
async def test_a_response_byte_by_byte(kind: SocketKind) -> None:
    async def serve(peer: RawPeer) -> None:
        request = await peer.read_request()
        for byte in response_101(request) + frame("hello"):
            await peer.write(bytes([byte]))
            await checkpoint()

    with RawListener() as listener:
        async with open_against(kind, serve, listener, Endpoint(listener.url())) as transport:
            assert await receive(transport, 1) == [b"hello"]


@SOCKETS
async def test_a_response_in_other_words(kind: SocketKind) -> None:
    """Header names in any case, options beside `Upgrade`, no reason phrase."""

    async def serve(peer: RawPeer) -> None:
        request = await peer.read_request()
        await peer.write(
            b"HTTP/1.1 101 \r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, Upgrade\r\n"
            b"Server: a\r\nServer: b\r\nSEC-websocket-ACCEPT:"
            + request.accept.encode()
            + b"\r\n\r\n"
            + frame("hello")
        )

    with RawListener() as listener:
        async with open_against(kind, serve, listener, Endpoint(listener.url())) as transport:
            assert await receive(transport, 1) == [b"hello"]


@SOCKETS
async def test_two_connections_in_one_task_group(kind: SocketKind) -> None:
    async with connected(kind) as (one, peer_one), connected(kind) as (two, peer_two):
        await peer_two.send("two")
        await peer_one.send("one")
        assert await receive(one, 1) == [b"one"]
        assert await receive(two, 1) == [b"two"]


@SOCKETS
async def test_the_scope_of_an_opening_is_not_the_connections(kind: SocketKind) -> None:
    """What bounds the opening, as `fail_after` does, must not reach what was opened."""
    with RawListener() as listener, anyio.fail_after(LIMIT):

        async def serve() -> None:
            peer = await listener.accept()
            await peer.upgrade()
            await peer.send(await peer.receive())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            opened: list[Transport] = []
            with anyio.CancelScope() as scope:
                opened.append(await kind.open(Endpoint(listener.url()), QUIET, tasks))
            scope.cancel()
            try:
                await opened[0].send([b"echo"])
                assert await receive(opened[0], 1) == [b"echo"]
            finally:
                opened[0].abort()


# Refusals


@SOCKETS
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 426, 429, 500, 503])
async def test_a_refusal_tells_its_status_and_what_the_server_said(
    kind: SocketKind, status: int
) -> None:
    async def refuse(peer: RawPeer) -> None:
        body = f'{{"error": {{"message": "no {status} for {SECRET}"}}}}'
        await peer.refuse(status, body=body.encode())

    error = await _fail(kind, refuse)
    assert error.status == status
    assert error.retry_after is None
    assert f"no {status} for" in str(error)


@SOCKETS
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("30", 30.0), ("0", 0.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None)],
)
async def test_retry_after(kind: SocketKind, header: str, seconds: float | None) -> None:
    async def refuse(peer: RawPeer) -> None:
        await peer.refuse(429, headers=[("Retry-After", header)])

    error = await _fail(kind, refuse)
    assert error.status == 429
    assert error.retry_after == seconds


def _body(*, headers: list[tuple[str, str]], body: bytes, end: bool) -> Script:
    async def refuse(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.write(response(403, headers, body))
        if end:
            await peer.drop()

    return refuse


BODIES = {
    "up to the end": _body(headers=[], body=b"because", end=True),
    "chunked": _body(
        headers=[("Transfer-Encoding", "chunked")], body=b"7\r\nbecause\r\n0\r\n\r\n", end=False
    ),
    "cut short": _body(headers=[("Content-Length", "1000")], body=b"because", end=True),
    "unfinished": _body(headers=[("Content-Length", "1000")], body=b"because", end=False),
    "missing": _body(headers=[("Content-Length", "0")], body=b"", end=False),
    "not text": _body(headers=[("Content-Length", "3")], body=b"\xff\x00\xfe", end=False),
}


@SOCKETS
@pytest.mark.parametrize("refuse", BODIES.values(), ids=BODIES.keys())
async def test_the_body_of_a_refusal_hides_no_status(kind: SocketKind, refuse: Script) -> None:
    assert (await _fail(kind, refuse)).status == 403


@SOCKETS
async def test_a_huge_body_is_not_the_message(kind: SocketKind) -> None:
    async def refuse(peer: RawPeer) -> None:
        with suppress(anyio.BrokenResourceError):  # the client may have heard enough
            await peer.refuse(500, body=b"<html>" * 2**20)

    error = await _fail(kind, refuse)
    assert error.status == 500
    assert len(str(error)) < 2000


# What is no upgrade


def _altered(old: str, new: str) -> Script:
    """A 101 response with one thing wrong."""

    async def spoil(peer: RawPeer) -> None:
        request = await peer.read_request()
        good = response_101(request).decode()
        bad = good.replace(old.replace("{accept}", request.accept), new)
        assert bad != good
        await peer.write(bad.encode())

    return spoil


def _says(data: bytes, *, end: bool = False) -> Script:
    async def spoil(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.write(data)
        if end:
            await peer.drop()

    return spoil


async def _reset(peer: RawPeer) -> None:
    await peer.read_request()
    peer.reset()


async def _reset_at_once(peer: RawPeer) -> None:
    peer.reset()


async def _head_without_end(peer: RawPeer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    with pytest.raises(anyio.BrokenResourceError):
        while True:
            await peer.write(b"X-More: and more and more\r\n" * 100)


SPOILED = {
    "wrong accept": _altered("{accept}", "x3JJHMbDL1EzLkh9GBhXDw=="),
    "no accept": _altered("Sec-WebSocket-Accept", "X-Accept"),
    "no upgrade": _altered("Upgrade: websocket\r\n", ""),
    "upgrade to something else": _altered("Upgrade: websocket", "Upgrade: h2c"),
    "no connection": _altered("Connection: Upgrade\r\n", ""),
    "unasked subprotocol": _altered("Upgrade: w", "Sec-WebSocket-Protocol: chat\r\nUpgrade: w"),
    "unasked extension": _altered(
        "Upgrade: w", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: w"
    ),
    "ssh": _says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "zeros": _says(b"\x00" * 200 + b"\r\n\r\n"),
    "a status that is no number": _says(b"HTTP/1.1 one-oh-one Hm\r\n\r\n"),
    "a header without a colon": _says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade\r\n\r\n"),
    "blank lines": _says(b"\r\n\r\n\r\n\r\n", end=True),
    "smtp and gone": _says(b"220 mail ready\r\n", end=True),
    "half a head and gone": _says(b"HTTP/1.1 101 Switching Protocols\r\nUpgr", end=True),
    "gone": _says(b"", end=True),
    "reset": _reset,
    "reset at once": _reset_at_once,
    "a head without end": _head_without_end,
}


@SOCKETS
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
async def test_what_is_no_upgrade_is_no_connection(kind: SocketKind, spoil: Script) -> None:
    error = await _fail(kind, spoil)
    assert error.close_code is None


@SOCKETS
async def test_nobody_listens(kind: SocketKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"ws://127.0.0.1:{closed.getsockname()[1]}/"
    error = await open_error(kind, Endpoint(url, HEADERS))
    _assert_no_secret(error)
    assert error.status is None


# Cancellation


async def _nothing(peer: RawPeer) -> None:
    """The TCP connection is accepted, and that is all."""


async def _only_request(peer: RawPeer) -> None:
    await peer.read_request()


async def _half_a_head(peer: RawPeer) -> None:
    await peer.write(response_101(await peer.read_request())[:40])


async def _half_a_refusal(peer: RawPeer) -> None:
    await peer.read_request()
    await peer.write(response(403, [("Content-Length", "100")], b"half"))


@SOCKETS
@pytest.mark.parametrize("script", [_nothing, _only_request, _half_a_head, _half_a_refusal])
async def test_cancelling_an_opening_closes_its_socket(kind: SocketKind, script: Script) -> None:
    with RawListener() as listener, anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as opening:
                opening.start_soon(kind.open, Endpoint(listener.url()), QUIET, tasks)
                peer = await listener.accept()
                await script(peer)
                opening.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await peer.read_to_end()


@SOCKETS
async def test_opening_in_a_cancelled_scope_opens_nothing(kind: SocketKind) -> None:
    with RawListener() as listener, anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await kind.open(Endpoint(listener.url()), QUIET, tasks)
            assert scope.cancelled_caught


async def _fail(kind: SocketKind, script: Script) -> ConnectFailed:
    with RawListener() as listener:
        endpoint = Endpoint(listener.url("/v1/realtime"), HEADERS)
        error = await opening_fails(kind, script, listener, endpoint)
    _assert_no_secret(error)
    return error


def _assert_no_secret(error: BaseException) -> None:
    """Neither the error nor anything it is chained to shows the key."""
    chain: BaseException | None = error
    while chain is not None:
        assert SECRET not in f"{chain} {chain!r} {vars(chain)}"
        chain = chain.__cause__ or chain.__context__
