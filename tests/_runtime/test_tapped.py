"""`open_realtime(tap=...)`: a tap sees all of a connection's life, the opening included."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import pytest

from anyrealtime import ConnectionClosed, InternalError, open_realtime
from tests._runtime.opening import BRIEF, UPDATED, opening
from tests._runtime.peers import CREATED, LIMIT, FakeTransport, arrived, opened
from tests._transport.test_tap import Log


def kinds(log: Log) -> list[tuple[object, object]]:
    """What was told, events by their type."""
    return [
        (told[0], json.loads(told[1])["type"] if isinstance(told[1], bytes) else told[1])
        for told in log.told
    ]


async def test_the_opening_and_the_end_are_seen() -> None:
    log = Log()
    wire = FakeTransport(CREATED)
    async with opening(wire, session=BRIEF, tap=log) as state:
        await arrived()
        wire.deliver(UPDATED)
        await arrived()
        assert state.connection is not None
        assert state.connection.transport.raw is wire
    assert kinds(log) == [
        ("received", "session.created"),
        ("sent", "session.update"),
        ("received", "session.updated"),
        ("closed", 1000),
    ]


async def test_a_loss_is_seen() -> None:
    log = Log()
    with pytest.raises(ConnectionClosed):
        async with opened(tap=log, close_timeout=0.0) as (_, wire):
            wire.end(1001, "server", "late")
            await anyio.sleep_forever()
    assert log.told[-1] == ("closed", 1001, "late", "server")


async def test_a_refused_opening_is_seen() -> None:
    log = Log()
    wire = FakeTransport()
    wire.end(3000, "server", "no")
    with anyio.fail_after(LIMIT), pytest.raises(Exception, match="3000"):
        async with open_realtime(transport=wire, tap=log):
            pytest.fail("the block began")
    assert log.told == [("closed", 3000, "no", "server")]


async def test_a_connection_without_a_tap_is_not_wrapped() -> None:
    async with opened() as (connection, wire):
        assert connection.transport is wire


class Broken(Log):
    """A tap that raises where it may not."""

    def received(self, frames: Sequence[bytes]) -> None:
        raise RuntimeError("no disk")


async def test_what_a_tap_raises_ends_the_connection() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(InternalError) as caught:
        async with open_realtime(transport=wire, tap=Broken()):
            pytest.fail("the block began")
    assert isinstance(caught.value.__cause__, RuntimeError)  # bare, as whoever reads it wrote it
    assert "no disk" in str(caught.value)
    assert wire.aborted


async def test_a_tap_that_refuses_the_connection() -> None:
    class Refusing:
        def opened(self, url: str, secrets: Sequence[str]) -> Log:
            raise RuntimeError("the recording is over")

    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT), pytest.raises(RuntimeError, match="is over"):
        async with open_realtime(transport=wire, tap=Refusing()):
            pytest.fail("the block began")
    assert wire.aborted
