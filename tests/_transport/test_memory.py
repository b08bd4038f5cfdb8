"""What is particular to the in-memory pair; the contract itself is tested with the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from anyrealtime._transport._base import Transport, TransportClosed
from anyrealtime.testing import MemoryPeer, MemoryTransport, memory_transport_pair
from tests._transport.transports import LIMIT, told


def test_it_is_a_transport() -> None:
    transport, peer = memory_transport_pair()
    assert isinstance(transport, MemoryTransport)
    assert isinstance(transport, Transport)
    assert isinstance(peer, MemoryPeer)
    assert transport.raw is transport


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_lets_nothing_through(bound: int) -> None:
    with pytest.raises(ValueError, match="max_messages"):
        memory_transport_pair(max_messages=bound)


async def test_a_batch_arrives_together() -> None:
    transport, peer = memory_transport_pair()
    with anyio.fail_after(LIMIT):
        await peer.send("a")
        await peer.send(b"b")
        assert await transport.receive() == [b"a", b"b"]


async def test_the_clients_bound() -> None:
    """`send` waits at the bound exactly, and a batch that began to fit is not cut."""
    transport, peer = memory_transport_pair(max_messages=2)
    with anyio.fail_after(LIMIT):
        await transport.send([b"1"])
        await transport.send([b"2", b"3"])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.send, [b"4"])
            await anyio.wait_all_tasks_blocked()
            assert await peer.receive() == b"1"
            await anyio.wait_all_tasks_blocked()
            assert tasks.cancel_scope.cancel_called is False
            assert [await peer.receive() for _ in range(3)] == [b"2", b"3", b"4"]


async def test_the_peers_bound() -> None:
    transport, peer = memory_transport_pair(max_messages=1)
    with anyio.fail_after(LIMIT):
        await peer.send("1")
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(peer.send, "2")
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        assert await transport.receive() == [b"1"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.send, "3")
            assert await transport.receive() == [b"3"]


async def test_the_peer_learns_of_every_end() -> None:
    with anyio.fail_after(LIMIT):
        transport, peer = memory_transport_pair()
        await transport.send([b"last words"])
        await transport.aclose(4000, "done")
        assert await peer.receive() == b"last words"
        for attempt in (peer.receive, lambda: peer.send("late")):
            with pytest.raises(TransportClosed) as raised:
                await attempt()
            assert (raised.value.code, raised.value.reason) == (4000, "done")
            assert raised.value.by == "client"


async def test_the_first_end_stands() -> None:
    with anyio.fail_after(LIMIT):
        transport, peer = memory_transport_pair()
        peer.drop()
        peer.close(1000)
        await transport.aclose()
        transport.abort()
        with pytest.raises(TransportClosed) as raised:
            await transport.receive()
        assert told(raised.value) == (1006, "network")


async def test_a_cancelled_aclose_is_an_abort() -> None:
    with anyio.fail_after(LIMIT):
        transport, peer = memory_transport_pair()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await transport.aclose()
        with pytest.raises(TransportClosed) as raised:
            await peer.receive()
        assert told(raised.value) == (1006, "client")


async def test_an_end_wakes_everyone() -> None:
    transport, peer = memory_transport_pair(max_messages=1)

    async def assert_closed(attempt: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(TransportClosed):
            await attempt()

    with anyio.fail_after(LIMIT):
        await transport.send([b"full"])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(assert_closed, transport.receive)
            tasks.start_soon(assert_closed, lambda: transport.send([b"more"]))
            await anyio.wait_all_tasks_blocked()
            peer.close(1001)
