"""`open_simulator` over real sockets: coming in, talking, leaving, on both backends."""

from __future__ import annotations

import ssl

import anyio
import pytest

from anyrealtime.simulator import (
    SimulatedConnection,
    Simulator,
    open_simulator,
)
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._server import _bare
from tests.simulator.client import Closed, Refused, ask, dial, text_of
from tests.simulator.driver import kinds
from tests.simulator.schemas import Dialect, Json, validate

TEXT = {"output_modalities": ["text"]}
BETA_HEADER = [("OpenAI-Beta", "realtime=v1")]


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


async def test_a_chat() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, dial(simulator.url + "?model=mine") as client:
            created = await client.receive()
            assert created["type"] == "session.created"
            assert created["session"]["model"] == "mine"
            events = await ask(client, "Say a couple of paragraphs!", **TEXT)
            assert text_of(events).count("\n\n") == 1
            events = await ask(client, "Hello!")
            assert text_of(events) == "Hello there! It is good to hear from you."
            assert "response.output_audio.delta" in kinds(events)
            await client.close()


async def test_addresses() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator:
            assert simulator.url == f"ws://127.0.0.1:{simulator.port}/v1/realtime"
            assert simulator.base_url == f"http://127.0.0.1:{simulator.port}/v1"
            assert str(simulator.port) in repr(simulator)
            with pytest.raises(OSError, match="use"):
                async with open_simulator(port=simulator.port):
                    pass


@pytest.mark.parametrize(
    ("dialect", "headers", "subprotocols", "query"),
    [
        ("ga", [], [], ""),
        ("ga", [], ["realtime"], ""),
        ("beta", BETA_HEADER, [], ""),
        ("beta", [], ["realtime", "openai-beta.realtime-v1"], ""),
        ("beta", [], [], "?api-version=2025-04-01-preview&deployment=gpt-realtime"),
    ],
)
async def test_dialects(
    dialect: Dialect, headers: list[tuple[str, str]], subprotocols: list[str], query: str
) -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            dial(simulator.url + query, headers=headers, subprotocols=subprotocols) as client,
        ):
            assert client.subprotocol == ("realtime" if "realtime" in subprotocols else None)
            events = [await client.receive(), *await ask(client, "Hello!")]
            for event in events:
                validate(event, dialect)
            assert simulator.connections[0].dialect == dialect
            names = kinds(events)
            assert ("response.audio.delta" in names) == (dialect == "beta")
            assert ("response.output_audio.delta" in names) == (dialect == "ga")


async def turned_away(simulator: Simulator, **how: object) -> tuple[Json, Closed]:
    """Connect, and return the error and the CLOSE that follow."""
    query = how.pop("query", "")
    async with dial(f"{simulator.url}{query}", **how) as client:  # type: ignore[arg-type]
        await client.send("response.create")
        error = await client.receive()
        assert error["type"] == "error"
        validate(error, "ga")
        return error["error"], await client.closed()


async def test_a_wrong_key_is_told_after_the_upgrade() -> None:
    with anyio.fail_after(10):
        async with open_simulator(api_key="secret") as simulator:
            error, closed = await turned_away(
                simulator, headers=[("Authorization", "Bearer wrong-secret")]
            )
            assert error["code"] == "invalid_api_key"
            assert "wrong-secret" not in str(error)
            assert closed.code == 3000
            assert closed.reason == "invalid_request_error.invalid_api_key"
            error, closed = await turned_away(simulator)
            assert error["code"] is None
            assert (closed.code, closed.reason) == (3000, "invalid_request_error")
            assert simulator.connections[0].session == {}


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        ([("Authorization", "Bearer secret")], []),
        ([("api-key", "secret")], []),
        ([], ["realtime", "openai-insecure-api-key.secret"]),
    ],
)
async def test_the_right_key_opens(headers: list[tuple[str, str]], subprotocols: list[str]) -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(api_key="secret") as simulator,
            dial(simulator.url, headers=headers, subprotocols=subprotocols) as client,
        ):
            assert (await client.receive())["type"] == "session.created"


async def test_models_there_are_not() -> None:
    with anyio.fail_after(10):
        async with open_simulator(models={"mine"}) as simulator:
            for query, code in (("?model=yours", "invalid_model"), ("", "missing_model")):
                error, closed = await turned_away(simulator, query=query)
                assert error["code"] == code
                assert (closed.code, closed.reason) == (4000, f"invalid_request_error.{code}")
            async with dial(simulator.url + "?model=mine") as client:
                assert (await client.receive())["type"] == "session.created"


async def test_beta_may_be_switched_off() -> None:
    with anyio.fail_after(10):
        async with open_simulator(dialect="ga") as simulator:
            error, closed = await turned_away(simulator, headers=BETA_HEADER)
            assert error["code"] == "beta_api_shape_disabled"
            assert closed.code == 4000


async def test_other_paths_are_not_found() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator:
            with pytest.raises(Refused) as refused:
                async with dial(simulator.url.replace("realtime", "else")):
                    pass
            assert refused.value.status == 404
            assert not simulator.connections


