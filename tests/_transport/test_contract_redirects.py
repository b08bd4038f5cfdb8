"""The transports' contract: redirects are followed within one origin, and the key goes nowhere else."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime._transport._endpoint import Endpoint
from anyrealtime.errors import ConnectFailed
from tests._transport.raw_peer import RawListener, RawPeer, Request
from tests._transport.transports import (
    LIMIT,
    QUIET,
    SOCKETS,
    SocketKind,
    open_error,
    opening_fails,
    receive,
)

HEADERS = (("Authorization", "Bearer sk-very-secret"),)


def _endpoint(listener: RawListener) -> Endpoint:
    return Endpoint(listener.url("/v1/realtime?model=m"), HEADERS, ("realtime",))


@SOCKETS
@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (301, "/there?x=1", "/there?x=1"),
        (302, "there", "/v1/there"),
        (303, "ws://127.0.0.1:{port}/there", "/there"),
        (307, "http://127.0.0.1:{port}/there", "/there"),
        (308, "//127.0.0.1:{port}/there", "/there"),
    ],
)
async def test_the_same_origin_is_followed_with_the_key(
    kind: SocketKind, status: int, location: str, target: str
) -> None:
    requests: list[Request] = []

    with RawListener() as listener, anyio.fail_after(LIMIT):

        async def serve() -> None:
            first = await listener.accept()
            where = location.format(port=listener.port)
            await first.refuse(status, headers=[("Location", where)])
            second = await listener.accept()
            requests.append(await second.upgrade(headers=[("Sec-WebSocket-Protocol", "realtime")]))
            await second.send("here")
            await first.read_to_end()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            transport = await kind.open(_endpoint(listener), QUIET, tasks)
            try:
                assert await receive(transport, 1) == [b"here"]
            finally:
                transport.abort()

    [request] = requests
    assert request.target == target
    assert request.headers["authorization"] == HEADERS[0][1]
    assert request.headers["host"] == f"127.0.0.1:{listener.port}"


OTHER_ORIGINS = {
    "other port": "ws://127.0.0.1:{other}/",
    "other host": "ws://localhost:{port}/",
    "other scheme": "wss://127.0.0.1:{port}/",
    "https": "https://127.0.0.1:{port}/",
    "default port": "ws://127.0.0.1/",
    "host in disguise": "ws://127.0.0.1:{port}@localhost:{other}/",
    "no scheme": "//127.0.0.1:{other}/",
}


@SOCKETS
@pytest.mark.parametrize("location", OTHER_ORIGINS.values(), ids=OTHER_ORIGINS.keys())
async def test_another_origin_is_not_followed(kind: SocketKind, location: str) -> None:
    with RawListener() as listener, RawListener() as other:
        where = location.format(port=listener.port, other=other.port)
        error = await _redirected(kind, listener, [("Location", where)])
        assert error.status == 302
        assert not listener.pending()
        assert not other.pending()


BROKEN = {
    "none": [],
    "empty": [("Location", "")],
    "not a URL": [("Location", "http://[")],
    "a bad port": [("Location", "ws://127.0.0.1:port/")],
    "another protocol": [("Location", "ftp://127.0.0.1/")],
}


@SOCKETS
@pytest.mark.parametrize("headers", BROKEN.values(), ids=BROKEN.keys())
async def test_a_redirect_to_nowhere(kind: SocketKind, headers: list[tuple[str, str]]) -> None:
    with RawListener() as listener:
        error = await _redirected(kind, listener, headers)
        assert error.status == 302
        assert not listener.pending()


@SOCKETS
async def test_redirects_without_end(kind: SocketKind) -> None:
    answered = 0

    async def serve() -> None:
        nonlocal answered
        while True:
            peer = await listener.accept()
            await peer.refuse(302, headers=[("Location", "/again")])
            answered += 1

    with RawListener() as listener:
        async with anyio.create_task_group() as serving:
            serving.start_soon(serve)
            await open_error(kind, _endpoint(listener))
            serving.cancel_scope.cancel()
    assert 2 <= answered <= 20


async def _redirected(
    kind: SocketKind, listener: RawListener, headers: list[tuple[str, str]]
) -> ConnectFailed:
    async def redirect(peer: RawPeer) -> None:
        await peer.refuse(302, headers=headers)

    return await opening_fails(kind, redirect, listener, _endpoint(listener))
