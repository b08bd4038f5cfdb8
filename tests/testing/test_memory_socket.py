"""Faults in memory: the same script, seen by a program whose connection has no socket."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import AckTimeout, ConnectFailed, ConnectionClosed, open_realtime
from anyrealtime.events import InvalidEvent, ResponseDone, Session, UnknownEvent
from anyrealtime.simulator.faults import (
    HANDSHAKE,
    Close,
    Corrupt,
    Cut,
    Drop,
    Fault,
    Fragment,
    HalfOpen,
    Refuse,
    Reset,
    Slow,
    Stall,
    Unknown,
)
from anyrealtime.testing import open_memory_simulator

TEXT = Session(output_modalities=["text"])
DELTA = "response.output_text.delta"


@pytest.fixture(autouse=True)
def _both(anyio_backend: str) -> None:
    """Names the backend of every test here."""


def answer(_: object) -> str:
    return "Just so."


@pytest.mark.parametrize(
    "fault",
    [
        Fragment(size_bytes=7),
        Stall(0.05, event=DELTA),
        Stall(0.05, event=HANDSHAKE),
        Slow(200_000),
        Drop(visit=2),
    ],
)
async def test_the_connection_survives(fault: Fault) -> None:
    with anyio.fail_after(10):
        async with (
            open_memory_simulator(model=answer, faults=[fault]) as simulator,
            open_realtime(transport=simulator.connect(), session=TEXT) as connection,
        ):
            assert await connection.ask("Hello!") == answer(None)


@pytest.mark.parametrize(
    ("fault", "code", "by"),
    [
        (Close(1011, "overloaded", event=DELTA), 1011, "server"),
        (Close(None, event=DELTA), 1005, "server"),
        (Reset(event=DELTA), 1006, "network"),
        (Cut(event=DELTA, mid_frame=True), 1006, "network"),
    ],
)
async def test_a_loss_is_told(fault: Fault, code: int, by: str) -> None:
    with anyio.fail_after(10):
        async with open_memory_simulator(model=answer, faults=[fault]) as simulator:
            with pytest.raises(ConnectionClosed) as caught:
                async with open_realtime(transport=simulator.connect(), session=TEXT) as connection:
                    await connection.ask("Hello!")
            assert (caught.value.code, caught.value.by) == (code, by)


@pytest.mark.parametrize(
    "fault", [Refuse(429), Reset(event=HANDSHAKE), HalfOpen(event=HANDSHAKE), HalfOpen()]
)
async def test_nothing_comes_of_it(fault: Fault) -> None:
    with anyio.fail_after(10):
        async with open_memory_simulator(faults=[fault]) as simulator:
            with pytest.raises(ConnectFailed, match="429" if isinstance(fault, Refuse) else None):
                async with open_realtime(transport=simulator.connect(), connect_timeout=0.2):
                    pass


async def test_events_that_cannot_be_read() -> None:
    script = [Unknown(event=DELTA), Corrupt(event=DELTA), Drop(event="response.*.done", p=1)]
    with anyio.fail_after(10):
        async with (
            open_memory_simulator(model=answer, faults=script) as simulator,
            open_realtime(transport=simulator.connect(), session=TEXT) as connection,
        ):
            await connection.response.create()
            strange: list[object] = []
            async for event in connection:
                strange += [event] if isinstance(event, UnknownEvent | InvalidEvent) else []
                if isinstance(event, ResponseDone):
                    break
            assert [type(event) for event in strange] == [UnknownEvent, InvalidEvent, InvalidEvent]


async def test_silence() -> None:
    with anyio.fail_after(10):
        async with (
            open_memory_simulator(faults=[HalfOpen(after=1)]) as simulator,
            open_realtime(transport=simulator.connect(), ack_timeout=0.1) as connection,
        ):
            with pytest.raises(AckTimeout):
                await connection.input_audio_buffer.clear()
