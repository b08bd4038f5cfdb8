"""The transports' contract: the ways in which we end a connection.

`aclose` sends what is queued, then CLOSE, and is bounded whatever the peer does; `abort`
says nothing and wakes everyone.
"""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from anyrealtime._transport._base import TransportClosed
from tests._transport.raw_peer import (
    CLOSE,
    PING,
    PONG,
    PeerGone,
    frame,
)
from tests._transport.transports import (
    CHUNK,
    EVERY,
    PATIENT,
    QUIET,
    SOCKETS,
    Flood,
    Kind,
    SocketKind,
    connected,
    receive_to_end,
    send_until_stuck,
    told,
)

SHORT = replace(QUIET, close_timeout=0.1)


# A peer that answers


@EVERY
@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1000, "done"), (1001, "größer"), (4999, "x" * 123)]
)
async def test_a_clean_close(kind: Kind, code: int, reason: str) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def assert_told() -> None:
            assert await peer.ended() == (code, reason)

        tasks.start_soon(assert_told)
        await transport.aclose(code, reason)
        messages, ending = await receive_to_end(transport)
        assert not messages
        assert told(ending) == (code, "client")
        with pytest.raises(TransportClosed) as raised:
            await transport.send([b"late"])
        assert told(raised.value) == (code, "client")


@EVERY
async def test_the_default_is_a_normal_close(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        assert await peer.ended() == (1000, "")


@SOCKETS
async def test_aclose_waits_for_the_answer(kind: SocketKind) -> None:
    order: list[str] = []
    async with connected(kind, PATIENT) as (transport, peer):

        async def close() -> None:
            await transport.aclose()
            order.append("closed")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close)
            said = await peer.read_until(CLOSE)
            await anyio.wait_all_tasks_blocked()
            order.append("answered")
            await peer.write(frame(said.payload, CLOSE))
            await peer.drop()
    assert order == ["answered", "closed"]


@EVERY
async def test_what_was_sent_arrives_before_the_close(kind: Kind) -> None:
    sent = [f"message {i}".encode() for i in range(200)]
    received: list[bytes] = []
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def read() -> None:
            received.extend([await peer.receive() for _ in sent])
            assert await peer.ended() == (1000, "")

        tasks.start_soon(read)
        await transport.send(sent)
        await transport.aclose()
    assert received == sent


@SOCKETS
async def test_a_backlog_arrives_before_the_close(kind: SocketKind) -> None:
    """Queued behind full buffers when `aclose` is called, read only afterwards."""
    async with connected(kind, PATIENT, buffer_bytes=2**14) as (transport, peer):
        taken = await send_until_stuck(transport)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.aclose)
            for _ in range(taken):
                assert await peer.receive() == CHUNK
            while (last := await peer.read_frame()).opcode != CLOSE:
                taken += 1  # the cancelled send may have been sent whole: one at most
                assert last.payload == CHUNK
            assert last.close == (1000, "")
            await peer.write(frame(last.payload, CLOSE))
            await peer.drop()


