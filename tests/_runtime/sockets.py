"""Real sockets for the runtime's tests: a scripted server, and one at full wire speed.

`SOCKETS` runs a test on every pair of backend and transport.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from threading import Thread
from typing import Any, Final

import anyio
import pytest

from anyrealtime import Connection, open_realtime
from tests._runtime.peers import CREATED, LIMIT
from tests._transport.raw_peer import TEXT, RawListener, RawPeer, Request, frame, response_101

PAIRS: Final = [
    pytest.param("asyncio", "anyio", id="asyncio-anyio"),
    pytest.param("trio", "anyio", id="trio-anyio"),
    pytest.param("trio", "trio-websocket", id="trio-websocket"),
]
UNTRACED: Final = pytest.mark.skipif(
    sys.gettrace() is not None, reason="a tracer makes every program too slow for the wire"
)
SOCKETS: Final = pytest.mark.parametrize(("anyio_backend", "transport"), PAIRS)

Script = Callable[[RawPeer], Coroutine[Any, Any, object]]


def frames(*events: bytes) -> bytes:
    """Events as they are on the wire, in one piece."""
    return b"".join(frame(event, TEXT) for event in events)


async def announce(peer: RawPeer, *events: bytes) -> None:
    """Accept the upgrade and announce the session, in one piece."""
    await peer.upgrade(after=frames(CREATED, *events))


@asynccontextmanager
async def listening(script: Script) -> AsyncGenerator[RawListener]:
    """A server that plays `script` on its one connection; the test ends with it, in time."""
    with anyio.fail_after(LIMIT), RawListener() as listener:

        async def serve() -> None:
            await script(await listener.accept())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            yield listener


@asynccontextmanager
async def dialled(transport: str, script: Script, **options: Any) -> AsyncGenerator[Connection]:
    """A connection to a server that plays `script`, which must come to its end by itself."""
    async with listening(script) as listener:
        async with opened_at(listener.url(), transport, **options) as connection:
            yield connection


def opened_at(url: str, transport: str, **options: Any) -> AbstractAsyncContextManager[Connection]:
    """`open_realtime`, without anything of the machine's, for a model that nobody asks for."""
    everything: dict[str, Any] = {"transport": transport, "proxy": False, **options}
    return open_realtime("m", url=url, **everything)


@contextmanager
def flooding(events: Sequence[bytes], *, times: int) -> Generator[str]:
    """A server in a thread of its own that sends `events` so many times as fast as it can be read."""
    data = b"".join(frame(event, TEXT) for event in events)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65_536)
            lines = received.decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines[1:])
            request = Request("/", {name.lower(): value.strip() for name, _, value in pairs})
            connection.sendall(response_101(request) + frame(CREATED, TEXT))
            try:
                for _ in range(times):
                    connection.sendall(data)
                while connection.recv(65_536):
                    pass
            except OSError:
                return  # the client had enough: what it got, the test looks at

    thread = Thread(target=serve)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join(LIMIT)
        listener.close()
        assert not thread.is_alive()
