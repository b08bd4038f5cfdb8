"""Say the contents of a WAV file and save what is answered aloud.

    python examples/audio.py question.wav answer.wav

The question has to be sampled at 24 kHz, as the answer is. With OPENAI_API_KEY it
talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os
import sys

import anyio

from anyrealtime import ConfigurationError, open_realtime
from anyrealtime.audio import PCM16_24K, read_wav, write_wav
from anyrealtime.events import AudioConfig, AudioFormat, AudioInput, AudioOutput, Session
from anyrealtime.simulator import open_simulator

PCM = AudioFormat(type="audio/pcm", rate=24_000)

SESSION = Session(
    output_modalities=["audio"],
    audio=AudioConfig(
        # No turn detection: the file is one turn, and we say where it ends.
        input=AudioInput(format=PCM, turn_detection=None),
        output=AudioOutput(format=PCM),
    ),
)


async def main(question: bytes, url: str | None = None) -> bytes:
    """Say `question`, print the transcript of the answer and return its sound."""
    async with open_realtime("gpt-realtime", session=SESSION, url=url) as connection:
        for chunk in PCM16_24K.split(question, 100):
            await connection.input_audio_buffer.append(chunk)
        await connection.input_audio_buffer.commit()
        async with connection.respond() as response:
            answer = b"".join([pcm async for pcm in response.audio])
            print("".join([text async for text in response.transcript]))
    return answer


async def offline(question: bytes) -> bytes:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        return await main(question, simulator.url)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/audio.py QUESTION.wav ANSWER.wav")
    talk = main if os.environ.get("OPENAI_API_KEY") else offline
    try:
        question = read_wav(sys.argv[1], rate_hz=24_000).pcm
    except ConfigurationError as error:
        sys.exit(str(error))
    write_wav(sys.argv[2], anyio.run(talk, question))
