"""The transports' contract: no way of ending, and no failed opening, leaves a file or a task behind."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import Transport
from anyrealtime._transport._endpoint import Endpoint
from tests._transport.raw_peer import RawListener, RawPeer, close_frame
from tests._transport.transports import SOCKETS, SocketKind, connected, open_error, receive_to_end


async def _aclose(transport: Transport, peer: RawPeer) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        await peer.ended()


async def _abort(transport: Transport, peer: RawPeer) -> None:
    transport.abort()


async def _server_close(transport: Transport, peer: RawPeer) -> None:
    await peer.write(close_frame(1000))
    await receive_to_end(transport)
    await transport.aclose()


async def _reset(transport: Transport, peer: RawPeer) -> None:
    peer.reset()
    await receive_to_end(transport)
    await transport.aclose()


async def _cancelled(transport: Transport, peer: RawPeer) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await transport.aclose()


@SOCKETS
@pytest.mark.parametrize("way", [_aclose, _abort, _server_close, _reset, _cancelled])
async def test_no_way_of_ending_leaks(
    kind: SocketKind, way: Callable[[Transport, RawPeer], Awaitable[None]]
) -> None:
    before = await _open_files()
    async with connected(kind) as (transport, peer):
        await transport.send([b"unread"])
        await peer.send("unread")
        await way(transport, peer)
    del transport
    assert await _open_files() == before


@SOCKETS
async def test_no_failed_opening_leaks(kind: SocketKind) -> None:
    before = await _open_files()
    with RawListener() as listener:

        async def refuse() -> None:
            await (await listener.accept()).refuse(403)

        error = await open_error(kind, Endpoint(listener.url()), beside=refuse)
        assert error.status == 403
    assert await _open_files() == before


async def _open_files() -> int:
    """How many files are open, with garbage collected: a ResourceWarning there is an error."""
    for _ in range(5):
        await checkpoint()  # asyncio closes a socket in a later turn
    gc.collect()
    return len([one async for one in anyio.Path("/dev/fd").iterdir()])
