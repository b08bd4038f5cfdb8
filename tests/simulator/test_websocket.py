"""The server's end of a WebSocket: fragments, limits, PING, goodbyes, sudden ends."""

from __future__ import annotations

import json
import ssl

import anyio
import pytest

from anyrealtime.simulator import open_simulator
from anyrealtime.simulator._websocket import Bell
from anyrealtime.simulator.faults import Close, Corrupt, Cut, Fault, Reset, Slow, Stall
from tests.simulator.client import dial
from tests.simulator.driver import kinds


@pytest.fixture(autouse=True)
def _both(anyio_backend: str) -> None:
    """Names the backend of every test here."""


async def test_fragments_are_one_message() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.receive()
            protocol = client.protocol
            protocol.send_text(b'{"type": "input_audio_', fin=False)
            protocol.send_ping(b"between")
            protocol.send_continuation(b"buffer.", fin=False)
            protocol.send_continuation(b'clear"}', fin=True)
            await client.ping(b"after")
            assert kinds([await client.receive()]) == ["input_audio_buffer.cleared"]
            assert client.pongs == [b"between", b"after"]


async def test_binary_messages_are_answered() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.receive()
            await client.send_binary(bytes(64))
            assert (await client.receive())["error"]["code"] == "invalid_event"


async def test_ping_is_answered_while_a_model_talks() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(model=lambda _: ["on and on "] * 10_000) as simulator,
            dial(simulator.url) as client,
        ):
            await client.send("response.create", response={"output_modalities": ["text"]})
            await client.wait("response.output_text.delta")
            await client.ping(b"alive?")
            await client.send("response.cancel")
            assert (await client.wait("response.done"))["response"]["status"] == "cancelled"


async def test_text_that_is_no_text_ends_the_connection() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.receive()
            await client.send_raw(b"\xff\xfe")
            assert (await client.closed()).code == 1007


async def test_a_message_beyond_the_limit_ends_the_connection() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(max_message_bytes=1_000) as simulator,
            dial(simulator.url) as client,
        ):
            await client.receive()
            await client.send_text(json.dumps({"type": "x" * 2_000}))
            assert (await client.closed()).code == 1009


async def test_large_messages_pass() -> None:
    with anyio.fail_after(20):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.receive()
            await client.send("input_audio_buffer.append", audio="A" * 16 * 2**20)
            await client.send("input_audio_buffer.commit")
            assert (await client.receive())["type"] == "input_audio_buffer.committed"


async def test_a_client_that_vanishes_ends_its_own_connection_only() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(model=lambda _: ["on and on "] * 10_000) as simulator,
            dial(simulator.url) as other,
        ):
            await other.receive()
            async with dial(simulator.url) as client:
                await client.send("response.create")
                await client.wait("response.output_audio.delta")
            await simulator.connections[1].wait_closed()
            assert simulator.connections[1].close_code is None
            await other.send("input_audio_buffer.clear")
            assert (await other.receive())["type"] == "input_audio_buffer.cleared"


async def test_what_was_queued_arrives_before_the_goodbye() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url) as client:
            await client.receive()
            connection = simulator.connections[0]
            for number in range(500):
                connection.send({"type": f"{number}", "event_id": "x", "filler": "x" * 1_000})
            connection.close(1000, "done")
            for number in range(500):
                assert (await client.receive())["type"] == f"{number}"
            assert (await client.closed()).code == 1000


async def test_a_client_that_never_answers_close_is_dropped() -> None:
    with anyio.fail_after(10):
        async with open_simulator(close_timeout=0.01) as simulator, dial(simulator.url) as client:
            await client.receive()
            simulator.connections[0].close(1000)
            await simulator.connections[0].wait_closed()


async def test_a_bell_wakes_everybody() -> None:
    bell, woken = Bell(), 0

    async def wait() -> None:
        nonlocal woken
        await bell.wait()
        woken += 1

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            bell.ring()
    assert woken == 3


async def test_a_request_may_come_in_pieces() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            await anyio.connect_tcp("127.0.0.1", simulator.port) as stream,
        ):
            for piece in (
                b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            ):
                await stream.send(piece)
                await anyio.wait_all_tasks_blocked()
            assert (await stream.receive()).startswith(b"HTTP/1.1 101")


async def test_who_never_asks_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyrealtime.simulator._websocket.HANDSHAKE_SECONDS", 0.01)
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            await anyio.connect_tcp("127.0.0.1", simulator.port) as stream,
        ):
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
            assert not simulator.connections


# What a server should not do


@pytest.mark.parametrize("reset", [True, False])
async def test_a_reset_is_a_reset_and_a_cut_is_none(reset: bool) -> None:
    fault = Reset(after=1) if reset else Cut(after=1)
    with anyio.fail_after(10):
        async with (
            open_simulator(faults=[fault]) as simulator,
            dial(simulator.url) as client,
        ):
            with pytest.raises(anyio.BrokenResourceError if reset else anyio.EndOfStream):
                while True:
                    await client.stream.receive()


async def test_text_that_is_none() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(faults=[Corrupt(what="text", times=1)]) as simulator,
            dial(simulator.url) as client,
        ):
            await client.read()
            with pytest.raises(UnicodeDecodeError):
                client._frames[0].decode()


async def test_slowness_is_measured() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(faults=[Slow(50_000, after=1)]) as simulator,
            dial(simulator.url) as client,
        ):
            await client.receive()
            began = anyio.current_time()
            simulator.connections[0].send({"type": "x", "event_id": "y", "filler": "x" * 10_000})
            await client.receive()
            assert anyio.current_time() - began > 0.15


async def test_pings_go_unanswered_in_a_stall() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(faults=[Stall(0.2, after=1)]) as simulator,
            dial(simulator.url) as client,
        ):
            await client.receive()
            began = anyio.current_time()
            await client.ping(b"alive?")
            assert anyio.current_time() - began > 0.1


@pytest.mark.parametrize("fault", [Cut(after=1), Reset(after=1), Close(1011, after=1)])
async def test_over_tls(
    fault: Fault, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(ssl_context=server_tls, faults=[fault]) as simulator,
            dial(simulator.url, ssl_context=client_tls) as client,
        ):
            assert (await client.closed()).code == (1011 if isinstance(fault, Close) else None)


@pytest.mark.parametrize("slow", [Stall(0.3, after=1), Slow(2_000, after=1)])
async def test_a_goodbye_waits_for_what_is_slow_before_it(slow: Fault) -> None:
    """CLOSE is not yet said, so nobody is late in answering it."""
    with anyio.fail_after(10):
        async with (
            open_simulator(faults=[slow], close_timeout=0.05) as simulator,
            dial(simulator.url) as client,
        ):
            await client.receive()
            connection = simulator.connections[0]
            connection.send({"type": "x", "event_id": "y", "filler": "x" * 500})
            connection.close(1012)
            assert (await client.closed()).code == 1012
