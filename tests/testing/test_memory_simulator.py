"""The simulator in memory: the same rules, no sockets, and fast."""

from __future__ import annotations

import inspect
import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from anyrealtime import ConnectFailed, ConnectionClosed, RequestError, ResponseFailed, open_realtime
from anyrealtime.events import ConversationItemCreate, InvalidEvent, Session, TranscriptionSession
from anyrealtime.simulator import ModelRequest, SimulatorOptions, open_simulator
from anyrealtime.testing import open_memory_simulator
from tests._runtime.sockets import UNTRACED

LIMIT = 15.0
OF_THE_SOCKET = {"host", "port", "ssl_context", "max_message_bytes"}


@pytest.fixture(autouse=True)
def _both(anyio_backend: str) -> None:
    """Names the backend of every test here."""


async def test_a_conversation() -> None:
    with anyio.fail_after(LIMIT):
        async with (
            open_memory_simulator(model=lambda request: f"You said: {request.text}") as simulator,
            open_realtime(
                transport=simulator.connect("mine"), session=Session(instructions="Be brief.")
            ) as connection,
        ):
            assert await connection.ask("Hello!") == "You said: Hello!"
            [visitor] = simulator.connections
            assert visitor.query == {"model": "mine"}
            assert visitor.session["instructions"] == "Be brief."
            assert (await visitor.wait_received(ConversationItemCreate)).item
            with pytest.raises(RequestError, match="not_there"):
                await connection.conversation.item.delete("not_there")
            assert "1 connections" in repr(simulator)
    assert not visitor.is_open
    assert visitor.close_code == 1000


async def test_the_model_may_be_changed() -> None:
    with anyio.fail_after(LIMIT):
        async with (
            open_memory_simulator(model=lambda _: "one") as simulator,
            open_realtime(transport=simulator.connect()) as connection,
        ):
            assert await connection.ask("?") == "one"
            simulator.model = lambda _: "two"
            assert await connection.ask("?") == "two"
            assert callable(simulator.model)


async def test_what_is_asked_at_the_door() -> None:
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator(api_key="right", models=["it"]) as simulator:
            headers = {"Authorization": "Bearer right"}
            for wrong in (
                simulator.connect("it"),
                simulator.connect("other", headers=headers),
            ):
                with pytest.raises(ConnectFailed) as caught:
                    async with open_realtime(transport=wrong):
                        pytest.fail("the block began")
                assert caught.value.close_code in (3000, 4000)
            async with open_realtime(transport=simulator.connect("it", headers=headers)):
                assert len(simulator.connections) == 3


async def test_other_kinds_of_sessions() -> None:
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator() as simulator:
            transport = simulator.connect(query={"intent": "transcription"})
            async with open_realtime(transport=transport) as connection:
                assert isinstance(connection.session.current, TranscriptionSession)
            transport = simulator.connect(headers={"OpenAI-Beta": "realtime=v1"})
            async with open_realtime(transport=transport, dialect="beta") as connection:
                assert await connection.ask("Hello!")
                assert simulator.connections[-1].dialect == "beta"


@pytest.mark.parametrize("code", [1000, 1001, 4321])
async def test_the_simulator_closes(code: int) -> None:
    with anyio.fail_after(LIMIT):
        async with (
            open_memory_simulator() as simulator,
            open_realtime(transport=simulator.connect(), close_timeout=0.1) as connection,
        ):
            [visitor] = simulator.connections
            visitor.close(code, "enough")
            with pytest.raises(ConnectionClosed) as caught:
                await connection.session.update(Session(instructions="?"))
            assert (caught.value.code, caught.value.reason) == (code, "enough")
            assert caught.value.by == "server"
            await visitor.wait_closed()
            assert (visitor.close_code, visitor.close_reason) == (code, "enough")


async def test_the_simulator_drops() -> None:
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator() as simulator:
            transport = simulator.connect()
            with pytest.raises(ConnectionClosed) as caught:
                async with open_realtime(transport=transport) as connection:
                    simulator.connections[0].abort()
                    async for _ in connection:
                        pass
            assert (caught.value.code, caught.value.by) == (1006, "network")
            assert simulator.connections[0].close_code is None


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    """As over sockets: the model's pace is the client's."""
    yielded: list[str] = []

    def model(_: ModelRequest) -> Iterator[str]:
        while True:
            yielded.append("x" * 100)
            yield yielded[-1]

    request = {"type": "response.create", "response": {"output_modalities": ["text"]}}
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator(model=model, max_unsent_bytes=10_000) as simulator:
            transport = simulator.connect()
            await transport.send([json.dumps(request).encode()])
            await anyio.wait_all_tasks_blocked()
            unread = len(yielded)
            assert 10 < unread < 100
            await transport.receive()
            await anyio.wait_all_tasks_blocked()
            assert unread < len(yielded) < 2 * 100
            transport.abort()


async def test_a_client_that_leaves_in_the_middle() -> None:
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator(model=lambda _: ["on "] * 10_000) as simulator:
            async with open_realtime(transport=simulator.connect()) as connection:
                async with connection.respond() as response:
                    async for _ in response.transcript:
                        break
            await simulator.connections[0].wait_closed()


async def test_nonsense_is_answered() -> None:
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator() as simulator:
            transport = simulator.connect()
            await transport.receive()
            await transport.send([b"\xff", b"no json"])
            errors: list[bytes] = []
            while len(errors) < 2:
                errors += await transport.receive()
            assert all(b'"type":"error"' in frame for frame in errors)
            assert isinstance(simulator.connections[0].received[0], InvalidEvent)
            transport.abort()


async def test_a_model_that_fails_is_told_at_the_end() -> None:
    def broken(_: ModelRequest) -> str:
        raise ZeroDivisionError("in the model")

    with anyio.fail_after(LIMIT):
        with pytest.raises(ZeroDivisionError, match="in the model"):
            async with (
                open_memory_simulator(model=broken) as simulator,
                open_realtime(transport=simulator.connect()) as connection,
            ):
                with pytest.raises(ResponseFailed):
                    await connection.ask("?")
        with pytest.raises(ResponseFailed) as caught:
            async with (
                open_memory_simulator(model=broken) as simulator,
                open_realtime(transport=simulator.connect()) as connection,
            ):
                await connection.ask("?")
        [note] = caught.value.__notes__
        assert "ZeroDivisionError: in the model" in note


@pytest.mark.parametrize("name", sorted(OF_THE_SOCKET | {"modle"}))
async def test_options_that_mean_nothing_here(name: str) -> None:
    options: dict[str, Any] = {name: None}
    with pytest.raises(TypeError, match=name):
        async with open_memory_simulator(**options):
            pytest.fail("the block began")


def test_the_options_are_those_of_the_simulator() -> None:
    parameters = inspect.signature(open_simulator).parameters
    declared = SimulatorOptions.__annotations__
    assert declared.keys() == parameters.keys() - OF_THE_SOCKET
    for name, kind in declared.items():
        assert parameters[name].annotation == getattr(kind, "__forward_arg__", kind), name


@UNTRACED
async def test_a_session_opens_in_five_milliseconds() -> None:
    """In CPU time, which a busy machine does not stretch as much. `-rP` shows the figure."""

    async def open_once() -> float:
        begun = time.process_time()
        async with (
            open_memory_simulator() as simulator,
            open_realtime(transport=simulator.connect()),
        ):
            return time.process_time() - begun

    with anyio.fail_after(LIMIT):
        await open_once()
        median_ms = 1000 * statistics.median([await open_once() for _ in range(50)])
    print(f"a simulator and a session in memory open in {median_ms:.1f} ms")
    assert median_ms < 5
