"""A `WebSocketConnection` that the caller has opened becomes a connection like any other."""

from __future__ import annotations

import anyio
import pytest
from trio_websocket import open_websocket_url

from anyrealtime import open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator


@pytest.fixture
def anyio_backend() -> str:
    return "trio"


async def test_a_connection_handed_in_is_taken_over() -> None:
    with anyio.fail_after(10):
        async with open_simulator() as simulator, open_websocket_url(simulator.url) as theirs:
            async with open_realtime(
                transport=theirs, session=Session(output_modalities=["text"])
            ) as connection:
                assert connection.transport.raw is theirs
                assert await connection.ask("What are you?")
            assert theirs.closed
