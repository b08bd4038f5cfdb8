"""The rules over real sockets, on every pair of backend and transport."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
import trio_websocket
from anyio.abc import ByteStream

from anyrealtime import ConnectFailed, Connection, ConnectionClosed, EventStream
from anyrealtime.events import (
    InputAudioBufferAppend,
    ResponseCreate,
    ResponseOutputTextDelta,
    Session,
)
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    NEVER,
    error_frame,
    frame,
    session_frame,
    text,
    to_end,
)
from tests._runtime.sockets import (
    SOCKETS,
    UNTRACED,
    announce,
    dialled,
    flooding,
    frames,
    listening,
    opened_at,
)
from tests._transport.raw_peer import CLOSE, PING, PONG, TEXT, PeerGone, RawPeer, close_frame
from tests._transport.raw_peer import frame as wire_frame

# The whole way


@SOCKETS
async def test_a_whole_session(transport: str) -> None:
    received: list[dict[str, Any]] = []
    closings: list[tuple[int, str]] = []

    async def script(peer: RawPeer) -> None:
        await announce(peer)
        received.append(json.loads(await peer.receive()))
        await peer.write(frames(session_frame("session.updated", instructions="Be brief.")))
        received.append(json.loads(await peer.receive()))
        await peer.write(frames(*map(text, range(100)), frame("response.done", response={})))
        received.append(json.loads(await peer.receive()))
        closings.append(await peer.ended())

    async with dialled(
        transport, script, session=Session(instructions="Be brief."), close_timeout=NEVER
    ) as connection:
        assert getattr(connection.session.current, "instructions", None) == "Be brief."
        await connection.send(ResponseCreate())
        texts: list[str] = []
        async for event in connection:
            if isinstance(event, ResponseOutputTextDelta):
                texts.append(event.delta)
            if event.type == "response.done":
                break
        assert texts == list(map(str, range(100)))
        last_id = await connection.send(ResponseCreate())
    kinds = [event["type"] for event in received]
    assert kinds == ["session.update", "response.create", "response.create"]
    assert received[2]["event_id"] == last_id  # sent before CLOSE, though nobody waited for it
    assert closings == [(1000, "")]


@SOCKETS
async def test_the_library_underneath_is_at_hand(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer)
        await peer.ended()

    async with dialled(transport, script) as connection:
        expected: type[object] = trio_websocket.WebSocketConnection
        raw = connection.transport.raw
        if transport == "anyio":
            assert not isinstance(raw, ByteStream)
            expected = type(raw)
        assert isinstance(raw, expected)


# Opening


REFUSAL = {
    "type": "invalid_request_error",
    "code": "invalid_api_key",
    "param": "p",
    "message": "No.",
}


@SOCKETS
async def test_a_refused_upgrade(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        body = json.dumps({"error": REFUSAL}).encode()
        await peer.refuse(401, headers=[("Retry-After", "7")], body=body)
        await peer.read_to_end()

    with pytest.raises(ConnectFailed) as caught:
        await open_and_leave(transport, script)
    error = caught.value
    assert (error.status, error.close_code, error.retry_after) == (401, None, 7)
    assert (error.type, error.code, error.param) == (
        "invalid_request_error",
        "invalid_api_key",
        "p",
    )
    assert "No." in error.body


async def open_and_leave(transport: str, script: Any, **options: Any) -> None:
    error: Exception | None = None
    async with listening(script) as listener:
        try:
            async with opened_at(listener.url(), transport, **options):
                pass
        except Exception as exc:
            error = exc
    if error is not None:
        raise error


@SOCKETS
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b'{"error": 7}', b"[1]"])
async def test_a_refusal_that_says_little(transport: str, body: bytes) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.refuse(502, body=body)
        await peer.read_to_end()

    with pytest.raises(ConnectFailed) as caught:
        await open_and_leave(transport, script)
    assert caught.value.status == 502
    assert caught.value.code is None
    assert caught.value.body == body.decode()


@SOCKETS
async def test_a_refusal_after_the_upgrade(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.upgrade(after=frames(error_frame("invalid_model")) + close_frame(4000, "bye"))
        await peer.ended()

    with pytest.raises(ConnectFailed) as caught:
        await open_and_leave(transport, script)
    assert (caught.value.code, caught.value.close_code) == ("invalid_model", 4000)


@SOCKETS
@pytest.mark.parametrize("stage", ["upgrade", "created", "updated"])
@pytest.mark.parametrize("how", ["timeout", "cancelled"])
async def test_an_opening_that_is_given_up(transport: str, stage: str, how: str) -> None:
    """The server sees the end, and the client has nothing left."""

    async def script(peer: RawPeer) -> None:
        if stage == "upgrade":
            await peer.read_request()
        elif stage == "created":
            await peer.upgrade()
        else:
            await announce(peer)
        await peer.read_to_end()

    session = Session() if stage == "updated" else None
    if how == "timeout":
        with pytest.raises(ConnectFailed, match=r"within 0\.1 s"):
            await open_and_leave(transport, script, connect_timeout=0.1, session=session)
    else:
        async with listening(script) as listener:
            with anyio.move_on_after(0.1) as scope:
                async with opened_at(
                    listener.url(), transport, connect_timeout=NEVER, session=session
                ):
                    pytest.fail("the block began")
            assert scope.cancelled_caught


# Closing


@SOCKETS
@pytest.mark.parametrize("how", ["leaving", "closing", "failing"])
async def test_a_silent_server(transport: str, how: str) -> None:
    seen: list[tuple[int, str]] = []

    async def script(peer: RawPeer) -> None:
        await announce(peer)
        seen.append((await peer.read_until(CLOSE)).close)
        await peer.read_to_end()

    async def play() -> None:
        async with dialled(transport, script, close_timeout=0.1) as connection:
            if how == "closing":
                await connection.close(4001, "enough")
            if how == "failing":
                raise ZeroDivisionError

    if how == "failing":
        with pytest.raises(ExceptionGroup) as caught:  # of the test's own task group
            await play()
        assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    else:
        await play()
    assert seen in ([(4001, "enough")] if how == "closing" else [(1000, "")], [])
    assert seen or how == "failing"


@SOCKETS
async def test_a_silent_server_under_cancellation(transport: str) -> None:
    """It is told, and not waited for."""
    seen: list[tuple[int, str]] = []

    async def script(peer: RawPeer) -> None:
        await announce(peer)
        seen.append((await peer.read_until(CLOSE)).close)
        await peer.read_to_end()

    async with listening(script) as listener:
        with anyio.CancelScope() as scope:
            async with opened_at(listener.url(), transport, close_timeout=NEVER):
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
    assert seen == [(1000, "")]


@SOCKETS
async def test_a_server_that_does_not_read(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer)
        await done.wait()

    done = anyio.Event()
    async with listening(script) as listener:
        async with opened_at(listener.url(), transport, close_timeout=0.1) as connection:
            with anyio.move_on_after(0.3):
                while True:
                    await connection.send(InputAudioBufferAppend(audio=bytes(2**18)))
        done.set()


# Loss


@SOCKETS
@pytest.mark.parametrize(("code", "ends"), [(1000, True), (1001, False), (1011, False)])
async def test_the_server_closes(transport: str, code: int, *, ends: bool) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer)
        await entered.wait()
        await peer.write(frames(text(1), text(2)) + close_frame(code, "why"))
        await peer.ended()

    entered = anyio.Event()
    async with dialled(transport, script) as connection:
        entered.set()
        texts, error = await to_end(connection)
        assert texts == ["1", "2"]
        if ends:
            assert error is None
        else:
            assert isinstance(error, ConnectionClosed)
            assert (error.code, error.reason, error.by) == (code, "why", "server")
        with pytest.raises(ConnectionClosed):
            await connection.send(ResponseCreate())


@SOCKETS
@pytest.mark.parametrize("how", ["reset", "drop", "half a frame"])
async def test_the_network_ends_it(transport: str, how: str) -> None:
    """Every waiter wakes, and every event that had come is delivered first."""

    async def script(peer: RawPeer) -> None:
        await announce(peer, text(1))
        await read.wait()
        if how == "reset":
            peer.reset()
        elif how == "drop":
            await peer.drop()
        else:
            await peer.write(wire_frame(text(2), TEXT)[:-3])
            await peer.drop()

    read = anyio.Event()
    endings: list[tuple[list[str], Exception | None]] = []

    async def keep(stream: Connection | EventStream[Any]) -> None:
        endings.append(await to_end(stream))

    async with dialled(transport, script, close_timeout=NEVER) as connection:
        async with connection.subscribe() as everything, connection.raw_frames() as raw:
            async with anyio.create_task_group() as tasks:
                for stream in (connection, everything, raw):
                    tasks.start_soon(keep, stream)
                read.set()
    assert len(endings) == 3
    for _, error in endings:
        assert isinstance(error, ConnectionClosed)
        assert (error.code, error.by) == (1006, "network")
    assert ["1"] in [texts for texts, _ in endings]


@SOCKETS
async def test_a_reset_wakes_a_send_that_waits(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer)
        await stuck.wait()
        peer.reset()

    stuck = anyio.Event()
    async with dialled(transport, script, close_timeout=NEVER) as connection:

        async def notice() -> None:
            await anyio.sleep(0.3)  # the sender fills what the kernel takes meanwhile
            stuck.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notice)
            with pytest.raises(ConnectionClosed) as caught:
                while True:
                    await connection.send(InputAudioBufferAppend(audio=bytes(2**18)))
            assert caught.value.code == 1006


@SOCKETS
async def test_a_message_that_is_too_long(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer, text(1))
        await entered.wait()
        await peer.write(frames(text("." * 10_000)))
        await peer.read_to_end()

    entered = anyio.Event()
    async with dialled(transport, script, max_message_bytes=5000, close_timeout=0.1) as connection:
        entered.set()
        texts, error = await to_end(connection)
        assert texts == ["1"]
        assert isinstance(error, ConnectionClosed)
        assert error.code == 1009


# Liveness


@SOCKETS
async def test_a_sleeping_program_loses_nothing_and_answers(transport: str) -> None:
    """As it sleeps under a burst, PING is answered each time, and its own finds an answer, too."""
    count, pings = 4000, 8
    awake = anyio.Event()
    answered_asleep = 0

    async def script(peer: RawPeer) -> None:
        nonlocal answered_asleep
        await announce(peer)
        step = count // pings
        for number in range(pings):
            burst = [text(n).ljust(1000) for n in range(number * step, (number + 1) * step)]
            await peer.write(frames(*burst) + wire_frame(b"%d" % number, PING))
            while (got := await peer.read_frame()).opcode != PONG or not got.payload:
                if got.opcode == PING:
                    await peer.write(wire_frame(got.payload, PONG))
            assert got.payload == b"%d" % number
            answered_asleep += not awake.is_set()
            await anyio.sleep(0.05)
        answered.set()
        await peer.ended()

    answered = anyio.Event()
    async with dialled(
        transport, script, ping_interval=0.1, ping_timeout=0.4, close_timeout=NEVER
    ) as connection:
        await answered.wait()  # nothing is read meanwhile
        awake.set()
        assert answered_asleep == pings
        assert isinstance(await connection.receive(), object)
        for number in range(count):
            event: Any = await connection.receive()
            assert event.delta == str(number)


@SOCKETS
async def test_a_dead_server_is_found(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await announce(peer)
        await peer.read_to_end()

    async with dialled(
        transport, script, ping_interval=0.05, ping_timeout=0.1, close_timeout=0.1
    ) as connection:
        _, error = await to_end(connection)
        assert isinstance(error, ConnectionClosed)
        assert (error.code, error.by) == (1006, "network")


# At full wire speed


SMALL = [text("." * 40)] * 1000
MIXED = [frame("response.output_audio.delta", delta="A" * 6400), text("." * 40)] * 500


@UNTRACED
@SOCKETS
@pytest.mark.parametrize(("events", "times"), [(SMALL, 300), (MIXED, 100)], ids=["small", "mixed"])
async def test_a_program_that_counts_keeps_up(
    transport: str, events: list[bytes], times: int
) -> None:
    """Many times what a stream holds, as fast as another thread can send it."""
    with flooding(events, times=times) as url, anyio.fail_after(LIMIT):
        async with opened_at(url, transport, close_timeout=0.05) as connection:
            count = 0
            async for _ in connection:
                count += 1
                if count == 1 + times * len(events):
                    break
            assert count == 1 + times * len(events)


@SOCKETS
async def test_the_peer_is_gone_when_the_block_is(transport: str) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.upgrade(after=frames(CREATED))
        await peer.ended()
        with pytest.raises(PeerGone):
            await peer.read_more()
            raise PeerGone(clean=True)

    async with dialled(transport, script):
        pass
