"""The transports' contract: sending to a peer that reads slowly or not at all.

`send` waits, `receive` does not notice, and a cancelled `send` leaves all of its frames or
none. The connection stays usable whatever was cancelled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import Transport
from tests._transport.raw_peer import CLOSE, PING, PONG, RawPeer, frame
from tests._transport.transports import (
    CHUNK,
    EVERY,
    QUIET,
    SOCKETS,
    Flood,
    Kind,
    Peer,
    SocketKind,
    connected,
    receive,
    receive_to_end,
    send_until_stuck,
    told,
)

SMALL = 2**14


@EVERY
async def test_send_waits_for_a_peer_that_does_not_read(kind: Kind) -> None:
    numbered = [f"{i:03} ".encode() + CHUNK for i in range(1000)]
    async with kind.link() as (transport, peer):
        taken = await send_until_stuck(transport, numbered)
        assert taken
        received = await _read_until(peer, transport, b"the end")
    # The cancelled send is there or it is not; everything before it is.
    assert received in (numbered[:taken], numbered[: taken + 1])


@EVERY
async def test_a_send_that_waits_goes_on_when_the_peer_reads(kind: Kind) -> None:
    numbered = [f"{i:03} ".encode() + CHUNK for i in range(1000)]
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:
        flood = Flood(transport, numbered)
        tasks.start_soon(flood.run)
        await flood.until_stuck()
        for one in numbered:
            assert await peer.receive() == one


@EVERY
async def test_a_cancelled_send_leaves_all_or_none(kind: Kind) -> None:
    """Four times: send batches of three until one is stuck, cancel that, and let the peer read."""
    async with kind.link() as (transport, peer):
        for turn in range(4):
            batches = [
                [f"{turn} {i} {part} ".encode() + CHUNK for part in "abc"] for i in range(300)
            ]
            taken = 0

            async def send(batches: list[list[bytes]] = batches) -> None:
                nonlocal taken
                for batch in batches:
                    await transport.send(batch)
                    taken += 1

            async with anyio.create_task_group() as sending:
                sending.start_soon(send)
                await anyio.wait_all_tasks_blocked()
                sending.cancel_scope.cancel()
            assert taken < len(batches)
            received = await _read_until(peer, transport, b"end of turn")
            assert received in (
                [one for batch in batches[:taken] for one in batch],
                [one for batch in batches[: taken + 1] for one in batch],
            )


@EVERY
async def test_a_send_in_a_cancelled_scope_sends_nothing(kind: Kind) -> None:
    async with kind.link() as (transport, peer):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await transport.send([b"never"])
        assert scope.cancelled_caught
        await transport.send([b"sent"])
        assert await peer.receive() == b"sent"


@EVERY
async def test_sends_cancelled_at_any_turn(kind: Kind) -> None:
    """What was sent is a gapless run of whole batches, wherever the cancellation fell."""
    async with kind.link() as (transport, peer):
        done: list[int] = []
        for turn in range(100):
            batch = [f"{turn} {part}".encode() for part in "ab"]
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:

                    async def cancel(scope: anyio.CancelScope = scope, turn: int = turn) -> None:
                        for _ in range(turn % 4):
                            await checkpoint()
                        scope.cancel()

                    tasks.start_soon(cancel)
                    await transport.send(batch)
                    done.append(turn)
        received = await _read_until(peer, transport, b"end")
    turns = [int(message.split()[0]) for message in received[::2]]
    assert received == [f"{turn} {part}".encode() for turn in turns for part in "ab"]
    assert turns == sorted(set(turns))
    assert set(done) <= set(turns)


@SOCKETS
async def test_receiving_goes_on_while_sending_waits(kind: SocketKind) -> None:
    async with (
        connected(kind, QUIET, buffer_bytes=SMALL) as (transport, peer),
        anyio.create_task_group() as tasks,
    ):
        flood = Flood(transport)
        tasks.start_soon(flood.run)
        await flood.until_stuck()
        for i in range(50):
            await peer.write(frame(f"ping {i}", PING) + frame(f"message {i}"))
            assert await receive(transport, 1) == [f"message {i}".encode()]
        tasks.cancel_scope.cancel()


@SOCKETS
async def test_pings_are_answered_once_the_peer_reads_again(kind: SocketKind) -> None:
    async with connected(kind, QUIET, buffer_bytes=SMALL) as (transport, peer):
        await send_until_stuck(transport)
        await peer.write(frame("still there?", PING) + frame("message"))
        assert await receive(transport, 1) == [b"message"]
        assert (await peer.read_until(PONG)).payload == b"still there?"


@SOCKETS
async def test_both_sides_write_before_they_read(kind: SocketKind) -> None:
    """A peer that reads only when all of its own is out must not stop either side."""
    async with connected(kind, QUIET, buffer_bytes=SMALL) as (transport, peer):
        count = 60

        async def play() -> None:
            for _ in range(count):
                await peer.write(frame(CHUNK))
            for _ in range(count):
                assert await peer.receive() == CHUNK

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(play)
            tasks.start_soon(_send_all, transport, [CHUNK] * count)
            assert await receive(transport, count) == [CHUNK] * count


async def _reset(peer: RawPeer) -> None:
    peer.reset()


async def _drop(peer: RawPeer) -> None:
    await peer.drop()


@SOCKETS
@pytest.mark.parametrize("end", [_reset, _drop])
async def test_a_loss_wakes_a_waiting_send(
    kind: SocketKind, end: Callable[[RawPeer], Awaitable[None]]
) -> None:
    """As long as someone receives: a loss is found by reading."""
    async with connected(kind, QUIET, buffer_bytes=SMALL) as (transport, peer):
        flood = Flood(transport)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood.run)
            tasks.start_soon(receive_to_end, transport)
            await flood.until_stuck()
            await end(peer)
        assert flood.ending == (1006, "network")


@SOCKETS
async def test_the_servers_close_wakes_a_waiting_send(kind: SocketKind) -> None:
    async with connected(kind, QUIET, buffer_bytes=SMALL) as (transport, peer):
        flood = Flood(transport)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood.run)
            await flood.until_stuck()
            await peer.close(1001)
            assert told((await receive_to_end(transport))[1]) == (1001, "server")
        assert flood.ending == (1001, "server")


@SOCKETS
async def test_frames_of_one_send_are_whole_beside_pongs(kind: SocketKind) -> None:
    """PONG goes between messages, never into one, whichever task writes it."""
    async with connected(kind) as (transport, peer):
        count = 300
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_send_all, transport, [CHUNK] * count)
            tasks.start_soon(peer.write, b"".join(frame(f"{i}", PING) for i in range(count)))
            tasks.start_soon(receive_to_end, transport)
            for _ in range(count):
                assert await peer.receive() == CHUNK
            tasks.start_soon(transport.aclose)
            await peer.read_until(CLOSE)
            await peer.drop()


async def _send_all(transport: Transport, frames: Sequence[bytes]) -> None:
    for one in frames:
        await transport.send([one])


async def _read_until(peer: Peer, transport: Transport, marker: bytes) -> list[bytes]:
    """Send `marker`, which shows that the connection is usable, and read up to it."""
    received: list[bytes] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.send, [marker])
        while (message := await peer.receive()) != marker:
            received.append(message)
    return received
