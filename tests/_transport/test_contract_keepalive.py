"""The transports' contract: a dead peer is found, and no live one is taken for dead.

The peer answers by script, so that each test sees exactly one thing count as life. Somebody
receives all the while, as the runtime's reader does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import pytest

from tests._transport.raw_peer import BINARY, PING, PONG, Frame, RawPeer, frame
from tests._transport.transports import (
    QUIET,
    SOCKETS,
    SocketKind,
    connected,
    receive,
    receive_to_end,
    send_until_stuck,
    told,
)

EAGER = replace(QUIET, ping_interval=0.03, ping_timeout=0.05)
FIRM = replace(QUIET, ping_interval=0.03, ping_timeout=0.5)  # room for a busy machine


@SOCKETS
async def test_a_silent_peer_is_pinged_and_given_up(kind: SocketKind) -> None:
    async with connected(kind, EAGER) as (transport, peer):
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (1006, "network")
        assert (await peer.read_frame()).opcode == PING
        await peer.read_to_end()  # the socket is closed, though nobody closed the transport
        await transport.aclose()


@SOCKETS
async def test_a_silent_peer_is_given_up_after_its_messages(kind: SocketKind) -> None:
    sent = frame("one") + frame("two") + frame("half")[:3]
    async with connected(kind, EAGER, after_101=sent) as (transport, _peer):
        messages, ending = await receive_to_end(transport)
        assert messages == [b"one", b"two"]
        assert told(ending) == (1006, "network")


@SOCKETS
async def test_a_peer_that_neither_reads_nor_answers(kind: SocketKind) -> None:
    """Half-open, with more queued than the network takes: PING cannot even be sent."""
    async with connected(kind, FIRM, buffer_bytes=2**14) as (transport, _peer):
        await send_until_stuck(transport, [b"." * 2**16] * 1000)
        assert told((await receive_to_end(transport))[1]) == (1006, "network")


async def _pong(peer: RawPeer, asked: Frame, turn: int) -> None:
    await peer.write(frame(asked.payload, PONG))


async def _ping(peer: RawPeer, asked: Frame, turn: int) -> None:
    await peer.write(frame(b"and you?", PING))


async def _one_byte(peer: RawPeer, asked: Frame, turn: int) -> None:
    """A large frame, one byte of it each time: no frame is complete, but the peer lives."""
    data = frame(b"x" * 10_000, BINARY)
    await peer.write(data[turn : turn + 1])


Sign = Callable[[RawPeer, Frame, int], Awaitable[None]]


@SOCKETS
@pytest.mark.parametrize("sign", [_pong, _ping, _one_byte])
async def test_any_byte_is_a_sign_of_life(kind: SocketKind, sign: Sign) -> None:
    """Nothing else comes, for longer than it takes to give up a peer that is silent."""
    async with connected(kind, FIRM) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive_to_end, transport)
            turn = 0
            with anyio.move_on_after(0.65):
                while True:
                    asked = await peer.read_until(PING)
                    await sign(peer, asked, turn)
                    turn += 1
            assert turn  # a silent peer would be gone by now
            tasks.cancel_scope.cancel()
        await transport.send([b"alive"])
        assert (await peer.receive()) == b"alive"


@SOCKETS
async def test_a_peer_that_asks_and_does_not_read_is_answered_in_the_end(kind: SocketKind) -> None:
    """Its PINGs do not fill our memory: of those that wait only the last one need be answered."""
    asked = 20_000
    pings = [frame(b"%0100d" % number, PING) for number in range(asked)]
    async with connected(kind, QUIET, buffer_bytes=2**14) as (transport, peer):
        await send_until_stuck(transport, [b"." * 2**16] * 1000)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.write, b"".join(pings) + frame("heard"))
            assert await receive(transport, 1) == [b"heard"]
        answered = 1
        while (await peer.read_until(PONG)).payload != b"%0100d" % (asked - 1):
            answered += 1
        assert answered < 1000


@SOCKETS
async def test_a_busy_socket_is_not_pinged(kind: SocketKind) -> None:
    """A busy machine may pause once or twice for long enough to deserve a PING, not each time."""
    options = replace(QUIET, ping_interval=0.1, ping_timeout=None)
    async with connected(kind, options) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive_to_end, transport)
            with anyio.move_on_after(0.9):
                while True:
                    await peer.send("busy")
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        await transport.send([b"last"])
        pings = 0
        while (await peer.read_frame()).opcode == PING:
            pings += 1
        assert pings <= 2


@SOCKETS
async def test_without_an_interval_nothing_is_asked(kind: SocketKind) -> None:
    async with connected(kind, replace(QUIET, ping_timeout=0.01)) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive_to_end, transport)
            with anyio.move_on_after(0.2) as silence:
                await peer.read_frame()
            assert silence.cancelled_caught
            tasks.cancel_scope.cancel()
        await peer.send("still here")
        assert await receive(transport, 1) == [b"still here"]


@SOCKETS
async def test_without_a_timeout_nobody_is_given_up(kind: SocketKind) -> None:
    options = replace(QUIET, ping_interval=0.02, ping_timeout=None)
    async with connected(kind, options) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive_to_end, transport)
            for _ in range(5):
                assert (await peer.read_frame()).opcode == PING
            tasks.cancel_scope.cancel()
        await peer.send("at last")
        assert await receive(transport, 1) == [b"at last"]


@SOCKETS
async def test_keepalive_ends_with_the_connection(kind: SocketKind) -> None:
    """A close that takes longer than a silent peer is given is still a close by us."""
    options = replace(QUIET, ping_interval=0.15, ping_timeout=0.15, close_timeout=0.5)
    async with connected(kind, options) as (transport, _peer):
        await transport.aclose()
        assert told((await receive_to_end(transport))[1]) == (1000, "client")
