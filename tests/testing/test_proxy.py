"""A proxy changes nothing on the way, and every way to end reaches the other side."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from anyrealtime import open_realtime
from anyrealtime.simulator import Simulator, open_simulator
from anyrealtime.testing import _proxy, replay
from anyrealtime.testing._proxy import proxying
from tests._transport.test_tap import Log
from tests.simulator.client import Client, Closed, dial
from tests.testing.recordings import LIMIT, Json, received, write


class Proxy:
    """A proxy that is open: where it is, what its tap was told, and what the user was."""

    def __init__(self) -> None:
        self.url = ""
        self.tap = Log()
        self.told: list[str] = []


@asynccontextmanager
async def proxy(url: str) -> AsyncGenerator[Proxy]:
    """A proxy in front of a server, whose query is the client's own."""
    opened = Proxy()
    with anyio.fail_after(LIMIT):
        async with proxying(
            lambda target: f"{url}?{target.partition('?')[2]}", opened.tap, told=opened.told.append
        ) as place:
            opened.url = f"ws://{place}/v1/realtime"
            yield opened


@asynccontextmanager
async def simulated(**options: object) -> AsyncGenerator[tuple[Simulator, Proxy]]:
    async with open_simulator(**options) as simulator, proxy(simulator.url) as opened:  # type: ignore[arg-type]
        yield simulator, opened


async def ending(client: Client) -> tuple[int | None, str]:
    """How a connection ends, whatever comes before."""
    with pytest.raises(Closed) as caught:
        while True:
            await client.read()
    return caught.value.code, caught.value.reason


async def test_what_a_client_asks_with_goes_on_and_its_key_is_told() -> None:
    async with simulated(api_key="sk-of-this-test") as (simulator, opened):
        async with open_realtime(
            "m", url=opened.url, api_key="sk-of-this-test", headers={"X-Mine": "yes"}
        ) as connection:
            assert await connection.ask("Hello!")
        [there] = simulator.connections
    assert there.query == {"model": "m"}
    assert there.headers["x-mine"] == "yes"
    assert there.headers["host"] != opened.url.split("/")[2]
    assert "sk-of-this-test" in opened.tap.secrets
    assert opened.tap.told[0][0] == "received"
    assert opened.tap.told[-1] == ("closed", 1000, "", "client")
    assert not opened.told


async def test_subprotocols_go_on() -> None:
    offered = ["realtime", "openai-insecure-api-key.ek_of_this_test"]
    async with simulated(api_key="ek_of_this_test") as (simulator, opened):
        async with dial(f"{opened.url}?model=m", subprotocols=offered) as client:
            await client.wait("session.created")
            assert client.subprotocol == "realtime"
            await client.close(4001, "enough")
        await simulator.connections[0].wait_closed()
        assert simulator.connections[0].close_code == 4001
        assert simulator.connections[0].close_reason == "enough"


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ({"code": 1001, "reason": "late"}, (1001, "late")),
        ({"code": 3000, "reason": ""}, (3000, "")),
        ({"code": 1005}, (1005, "")),
        ({"code": 1006, "by": "network"}, (None, "")),
    ],
)
async def test_the_servers_end(end: Json, told: tuple[int | None, str], tmp_path: Path) -> None:
    path = write(tmp_path, received("session.created"), {"kind": "closed", "by": "server", **end})
    async with replay(path) as server, proxy(server.url) as opened:
        async with dial(opened.url) as client:
            assert await ending(client) == told
    assert opened.tap.told[-1][:2] == ("closed", end["code"])


async def test_a_client_that_drops_the_connection() -> None:
    async with simulated() as (simulator, opened):
        async with dial(f"{opened.url}?model=m") as client:
            await client.wait("session.created")
        [there] = simulator.connections
        await there.wait_closed()
        assert there.close_code is None
    assert opened.tap.told[-1] == ("closed", 1006, "", "client")


async def test_a_client_that_does_not_hear_the_servers_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it goes on saying reaches nobody, and it is dropped."""
    monkeypatch.setattr(_proxy, "CLOSE_SECONDS", 0.05)
    path = write(tmp_path, received("session.created"), {"kind": "closed", "by": "server"})
    async with replay(path) as server, proxy(server.url) as opened, dial(opened.url) as client:
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            while True:
                await client.send("response.create")
                await client.stream.receive()
    assert opened.tap.told[-1][:2] == ("closed", 1005)


async def test_who_speaks_no_websocket() -> None:
    async with simulated() as (simulator, opened):
        port = int(opened.url.rpartition(":")[2].partition("/")[0])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await stream.receive()).startswith(b"HTTP/1.1 426")
    assert not simulator.connections
    assert not opened.tap.told


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with proxy("ws://127.0.0.1:9/v1/realtime") as opened, dial(opened.url) as client:
        code, reason = await ending(client)
    assert code == 1011
    assert reason.startswith("cannot connect to 127.0.0.1:9")
    assert [reason] == opened.told
    assert not opened.tap.told


async def test_several_clients_at_once() -> None:
    async with simulated() as (simulator, opened), anyio.create_task_group() as tasks:

        async def ask() -> None:
            async with open_realtime("m", url=opened.url) as connection:
                assert await connection.ask("Hello!")

        for _ in range(4):
            tasks.start_soon(ask)
    assert len(simulator.connections) == 4


async def test_more_than_sockets_hold_arrives_whole(tmp_path: Path) -> None:
    big = received("response.output_text.delta", delta="x" * 200_000)
    path = write(tmp_path, *[big] * 40)
    async with replay(path) as server, proxy(server.url) as opened, dial(opened.url) as client:
        sizes: list[int] = []
        while len(sizes) < 40:
            await client.read()
            sizes += map(len, client._frames)
            client._frames.clear()
    assert min(sizes) > 200_000
