"""Spoken to over a real socket by the library's own client: turns, barge-in, the idle timeout."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import pytest
import trio
from trio.testing import MockClock

from anyrealtime import Connection, open_realtime
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    ConversationItemDone,
    ErrorEvent,
    InputAudio,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    Message,
    ResponseCreated,
    ResponseDone,
    ResponseOutputTextDelta,
    ResponseStatusDetails,
    ServerEvent,
    ServerVad,
    Session,
)
from anyrealtime.simulator import Model, ModelRequest, _driving, open_simulator, speak
from anyrealtime.testing import open_memory_simulator
from tests.simulator.sounds import silence

CHUNK_MS = 40
E = TypeVar("E", bound=ServerEvent)


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every async test here."""


@asynccontextmanager
async def call(model: Model, vad: ServerVad) -> AsyncGenerator[Connection]:
    """A session that answers in text and has this turn detection."""
    heard = AudioConfig(input=AudioInput(turn_detection=vad))
    session = Session(output_modalities=["text"], audio=heard)
    with anyio.fail_after(10):
        async with (
            open_simulator(model=model) as simulator,
            open_realtime(url=simulator.url, session=session) as connection,
        ):
            yield connection


async def say(connection: Connection, *sound: bytes) -> None:
    """Send sound in the pieces in which a microphone gives it."""
    whole, step = b"".join(sound), CHUNK_MS * 48
    for start in range(0, len(whole), step):
        await connection.input_audio_buffer.append(whole[start : start + step])


async def until(connection: Connection, kind: type[E], count: int = 1) -> list[ServerEvent]:
    """The events up to the next `count` of that kind."""
    taken: list[ServerEvent] = []
    async for event in connection:
        taken.append(event)
        count -= isinstance(event, kind)
        if count == 0:
            return taken
    raise EOFError


def of(kind: type[E], events: list[ServerEvent]) -> E:
    """The one event of that kind."""
    [found] = [event for event in events if isinstance(event, kind)]
    return found


def order(events: list[ServerEvent]) -> list[str]:
    """The types, from the first word that was heard."""
    names = [str(event.type) for event in events]
    return names[names.index("input_audio_buffer.speech_started") :]


HEARD = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]


def counting(request: ModelRequest) -> str:
    """Tells how much it was told."""
    sounds = [
        part
        for item in request.items
        if isinstance(item, Message)
        for part in item.content or []
        if isinstance(part, InputAudio)
    ]
    return f"{len(sounds)} turns, the last of {request.heard_seconds:.2f} s"


async def endless(request: ModelRequest) -> AsyncIterator[str]:
    """Speaks until it is stopped."""
    while True:
        yield "and so on "


async def test_two_turns_of_a_spoken_conversation() -> None:
    first, second = speak("Good morning! Who is there?"), speak("It is me.")
    async with call(counting, ServerVad()) as connection:
        answers = connection.responses()
        spoken_ms = 0
        for turn, sound in enumerate((first, second), start=1):
            await say(connection, silence(500), sound, silence(400))
            events = await until(connection, ResponseDone)
            assert order(events)[:6] == [*HEARD, "response.created"]
            started = of(InputAudioBufferSpeechStarted, events)
            stopped = of(InputAudioBufferSpeechStopped, events)
            assert started.audio_start_ms == spoken_ms + 500 - 300
            # The last word ends in a pause, which is silence, too.
            spoken_ms += 900 + len(sound) // 48
            assert stopped.audio_end_ms is not None
            assert started.audio_start_ms is not None
            assert spoken_ms - 450 < stopped.audio_end_ms <= spoken_ms - 200
            assert of(InputAudioBufferCommitted, events).item_id == started.item_id
            answer = await anext(answers)
            seconds = (stopped.audio_end_ms - started.audio_start_ms) / 1000
            heard = f"{turn} turns, the last of {seconds:.2f} s"
            assert "".join([text async for text in answer.text]) == heard


async def test_who_speaks_interrupts_the_answer() -> None:
    async with call(endless, ServerVad()) as connection:
        await connection.conversation.item.create("Go on")
        await connection.response.create()
        await until(connection, ResponseOutputTextDelta)
        await say(connection, silence(200), speak("Stop"))
        events = await until(connection, ResponseDone)
        assert [name for name in order(events) if not name.endswith(".delta")] == [
            "input_audio_buffer.speech_started",
            "response.output_text.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        response = of(ResponseDone, events).response
        assert response.status == "cancelled"
        assert isinstance(response.status_details, ResponseStatusDetails)
        assert response.status_details.reason == "turn_detected"
        await say(connection, silence(400))
        await until(connection, ResponseCreated)


async def test_an_answer_that_may_not_be_interrupted_goes_on() -> None:
    async with call(endless, ServerVad(interrupt_response=False)) as connection:
        await connection.response.create()
        await until(connection, ResponseOutputTextDelta)
        await say(connection, silence(200), speak("Stop"), silence(400))
        events = await until(connection, ErrorEvent)
        assert [name for name in order(events) if not name.endswith(".delta")] == [*HEARD, "error"]
        error = of(ErrorEvent, events).error
        assert error.code == "conversation_already_has_active_response"
        await until(connection, ResponseOutputTextDelta)
        await connection.response.cancel()


async def test_a_turn_that_nobody_answers() -> None:
    async with call(counting, ServerVad(create_response=False)) as connection:
        await say(connection, silence(200), speak("Hello there"), silence(400))
        events = await until(connection, ConversationItemDone)
        assert order(events) == HEARD
        assert await connection.ask("And?") == "1 turns, the last of 0.00 s"
        assert len([turn for turn in events if isinstance(turn, ResponseCreated)]) == 0


async def test_who_says_nothing_is_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_driving, "SECONDS_PER_MS", 1e-6)
    async with call(counting, ServerVad(idle_timeout_ms=5_000)) as connection:
        await say(connection, silence(300))
        await connection.response.create()
        events = await until(connection, ResponseDone, 3)
        names = [str(event.type) for event in events]
        assert names.count("input_audio_buffer.timeout_triggered") == 2
        at = names.index("input_audio_buffer.timeout_triggered")
        triggered = events[at]
        assert isinstance(triggered, InputAudioBufferTimeoutTriggered)
        assert (triggered.audio_start_ms, triggered.audio_end_ms) == (300, 300)
        assert names[at : at + 5] == [
            "input_audio_buffer.timeout_triggered",
            *HEARD[2:],
            "response.created",
        ]
        await say(connection, speak("Hello there"))
        await until(connection, InputAudioBufferSpeechStarted)


def test_the_wait_is_as_long_as_the_session_says() -> None:
    session = Session(
        audio=AudioConfig(input=AudioInput(turn_detection=ServerVad(idle_timeout_ms=6_000)))
    )
    answer = "Here I am, and here I stay."

    async def run() -> float:
        async with (
            open_memory_simulator(model=lambda _: answer) as simulator,
            open_realtime(transport=simulator.connect(), session=session) as connection,
        ):
            began = anyio.current_time()
            await connection.ask("Hello")
            await anyio.sleep(5)  # of a clock that does not make anybody wait
            await connection.ask("Hello again")
            await until(connection, InputAudioBufferTimeoutTriggered)
            return anyio.current_time() - began

    playing = len(speak(answer)) / 48_000
    waited = trio.run(run, clock=MockClock(autojump_threshold=0))
    assert waited == pytest.approx(5 + playing + 6, abs=0.1)
