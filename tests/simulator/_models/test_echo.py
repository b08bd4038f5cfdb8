"""The echo gives back what it was told, over a real socket and with the library's own client."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import open_realtime
from anyrealtime.events import AudioConfig, AudioInput, Session
from anyrealtime.simulator import Echo, open_simulator, speak


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


MANUAL = Session(audio=AudioConfig(input=AudioInput(turn_detection=None)))
SPOKEN = speak("Is anybody there?")


async def test_text_comes_back_as_text() -> None:
    with anyio.fail_after(10):
        async with open_simulator(model=Echo()) as simulator:
            async with open_realtime(
                url=simulator.url, session=Session(output_modalities=["text"])
            ) as connection:
                assert await connection.ask("Hello  there") == "Hello  there"


async def test_sound_comes_back_as_it_was() -> None:
    with anyio.fail_after(10):
        async with open_simulator(
            model=Echo(), recogniser=lambda _, __: "Is anybody there?"
        ) as simulator:
            async with open_realtime(url=simulator.url, session=MANUAL) as connection:
                await connection.input_audio_buffer.append(SPOKEN)
                await connection.input_audio_buffer.commit()
                async with connection.respond() as response:
                    audio = b"".join([chunk async for chunk in response.audio])
                    words = "".join([piece async for piece in response.transcript])
                assert audio == SPOKEN
                assert words == "Is anybody there?"


async def test_words_that_nobody_knows() -> None:
    with anyio.fail_after(10):
        async with open_simulator(model=Echo()) as simulator:
            async with open_realtime(url=simulator.url, session=MANUAL) as connection:
                await connection.input_audio_buffer.append(bytes(57_600))
                await connection.input_audio_buffer.commit()
                async with connection.respond(output_modalities=["text"]) as response:
                    text = "".join([piece async for piece in response.text])
                assert text == "(1.2 seconds of audio)"
