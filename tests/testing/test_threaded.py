"""The simulator in a thread: from no loop, from both loops, and from a model of its own."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest
from websockets.sync.client import connect

from anyrealtime import ConnectFailed, ConnectionClosed, open_realtime
from anyrealtime.events import (
    ConversationItemCreate,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    ResponseCreate,
    Session,
    SessionUpdate,
)
from anyrealtime.simulator import ModelRequest, SimulatedConnection, Simulator
from anyrealtime.simulator.faults import Close, Refuse
from anyrealtime.testing import (
    MemorySimulator,
    ThreadedConnection,
    ThreadedSimulator,
    open_threaded_simulator,
)

LIMIT = 15.0


def test_without_a_loop() -> None:
    """A client that somebody else wrote, in a test that is no coroutine."""
    with open_threaded_simulator(model=lambda _: "Hello!") as simulator:
        with connect(simulator.url, subprotocols=None, open_timeout=LIMIT) as client:
            assert "session.created" in str(client.recv(LIMIT))
            client.send('{"type": "input_audio_buffer.clear"}')
            assert "input_audio_buffer.cleared" in str(client.recv(LIMIT))
            [visitor] = simulator.connections
            assert isinstance(visitor.received[0], InputAudioBufferClear)
            assert visitor.is_open
        assert str(simulator.port) in simulator.base_url
        assert "1 connections" in repr(simulator)


async def test_from_a_loop(anyio_backend: str) -> None:
    with (
        anyio.fail_after(LIMIT),
        open_threaded_simulator(model=lambda _: "one", dialect="ga") as simulator,
    ):
        async with open_realtime(
            "mine", url=simulator.url, session=Session(instructions="Be brief."), proxy=False
        ) as connection:
            [visitor] = simulator.connections
            assert (visitor.path, visitor.query) == ("/v1/realtime", {"model": "mine"})
            assert visitor.headers["upgrade"] == "websocket"
            assert (visitor.subprotocols, visitor.dialect) == ([], "ga")
            assert visitor.session["instructions"] == "Be brief."
            assert await connection.ask("?") == "one"
            simulator.model = lambda _: "two"
            assert callable(simulator.model)
            assert await connection.ask("?") == "two"
            second = await visitor.wait_received(ResponseCreate, 2)
            assert second in visitor.received
            assert len(visitor.received_frames) == len(visitor.received)
            assert b"session.created" in visitor.sent_frames[0]
            assert visitor.frames[0].data == visitor.sent_frames[0]
        await visitor.wait_closed()
        assert (visitor.close_code, visitor.close_reason) == (1000, "")
        with pytest.raises(EOFError):
            await visitor.wait_received(SessionUpdate, 2)
    assert not visitor.is_open
    assert "closed" in repr(visitor)


async def test_what_a_test_may_do_to_the_client(anyio_backend: str) -> None:
    with anyio.fail_after(LIMIT), open_threaded_simulator() as simulator:
        for code in (4321, 1006):
            with pytest.raises(ConnectionClosed) as caught:
                async with (
                    open_realtime(url=simulator.url, proxy=False) as connection,
                    connection.subscribe(InputAudioBufferCleared) as cleared,
                ):
                    visitor = simulator.connections[-1]
                    visitor.send(InputAudioBufferCleared(event_id="one"))
                    visitor.send({"type": "input_audio_buffer.cleared", "event_id": "two"})
                    visitor.send_frame(b'{"type":"input_audio_buffer.cleared","event_id":"three"}')
                    ids = [(await anext(cleared)).event_id for _ in range(3)]
                    assert ids == ["one", "two", "three"]
                    if code == 1006:
                        visitor.abort()
                    else:
                        visitor.close(code, "enough")
                    await anext(cleared)
            assert caught.value.code == code


async def test_waiting_can_be_cancelled(anyio_backend: str) -> None:
    with anyio.fail_after(LIMIT), open_threaded_simulator() as simulator:
        async with open_realtime(url=simulator.url, proxy=False):
            [visitor] = simulator.connections
            with anyio.move_on_after(0.01) as patience:
                await visitor.wait_received(ResponseCreate)
            assert patience.cancelled_caught


async def test_a_model_that_looks_at_the_simulator(anyio_backend: str) -> None:
    """It runs in the simulator's thread, which must not wait for itself."""
    seen: list[Any] = []

    def model(request: ModelRequest) -> str:
        seen.append(threading.current_thread())
        seen.extend(simulator.connections[0].received)
        return request.text

    with anyio.fail_after(LIMIT), open_threaded_simulator(model=model) as simulator:
        async with open_realtime(url=simulator.url, proxy=False) as connection:
            assert await connection.ask("Hello!") == "Hello!"
    thread, create, *_ = seen
    assert thread is not threading.current_thread()
    assert isinstance(create, ConversationItemCreate)


def test_failures_come_out() -> None:
    def broken(_: ModelRequest) -> str:
        raise ZeroDivisionError("in the model")

    def provoke(simulator: ThreadedSimulator) -> None:
        with connect(simulator.url, open_timeout=LIMIT) as client:
            client.send('{"type": "response.create"}')
            while "response.done" not in str(client.recv(LIMIT)):
                pass

    with pytest.raises(ZeroDivisionError, match="in the model"):
        with open_threaded_simulator(model=broken) as simulator:
            provoke(simulator)
    with open_threaded_simulator(model=broken) as simulator:
        provoke(simulator)
        with pytest.raises(ZeroDivisionError, match="in the model"):
            simulator.check()
        provoke(simulator)
        simulator.explain(error := KeyError())
        assert "in the model" in error.__notes__[0]
    with pytest.raises(KeyError) as caught:
        with open_threaded_simulator(model=broken) as simulator:
            provoke(simulator)
            raise KeyError
    assert "in the model" in caught.value.__notes__[0]


@pytest.mark.parametrize("name", ["host", "modle"])
def test_options_that_mean_nothing_here(name: str) -> None:
    options: dict[str, Any] = {name: None}
    with pytest.raises(TypeError, match=name):
        with open_threaded_simulator(**options):
            pytest.fail("the block began")


async def test_faults(anyio_backend: str) -> None:
    with anyio.fail_after(LIMIT), open_threaded_simulator() as simulator:
        simulator.inject(Refuse(503, times=1))
        with pytest.raises(ConnectFailed) as refused:
            async with open_realtime(url=simulator.url, proxy=False):
                pytest.fail("the block began")
        assert refused.value.status == 503
        with pytest.raises(ConnectionClosed) as caught:
            async with open_realtime(url=simulator.url, proxy=False) as connection:
                simulator.connections[-1].inject(Close(1012))
                await connection.ask("?")
        assert caught.value.code == 1012


@pytest.mark.parametrize(
    ("far", "near", "missing"),
    [
        # The thread's owner opens and closes it, and lets nobody in.
        (Simulator, ThreadedSimulator, {"admit"}),
        (SimulatedConnection, ThreadedConnection, {"serve"}),
        # Where it listens; and what open_memory_simulator does for its caller.
        (Simulator, MemorySimulator, {"port", "url", "base_url", "admit", "check", "explain"}),
    ],
)
def test_nothing_is_missing(far: type, near: type, missing: set[str]) -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    near_names = public(near) | set(vars(near)["__init__"].__code__.co_names)
    assert public(far) - near_names == missing
