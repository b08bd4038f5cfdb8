"""How a replay ends, how long it takes, and who it is not impressed by."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from anyrealtime import ConnectionClosed, open_realtime
from anyrealtime.events import ResponseCreate, ResponseCreated
from anyrealtime.testing import replay
from tests.simulator.client import Closed, dial
from tests.testing.recordings import LIMIT, Json, received, sent, write

CREATED = received("session.created", session={})
GREETED = received("response.created", response={"id": "r"})


def closed(code: int, reason: str = "", by: str = "server") -> Json:
    return {"kind": "closed", "code": code, "reason": reason, "by": by}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (closed(1001, "late"), (1001, "late")),
        (closed(3000, "invalid_request_error"), (3000, "invalid_request_error")),
        (closed(1005), (1005, "")),
        (closed(1006), (None, "")),
        (closed(1006, by="network"), (None, "")),
        (closed(1000, by="network"), (None, "")),
    ],
)
async def test_it_ends_as_it_did(tmp_path: Path, end: Json, told: tuple[int | None, str]) -> None:
    path = write(tmp_path, CREATED, sent("response.create"), GREETED, end)
    with anyio.fail_after(LIMIT):
        async with replay(path) as server, dial(f"{server.url}?model=m") as client:
            await client.send("response.create")
            frames: list[str] = []
            with pytest.raises(Closed) as caught:
                while True:
                    await client.read()
                    frames += [frame.decode() for frame in client._frames]
                    client._frames.clear()
    assert len(frames) == 2
    assert (caught.value.code, caught.value.reason) == told


async def test_an_end_that_the_program_has_to_bear(tmp_path: Path) -> None:
    path = write(tmp_path, CREATED, sent("response.create"), closed(1001, "late"))
    with anyio.fail_after(LIMIT), pytest.raises(ConnectionClosed) as caught:
        async with replay(path) as server:
            async with open_realtime(
                "m", base_url=server.base_url, close_timeout=0.05
            ) as connection:
                await connection.send(ResponseCreate())
                await anyio.sleep_forever()
    assert (caught.value.code, caught.value.by) == (1001, "server")


async def test_the_clients_own_end_is_the_clients(tmp_path: Path) -> None:
    path = write(tmp_path, CREATED, closed(1000, by="client"))
    with anyio.fail_after(LIMIT):
        async with replay(path) as server, dial(f"{server.url}?model=m") as client:
            await client.read()
            await client.ping(b"still there")
            await client.close()


async def test_who_does_not_answer_close_is_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, closed(1001), CREATED)
    with anyio.fail_after(LIMIT):
        async with replay(path, close_timeout=0.01) as server:
            async with dial(f"{server.url}?model=m") as client:
                with pytest.raises(anyio.EndOfStream):
                    while True:
                        await client.stream.receive()  # CLOSE too, and no answer to it


async def test_recorded_times(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {**CREATED, "at": 3.0},
        {**sent("response.create"), "at": 4.0},
        {**GREETED, "at": 4.2},
    )
    for speed, least in [("recorded", 0.2), (4.0, 0.05)]:
        with anyio.fail_after(LIMIT):
            async with replay(path, speed=speed) as server:  # type: ignore[arg-type]
                async with open_realtime("m", base_url=server.base_url) as connection:
                    began = anyio.current_time()
                    await connection.send(ResponseCreate())
                    async for event in connection:
                        if isinstance(event, ResponseCreated):
                            break
                    assert anyio.current_time() - began >= least


async def test_full_speed_is_full_speed(tmp_path: Path) -> None:
    """A year between two frames."""
    path = write(tmp_path, {**CREATED, "at": 0.0}, {**GREETED, "at": 3e7})
    with anyio.fail_after(LIMIT):
        async with replay(path) as server:
            async with open_realtime("m", base_url=server.base_url) as connection:
                assert [(await anext(aiter(connection))).type for _ in range(2)][
                    1
                ] == "response.created"


async def test_more_than_sockets_hold_arrives_whole(tmp_path: Path) -> None:
    big = received("response.output_text.delta", delta="x" * 200_000)
    path = write(tmp_path, CREATED, *[big] * 40)
    sizes: list[int] = []
    with anyio.fail_after(LIMIT):
        async with replay(path) as server, dial(f"{server.url}?model=m") as client:
            await anyio.wait_all_tasks_blocked()  # the client reads late
            while len(sizes) < 41:
                await client.read()
                sizes += map(len, client._frames)
                client._frames.clear()
    assert min(sizes[1:]) > 200_000


async def test_who_speaks_no_websocket(tmp_path: Path) -> None:
    path = write(tmp_path, CREATED)
    with anyio.fail_after(LIMIT):
        async with replay(path) as server:
            port = int(server.url.rpartition(":")[2].partition("/")[0])
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = await stream.receive()
            async with await anyio.connect_tcp("127.0.0.1", port):
                pass
            async with open_realtime("m", base_url=server.base_url):
                pass
    assert answer.startswith(b"HTTP/1.1 426")
