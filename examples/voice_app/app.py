"""A voice assistant for the kitchen: it listens, answers aloud, sets timers, stops when spoken to.

The microphone and the speaker are whatever the caller has: an iterator of sound, and an object
that plays some. So are the timers. `test_app.py` shows how all of it is tested without a key,
a network or a sound device.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Callable
from typing import Protocol

import anyio

from anyrealtime import Connection, ResponseHandle
from anyrealtime.audio import PCM16_24K
from anyrealtime.events import (
    AudioConfig,
    AudioFormat,
    AudioInput,
    AudioOutput,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputAudioBufferSpeechStarted,
    ResponseCreated,
    ResponseOutputAudioDelta,
    ServerVad,
    Session,
)

PCM = AudioFormat(type="audio/pcm", rate=24_000)
SET_TIMER = FunctionTool(
    name="set_timer",
    description="Set a kitchen timer.",
    parameters={
        "type": "object",
        "properties": {"minutes": {"type": "number"}},
        "required": ["minutes"],
    },
)
SESSION = Session(
    instructions="You help in a kitchen. Be brief.",
    output_modalities=["audio"],
    audio=AudioConfig(
        input=AudioInput(format=PCM, turn_detection=ServerVad(interrupt_response=True)),
        output=AudioOutput(format=PCM),
    ),
    tools=[SET_TIMER],
)


class Speaker(Protocol):
    """Plays 16-bit mono PCM at 24 kHz."""

    async def play(self, pcm: bytes) -> None:
        """Return when `pcm` has been heard."""


async def converse(
    connection: Connection,
    microphone: AsyncIterable[bytes],
    speaker: Speaker,
    set_timer: Callable[[float], None],
) -> None:
    """Talk until the microphone ends. The connection's session has to be SESSION."""
    voice = Voice(connection, speaker)
    responses = connection.responses()
    async with (
        connection.subscribe(ResponseCreated, InputAudioBufferSpeechStarted) as events,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(voice.listen, events)
        tasks.start_soon(answer, connection, responses, voice, set_timer)
        async for sound in microphone:
            await connection.input_audio_buffer.append(sound)
        tasks.cancel_scope.cancel()


async def answer(
    connection: Connection,
    responses: AsyncIterable[ResponseHandle],
    voice: Voice,
    set_timer: Callable[[float], None],
) -> None:
    """Say what is answered to each turn of the user's, and do what it asks for."""
    async for response in responses:
        calls = await voice.say(response)
        while calls:
            for call in calls:
                await connection.conversation.item.create(obey(call, set_timer))
            async with connection.respond() as report:
                calls = await voice.say(report)


def obey(call: FunctionCall, set_timer: Callable[[float], None]) -> FunctionCallOutput:
    """Do what the model wants done, and say how it went."""
    try:
        minutes = float(json.loads(call.arguments)["minutes"])
    except (ValueError, KeyError, TypeError):
        result: dict[str, object] = {"error": "minutes must be a number"}
    else:
        set_timer(minutes)
        result = {"set_for_minutes": minutes}
    return FunctionCallOutput(call_id=call.call_id, output=json.dumps(result))


class Voice:
    """What the assistant says: one response at a time, until somebody interrupts."""

    def __init__(self, connection: Connection, speaker: Speaker) -> None:
        self._connection = connection
        self._speaker = speaker
        self._playing = anyio.CancelScope()
        self._said: str | None = None
        self._hushed: str | None = None

    async def say(self, response: ResponseHandle) -> list[FunctionCall]:
        """Play a response as it comes, and return the functions that it calls."""
        heard_bytes = 0
        item_id: str | None = None
        with anyio.CancelScope() as self._playing:
            self._said = response.id
            self._stop_if_hushed()
            async for event in response:
                if isinstance(event, ResponseOutputAudioDelta):
                    item_id = event.item_id
                    await self._speaker.play(event.delta)
                    heard_bytes += len(event.delta)
        if self._playing.cancelled_caught:
            if item_id:  # the model has to know how much of what it said was heard
                heard_ms = PCM16_24K.bytes_to_ms(heard_bytes)
                await self._connection.conversation.item.truncate(item_id, audio_end_ms=heard_ms)
            return []
        return [call async for call in response.function_calls]

    async def listen(
        self, events: AsyncIterable[ResponseCreated | InputAudioBufferSpeechStarted]
    ) -> None:
        """Be silent as soon as the user speaks. The server ends the response by itself.

        One stream has both kinds of event, so that their order is known: who speaks
        interrupts what was begun before, and not the answer to it.
        """
        begun: str | None = None
        async for event in events:
            if isinstance(event, ResponseCreated):
                begun = event.response.id
            else:
                self._hushed = begun
                self._stop_if_hushed()

    def _stop_if_hushed(self) -> None:
        if self._said is not None and self._said == self._hushed:
            self._playing.cancel()