@EVERY
async def test_aclose_wakes_a_waiting_receive(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def waiting() -> None:
            messages, ending = await receive_to_end(transport)
            assert not messages
            assert told(ending) == (4000, "client")

        tasks.start_soon(waiting)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(transport.aclose, 4000)
        assert await peer.ended() == (4000, "")


@SOCKETS
async def test_a_send_while_closing_is_refused(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose, 4000)
        await peer.read_until(CLOSE)
        with pytest.raises(TransportClosed) as raised:
            await transport.send([b"late"])
        assert told(raised.value) == (4000, "client")
        await peer.drop()


@SOCKETS
async def test_aclose_beside_a_waiting_send(kind: SocketKind) -> None:
    """The send is refused or comes whole before the CLOSE; which, the transport may decide."""
    async with connected(kind, PATIENT, buffer_bytes=2**14) as (transport, peer):
        await send_until_stuck(transport)
        batch = [b"one", CHUNK + b"two", b"three"]
        refusals: list[tuple[int, str]] = []

        async def send() -> None:
            try:
                await transport.send(batch)
            except TransportClosed as refusal:
                refusals.append(told(refusal))

        received: list[bytes] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(transport.aclose, 4000)
            while (got := await peer.read_frame()).opcode != CLOSE:
                if got.payload != CHUNK:
                    received.append(got.payload)
            await peer.drop()
        assert refusals in ([], [(4000, "client")])
        assert received == ([] if refusals else batch)


@EVERY
async def test_what_had_arrived_is_returned_after_aclose(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:
        for text in ("one", "two", "three"):
            await peer.send(text)
        tasks.start_soon(peer.ended)
        await transport.aclose()
        messages, ending = await receive_to_end(transport)
        assert messages == [b"one", b"two", b"three"]
        assert told(ending) == (1000, "client")


@SOCKETS
async def test_a_server_that_talks_on_after_our_close(kind: SocketKind) -> None:
    """Until its CLOSE comes the server may send anything; none of it may break ours."""
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        said = await peer.read_until(CLOSE)
        await peer.write(frame("ping", PING) + frame("late") + frame(b"", PONG))
        await peer.write(frame("late", fin=False) + frame("ping", PING))
        await peer.write(frame(said.payload, CLOSE))
        await peer.drop()
        assert told((await receive_to_end(transport))[1]) == (1000, "client")


@SOCKETS
async def test_two_closes_that_cross(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        await peer.close(1001, "me too")
        tasks.start_soon(transport.aclose)
        await peer.read_until(CLOSE)
        await peer.drop()
        assert told((await receive_to_end(transport))[1]) in {(1000, "client"), (1001, "server")}


# A peer that does not


@SOCKETS
async def test_a_silent_peer(kind: SocketKind) -> None:
    async with connected(kind, SHORT) as (transport, peer):
        await transport.aclose(4000, "bye")
        assert told((await receive_to_end(transport))[1]) == (4000, "client")
        assert (await peer.read_frame()).close == (4000, "bye")
        assert await peer.read_to_end() == b""


@SOCKETS
async def test_a_peer_that_answers_and_keeps_the_socket(kind: SocketKind) -> None:
    async with connected(kind, SHORT) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        said = await peer.read_until(CLOSE)
        await peer.write(frame(said.payload, CLOSE))
        assert await peer.read_to_end() == b""


@SOCKETS
async def test_a_peer_that_never_stops_talking(kind: SocketKind) -> None:
    """Each message must not start the wait for CLOSE anew."""
    async with connected(kind, SHORT) as (transport, peer), anyio.create_task_group() as tasks:

        async def talk() -> None:
            with pytest.raises(anyio.BrokenResourceError):
                while True:
                    await peer.write(frame("blah"))

        tasks.start_soon(talk)
        await transport.aclose()


@SOCKETS
async def test_a_peer_that_does_not_read(kind: SocketKind) -> None:
    async with connected(kind, SHORT, buffer_bytes=2**14) as (transport, peer):
        flood = Flood(transport)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flood.run)
            await flood.until_stuck()
            await transport.aclose()
        assert flood.ending == (1000, "client")
        with pytest.raises(PeerGone):
            while True:
                assert (await peer.read_frame()).payload in {CHUNK, (1000).to_bytes(2, "big")}


@SOCKETS
async def test_a_peer_that_drops_instead_of_answering(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        await peer.read_until(CLOSE)
        peer.reset()
        assert told((await receive_to_end(transport))[1]) == (1000, "client")


# Again, at once, cancelled


@EVERY
async def test_closing_again_is_nothing(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(peer.ended)
        await transport.aclose(4000)
        await transport.aclose(4001)
        transport.abort()
        await transport.aclose(4002)
        assert told((await receive_to_end(transport))[1]) == (4000, "client")


@SOCKETS
async def test_closing_from_several_tasks_says_it_once(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(transport.aclose)
        said = await peer.read_until(CLOSE)
        await anyio.wait_all_tasks_blocked()
        await peer.write(frame(said.payload, CLOSE))
        await peer.write_eof()
        assert await peer.read_to_end() == b""


@EVERY
async def test_aclose_under_cancellation_returns_at_once(kind: Kind) -> None:
    async with kind.link() as (transport, peer):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await transport.aclose()
        assert (await receive_to_end(transport))[1].by == "client"
        await peer.ended()


@SOCKETS
async def test_cancelling_aclose_ends_the_connection_at_once(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.aclose)
            await peer.read_until(CLOSE)
            tasks.cancel_scope.cancel()
        assert await peer.read_to_end() == b""
        assert told((await receive_to_end(transport))[1]) == (1000, "client")


@SOCKETS
async def test_cancelling_one_of_two_closes_leaves_no_one_waiting(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        async with anyio.create_task_group() as first:
            first.start_soon(transport.aclose)
            await peer.read_until(CLOSE)
            tasks.start_soon(transport.aclose)
            await anyio.wait_all_tasks_blocked()
            first.cancel_scope.cancel()
        assert await peer.read_to_end() == b""


# Abort


@EVERY
async def test_abort_wakes_a_waiting_receive(kind: Kind) -> None:
    async with kind.link() as (transport, peer), anyio.create_task_group() as tasks:

        async def waiting() -> None:
            assert told((await receive_to_end(transport))[1]) == (1006, "client")

        tasks.start_soon(waiting)
        await anyio.wait_all_tasks_blocked()
        transport.abort()
        assert await peer.ended() == (1006, "")


@EVERY
async def test_abort_wakes_a_waiting_send(kind: Kind) -> None:
    async with kind.link() as (transport, _peer):
        flood = Flood(transport)
        async with anyio.create_task_group() as sending:
            sending.start_soon(flood.run)
            await flood.until_stuck()
            transport.abort()
        assert flood.ending == (1006, "client")


@SOCKETS
async def test_abort_says_nothing(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        transport.abort()
        assert await peer.read_to_end() == b""


@EVERY
async def test_abort_again_is_nothing(kind: Kind) -> None:
    async with kind.link() as (transport, _peer):
        transport.abort()
        transport.abort()
        await transport.aclose()
        assert told((await receive_to_end(transport))[1]) == (1006, "client")
        transport.abort()


@SOCKETS
async def test_abort_during_aclose(kind: SocketKind) -> None:
    async with connected(kind, PATIENT) as (transport, peer), anyio.create_task_group() as tasks:
        tasks.start_soon(transport.aclose)
        await peer.read_until(CLOSE)
        transport.abort()
        assert await peer.read_to_end() == b""
