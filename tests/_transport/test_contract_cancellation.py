"""The transports' contract: a cancelled `receive` loses nothing, and every await can be cancelled.

Cancelled openings are in `_handshake`, sends in `_sending`, closes in `_closing`.
"""

from __future__ import annotations

import anyio
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import Transport
from tests._transport.raw_peer import CONT, PING, PONG, frame
from tests._transport.transports import (
    EVERY,
    SOCKETS,
    Kind,
    SocketKind,
    connected,
    receive,
    receive_impatiently,
)


async def _cancel_a_waiting_receive(transport: Transport) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(transport.receive)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


@EVERY
async def test_a_receive_cancelled_while_it_waits(kind: Kind) -> None:
    async with kind.link() as (transport, peer):
        await _cancel_a_waiting_receive(transport)
        await peer.send("after")
        assert await receive(transport, 1) == [b"after"]


@EVERY
async def test_a_receive_in_a_cancelled_scope_takes_nothing(kind: Kind) -> None:
    """A checkpoint even where messages are there to take."""
    async with kind.link() as (transport, peer):
        await peer.send("first")
        await peer.send("second")
        got = await transport.receive()
        await peer.send("third")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await transport.receive()
        assert scope.cancelled_caught
        assert got + await receive(transport, 3 - len(got)) == [b"first", b"second", b"third"]


@SOCKETS
async def test_a_cancelled_receive_takes_nothing_that_is_at_hand(kind: SocketKind) -> None:
    async with connected(kind, after_101=frame("first")) as (transport, _peer):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await transport.receive()
        assert scope.cancelled_caught
        assert await receive(transport, 1) == [b"first"]


@EVERY
async def test_receives_cancelled_at_any_turn(kind: Kind) -> None:
    """Cancelled before, in and after the turn in which a message arrives: none is lost."""
    sent = [f"message {i}".encode() for i in range(300)]
    received: list[bytes] = []
    async with kind.link() as (transport, peer):

        async def take() -> None:
            received.extend(await transport.receive())

        for i, message in enumerate(sent):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(take)
                for _ in range(i % 3):
                    await checkpoint()
                await peer.send(message)
                for _ in range(i % 5):
                    await checkpoint()
                tasks.cancel_scope.cancel()
        received += await receive(transport, len(sent) - len(received))
    assert received == sent


@EVERY
async def test_receives_that_time_out_lose_nothing(kind: Kind) -> None:
    """A reader that gives up every so often, wherever that falls in a stream of messages."""
    sent = [f"{i} {'.' * (i % 700)}".encode() for i in range(5000)]
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def send() -> None:
            for message in sent:
                await peer.send(message)

        tasks.start_soon(send)
        assert await receive_impatiently(transport, len(sent)) == sent


@SOCKETS
async def test_a_receive_cancelled_within_a_frame(kind: SocketKind) -> None:
    data = frame("x" * 70_000)
    async with connected(kind) as (transport, peer):
        for cut in (1, 3, 9, 10, 11, 40_000, len(data) - 1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(transport.receive)
                await peer.write(frame(b"", PING) + data[:cut])
                assert (await peer.read_frame()).opcode == PONG  # so it has been read
                tasks.cancel_scope.cancel()
            await peer.write(data[cut:])
            assert await receive(transport, 1) == [b"x" * 70_000]


@SOCKETS
async def test_a_receive_cancelled_between_fragments(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame("one ", fin=False))
        await _cancel_a_waiting_receive(transport)
        await peer.write(frame("two ", CONT, fin=False) + frame("ping", PING))
        await _cancel_a_waiting_receive(transport)
        await peer.write(frame("three", CONT))
        assert await receive(transport, 1) == [b"one two three"]
        assert (await peer.read_frame()).opcode == PONG


@EVERY
async def test_a_cancelled_program_leaves_no_task_behind(kind: Kind) -> None:
    """Everything at work is cancelled together, as when the user's own group fails."""
    async with kind.link() as (transport, peer):
        async with anyio.create_task_group() as program:

            async def send() -> None:
                while True:
                    await transport.send([b"x" * 1000])

            async def listen() -> None:
                while True:
                    await transport.receive()

            async def talk() -> None:
                while True:
                    await peer.send("y" * 1000)

            async def read() -> None:
                for _ in range(100):
                    await peer.receive()
                program.cancel_scope.cancel()

            for task in (send, listen, talk, read):
                program.start_soon(task)
        transport.abort()