async def test_what_is_not_websocket_is_answered() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator:
            for request in (b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\n\r\n", b"nonsense\r\n\r\n"):
                async with await anyio.connect_tcp("127.0.0.1", simulator.port) as stream:
                    await stream.send(request)
                    answer = b""
                    with pytest.raises(anyio.EndOfStream):
                        while True:
                            answer += await stream.receive()
                    assert not answer.startswith(b"HTTP/1.1 101")
            async with await anyio.connect_tcp("127.0.0.1", simulator.port):
                pass
            assert not simulator.connections


async def test_leaving_says_goodbye() -> None:
    endings: list[Closed] = []
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def stay(url: str) -> None:
                async with dial(url) as client:
                    endings.append(await client.closed())

            async with open_simulator() as simulator:
                url = simulator.url
                for _ in range(3):
                    tasks.start_soon(stay, url)
                while len(simulator.connections) < 3:
                    await anyio.wait_all_tasks_blocked()
        assert [ending.code for ending in endings] == [1001] * 3


async def test_leaving_does_not_wait_for_the_silent() -> None:
    left = anyio.Event()
    connections: list[SimulatedConnection] = []

    async def say_nothing(url: str) -> None:
        async with dial(url) as client:
            await client.receive()
            await left.wait()

    async def not_even_ask(port: int) -> None:
        async with await anyio.connect_tcp("127.0.0.1", port):
            await left.wait()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            async with open_simulator(close_timeout=0.01) as simulator:
                url, port = simulator.url, simulator.port
                tasks.start_soon(say_nothing, url)
                tasks.start_soon(not_even_ask, port)
                while not simulator.connections:
                    await anyio.wait_all_tasks_blocked()
                connections += simulator.connections
            await connections[0].wait_closed()
            left.set()


async def test_what_the_block_raises_comes_out_bare() -> None:
    with anyio.fail_after(10):
        with pytest.raises(ZeroDivisionError):
            async with open_simulator() as simulator, dial(simulator.url) as client:
                await client.receive()
                raise ZeroDivisionError
        with pytest.RaisesGroup(ValueError, match="^mine"):
            async with open_simulator():
                raise ExceptionGroup("mine", [ValueError()])


async def test_cancelling_leaves_at_once() -> None:
    connections: list[SimulatedConnection] = []
    with anyio.fail_after(10):
        with anyio.CancelScope() as scope:
            async with (
                open_simulator(close_timeout=3600) as simulator,
                dial(simulator.url) as client,
            ):
                await client.receive()
                connections += simulator.connections
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        await connections[0].wait_closed()


async def test_over_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with anyio.fail_after(10):
        async with open_simulator(ssl_context=server_tls) as simulator:
            assert simulator.url.startswith("wss://127.0.0.1:")
            assert simulator.base_url.startswith("https://")
            async with dial(simulator.url, ssl_context=client_tls) as client:
                assert text_of(await ask(client, "Hello!", **TEXT)).startswith("Hello there!")
                await client.close()
            async with await anyio.connect_tcp("127.0.0.1", simulator.port) as stream:
                await stream.send(b"GET / HTTP/1.1\r\n\r\n")
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    while True:
                        await stream.receive()
            assert len(simulator.connections) == 1


async def test_who_never_agrees_on_tls_is_dropped(
    monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext
) -> None:
    monkeypatch.setattr("anyrealtime.simulator._server.TLS_SECONDS", 0.01)
    with anyio.fail_after(10):
        async with (
            open_simulator(ssl_context=server_tls) as simulator,
            await anyio.connect_tcp("127.0.0.1", simulator.port) as stream,
        ):
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()


async def test_a_bug_of_the_simulator_is_raised_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Rulebook, __: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Rulebook, "text", broken)
    with anyio.fail_after(10):
        with pytest.raises(ZeroDivisionError):
            async with open_simulator() as simulator, dial(simulator.url) as client:
                await client.receive()
                await client.send("anything")
                assert (await client.closed()).code is None


async def test_without_a_listening_socket() -> None:
    with anyio.fail_after(10):
        async with open_simulator(host=None) as simulator:
            assert "in memory" in repr(simulator)
            for name in ("url", "base_url", "port"):
                with pytest.raises(RuntimeError, match="host=None"):
                    getattr(simulator, name)


async def test_failures_are_told_once_and_noted_on_what_the_block_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Rulebook, __: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Rulebook, "text", broken)
    with anyio.fail_after(10):
        with pytest.raises(KeyError) as caught:
            async with open_simulator() as simulator:
                for _ in range(3):
                    async with dial(simulator.url) as client:
                        await client.send("anything")
                        await client.closed()
                    await simulator.connections[-1].wait_closed()
                with pytest.raises(ZeroDivisionError) as told:
                    simulator.check()
                assert len(told.value.__notes__) == 2
                simulator.check()
                async with dial(simulator.url) as client:
                    await client.send("anything")
                    await client.closed()
                raise KeyError("the block's own")
        [note] = caught.value.__notes__
        assert note.startswith("also, in the simulator:\nTraceback")
        assert note.endswith("ZeroDivisionError\n")


def test_groups_of_one_are_opened() -> None:
    lone, two = KeyError(), ExceptionGroup("two", [ValueError(), TypeError()])
    assert _bare(lone) is lone
    assert _bare(ExceptionGroup("outer", [ExceptionGroup("inner", [lone])])) is lone
    assert _bare(ExceptionGroup("outer", [two])) is two
