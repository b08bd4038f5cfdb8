"""The transports' contract: every way in which the other side or the network ends a connection.

All messages that came before the end are returned first; then `receive` raises one
`TransportClosed` however often it is asked. Our own ways of ending are in `_closing`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
import pytest

from anyrealtime._transport._base import Transport, TransportClosed
from tests._transport.raw_peer import CLOSE, CONT, PING, RawPeer, close_frame, frame
from tests._transport.transports import (
    EVERY,
    QUIET,
    SOCKETS,
    Kind,
    SocketKind,
    connected,
    receive,
    receive_to_end,
    told,
)

CODES = [
    (1000, ""),
    (1000, "bye"),
    (1001, "session expired"),
    (1011, "Fehler: größer ✗"),
    (3000, "invalid_request_error.invalid_api_key"),
    (4000, "x" * 123),
    (4999, ""),
]


# Clean ends


@EVERY
@pytest.mark.parametrize(("code", "reason"), CODES)
async def test_the_servers_close(kind: Kind, code: int, reason: str) -> None:
    async with kind.link() as (transport, peer):
        await peer.send("one")
        await peer.send("two")
        await peer.close(code, reason)
        messages, ending = await receive_to_end(transport)
        assert messages == [b"one", b"two"]
        assert (ending.code, ending.reason, ending.by) == (code, reason, "server")


@SOCKETS
async def test_close_without_a_code(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(close_frame())
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert (ending.code, ending.reason, ending.by) == (1005, "", "server")
        assert (await peer.read_until(CLOSE)).close[0] in {1000, 1005}  # both echoes are in use


@SOCKETS
async def test_the_servers_close_is_answered(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.close(1001, "going")
        await receive_to_end(transport)
        assert (await peer.read_frame()).close[0] == 1001


@SOCKETS
async def test_the_end_is_told_though_the_server_keeps_the_socket(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.close(3000, "no")
        assert told((await receive_to_end(transport))[1]) == (3000, "server")
        await transport.aclose()
        assert (await peer.read_until(CLOSE)).close[0] == 3000
        assert await peer.read_to_end() == b""  # we end the byte stream without the server


@SOCKETS
async def test_what_follows_a_close_is_nothing(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(close_frame(1000) + frame("late") + close_frame(1001) + b"\xff" * 50)
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (1000, "server")


@SOCKETS
async def test_error_and_close_in_the_segment_of_the_101(kind: SocketKind) -> None:
    refusal = frame('{"type":"error"}') + close_frame(3000, "bad key")
    async with connected(kind, after_101=refusal) as (transport, peer):
        await peer.drop()
        messages, ending = await receive_to_end(transport)
        assert messages == [b'{"type":"error"}']
        assert (ending.code, ending.reason, ending.by) == (3000, "bad key", "server")


@SOCKETS
async def test_a_close_cut_at_any_byte(kind: SocketKind) -> None:
    data = close_frame(4001, "ü")
    for cut in range(1, len(data)):
        async with connected(kind) as (transport, peer):
            await peer.write(frame("first") + data[:cut])
            assert await receive(transport, 1) == [b"first"]
            await peer.write(data[cut:])
            _, ending = await receive_to_end(transport)
            assert (ending.code, ending.reason, ending.by) == (4001, "ü", "server")


@SOCKETS
async def test_a_close_within_fragments_ends_it(kind: SocketKind) -> None:
    """RFC 6455 forbids it to the server; whose fault it is, the library may decide."""
    async with connected(kind) as (transport, peer):
        await peer.write(frame("before") + frame("half", fin=False) + close_frame(1001))
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) in {(1001, "server"), (1002, "client")}


# Losses: no CLOSE frame


@EVERY
async def test_a_drop(kind: Kind) -> None:
    async with kind.link() as (transport, peer):
        await peer.send("one")
        await peer.send("two")
        await peer.drop()
        messages, ending = await receive_to_end(transport)
        assert messages == [b"one", b"two"]
        assert told(ending) == (1006, "network")


@EVERY
async def test_a_drop_wakes_a_waiting_receive(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def waiting() -> None:
            messages, ending = await receive_to_end(transport)
            assert not messages
            assert told(ending) == (1006, "network")

        tasks.start_soon(waiting)
        await anyio.wait_all_tasks_blocked()
        await peer.drop()


@SOCKETS
async def test_a_reset(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.send("one")
        assert await receive(transport, 1) == [b"one"]  # a reset may drop what is unread
        peer.reset()
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (1006, "network")


@SOCKETS
async def test_a_reset_shows_in_sending_at_the_latest_after_receiving(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        peer.reset()
        await receive_to_end(transport)
        with pytest.raises(TransportClosed) as raised:
            await transport.send([b"into the void"])
        assert told(raised.value) == (1006, "network")


CUTS = {
    "in a header": frame("x" * 200)[:1],
    "in a length": frame("x" * 200)[:3],
    "in a payload": frame("x" * 200)[:50],
    "in a binary payload": frame(b"x" * 200, 2)[:50],
    "in a ping": frame("x" * 100, PING)[:50],
    "in a close": close_frame(1000, "bye")[:3],
    "between fragments": frame("x", fin=False) + frame("y", CONT, fin=False),
}


@SOCKETS
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_a_cut_in_mid_frame(kind: SocketKind, cut: bytes) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame("before") + cut)
        await peer.drop()
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) == (1006, "network")


@SOCKETS
async def test_thousands_of_messages_before_a_drop(kind: SocketKind) -> None:
    sent = [f"message {i}".encode() for i in range(5000)]
    async with connected(kind) as (transport, peer):

        async def send_and_drop() -> None:
            await peer.write(b"".join(map(frame, sent)))
            await peer.drop()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_and_drop)
            messages, ending = await receive_to_end(transport)
            assert messages == sent
            assert told(ending) == (1006, "network")


# After the end


async def _close(peer: RawPeer) -> None:
    await peer.close(1001, "away")


async def _drop(peer: RawPeer) -> None:
    await peer.drop()


async def _reset(peer: RawPeer) -> None:
    peer.reset()


async def _break(peer: RawPeer) -> None:
    await peer.write(b"\xff\x00")


PINGING = replace(QUIET, ping_interval=0.001, ping_timeout=None)  # its tasks are at work
WAYS = pytest.mark.parametrize("end", [_close, _drop, _reset, _break])


@SOCKETS
@WAYS
async def test_an_end_stays_the_same(
    kind: SocketKind, end: Callable[[RawPeer], Awaitable[None]]
) -> None:
    async with connected(kind, PINGING) as (transport, peer):
        await end(peer)
        _, first = await receive_to_end(transport)
        for _ in range(3):
            with pytest.raises(TransportClosed) as raised:
                await transport.receive()
            assert (raised.value.code, raised.value.reason) == (first.code, first.reason)
            assert raised.value.by == first.by
            with pytest.raises(TransportClosed) as raised:
                await transport.send([b"late"])
            assert told(raised.value) == told(first)
            await transport.aclose()
        transport.abort()
        assert told((await receive_to_end(transport))[1]) == told(first)


@SOCKETS
@WAYS
async def test_an_end_before_anyone_receives(
    kind: SocketKind, end: Callable[[RawPeer], Awaitable[None]]
) -> None:
    """`aclose` of a connection that the other side has ended already is quiet."""
    async with connected(kind, QUIET) as (transport, peer):
        await end(peer)
        await transport.aclose()
        await _assert_over(transport)


@EVERY
async def test_raising_an_end_again_grows_no_traceback(kind: Kind) -> None:
    """One exception raised over and over would keep every frame it passed through."""
    async with kind.link() as (transport, peer):
        await peer.drop()
        depths: list[int] = []
        for _ in range(5):
            _, ending = await receive_to_end(transport)
            depth, frames = 0, ending.__traceback__
            while frames is not None:
                depth, frames = depth + 1, frames.tb_next
            depths.append(depth)
        assert depths[1] == depths[-1]


async def _assert_over(transport: Transport) -> None:
    with pytest.raises(TransportClosed):
        await transport.send([b"late"])
    with pytest.raises(TransportClosed):
        await transport.receive()


@SOCKETS
async def test_the_answer_to_a_close_is_one_frame(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.close(4321, "once")
        await receive_to_end(transport)
        await transport.aclose(1000, "twice?")
        assert (await peer.read_frame()).close[0] == 4321
        assert await peer.read_to_end() == b""
