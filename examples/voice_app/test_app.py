"""The assistant's tests: no key, no network, no sound device."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from anyrealtime import Connection, ConnectionClosed, open_realtime
from anyrealtime.audio import PCM16_24K
from anyrealtime.events import ConversationItemTruncate
from anyrealtime.simulator import Expect, FunctionCallRequest, ModelRequest, Scripted, Turn, speak
from anyrealtime.testing import MemoryRealtime, Recorder, ThreadedSimulator
from examples.voice_app.app import SESSION, converse

pytestmark = pytest.mark.anyio

SILENCE = bytes(PCM16_24K.ms_to_bytes(600))  # ends a turn


class Kitchen:
    """Where the assistant stands: somebody talks, the loudspeaker plays, timers run."""

    def __init__(self) -> None:
        self.timers: list[float] = []
        self.heard = b""
        self.stuck = False
        self._changed = anyio.Event()
        self.mouth, self.microphone = anyio.create_memory_object_stream[bytes](100)

    async def say(self, words: str) -> None:
        for sound in PCM16_24K.split(speak(words) + SILENCE, chunk_ms=100):
            await self.mouth.send(sound)

    async def play(self, pcm: bytes) -> None:
        """The loudspeaker: as fast as sound comes or, once, stuck until it is cut short."""
        if self.stuck and self.heard:
            self.stuck = False
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        self.heard += pcm
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_heard(self, pcm: bytes = b"") -> None:
        """Wait until that has been played, or anything at all."""
        while not self.heard or pcm not in self.heard:
            await self._changed.wait()


@asynccontextmanager
async def kitchen(connection: Connection) -> AsyncGenerator[Kitchen, None]:
    """The assistant at work, for as long as the block lasts and no longer than a test may take."""
    room = Kitchen()
    with anyio.fail_after(10), room.mouth, room.microphone:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(converse, connection, room.microphone, room, room.timers.append)
            yield room
            room.mouth.close()


async def test_it_sets_a_timer(memory_realtime: MemoryRealtime) -> None:
    script = Scripted(
        [
            Turn(
                heard="Ten minutes for the eggs, please.",
                says=FunctionCallRequest("set_timer", {"minutes": 10}),
            ),
            Turn(
                expect=Expect(outputs={"set_timer": {"set_for_minutes": 10.0}}),
                says="Ten minutes, from now.",
            ),
        ]
    )
    async with (
        memory_realtime(model=script) as simulator,
        open_realtime(transport=simulator.connect(), session=SESSION) as connection,
        kitchen(connection) as room,
    ):
        await room.say("Ten minutes for the eggs, please.")
        await room.wait_heard(speak("Ten minutes, from now."))
        assert room.timers == [10]


async def test_the_model_is_told_what_it_got_wrong(memory_realtime: MemoryRealtime) -> None:
    script = Scripted(
        [
            FunctionCallRequest("set_timer", {"minutes": "ten"}),
            Turn(
                expect=Expect(outputs={"set_timer": {"error": "minutes must be a number"}}),
                says="How many minutes?",
            ),
        ]
    )
    async with (
        memory_realtime(model=script) as simulator,
        open_realtime(transport=simulator.connect(), session=SESSION) as connection,
        kitchen(connection) as room,
    ):
        await room.say("A timer!")
        await room.wait_heard(speak("How many minutes?"))
        assert room.timers == []


async def test_it_stops_when_spoken_to(memory_realtime: MemoryRealtime) -> None:
    script = Scripted(["First you boil the water. Then you wait.", "Good bye!"])
    async with (
        memory_realtime(model=script) as simulator,
        open_realtime(transport=simulator.connect(), session=SESSION) as connection,
        kitchen(connection) as room,
    ):
        room.stuck = True
        await room.say("How do I cook eggs?")
        await room.wait_heard()
        heard_ms = PCM16_24K.bytes_to_ms(len(room.heard))
        await room.say("Stop, I know.")
        [visitor] = simulator.connections
        truncated = await visitor.wait_received(ConversationItemTruncate)
        assert truncated.audio_end_ms == heard_ms
        await room.wait_heard(speak("Good bye!"))


def present(_: ModelRequest) -> str:
    return "I am here."


@pytest.mark.realtime(model=present)
async def test_a_lost_connection_ends_it(
    realtime_simulator: ThreadedSimulator, realtime_recorder: Recorder
) -> None:
    """Over a real socket, to a server in a thread of its own; a failure shows what crossed."""

    async def talk() -> None:
        async with (
            open_realtime(
                url=realtime_simulator.url, session=SESSION, tap=realtime_recorder
            ) as connection,
            kitchen(connection) as room,
        ):
            await room.say("Are you there?")
            await room.wait_heard(speak("I am here."))
            realtime_simulator.connections[0].abort()
            await anyio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await talk()
    assert caught.group_contains(ConnectionClosed)
