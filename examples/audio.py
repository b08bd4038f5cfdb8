"""Say the contents of a WAV file and save what is answered aloud.

    python examples/audio.py question.wav answer.wav

The question has to be 24 kHz, 16 bits, mono, and so is the answer. With OPENAI_API_KEY it
talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os
import sys
import wave

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import (
    AudioConfig,
    AudioFormat,
    AudioInput,
    AudioOutput,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    ResponseCreate,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    Session,
)
from anyrealtime.simulator import open_simulator

PCM = AudioFormat(type="audio/pcm", rate=24_000)
CHUNK_BYTES = 4_800  # 100 ms

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
    answer = bytearray()
    async with open_realtime("gpt-realtime", session=SESSION, url=url) as connection:
        for start in range(0, len(question), CHUNK_BYTES):
            chunk = question[start : start + CHUNK_BYTES]
            await connection.send(InputAudioBufferAppend(audio=chunk))
        await connection.send(InputAudioBufferCommit())
        await connection.send(ResponseCreate())
        async for event in connection:
            match event:
                case ResponseOutputAudioDelta(delta=pcm):
                    answer += pcm
                case ResponseOutputAudioTranscriptDelta(delta=text):
                    print(text, end="", flush=True)
                case ResponseDone():
                    print()
                    break
                case _:
                    pass
    return bytes(answer)


async def offline(question: bytes) -> bytes:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        return await main(question, simulator.url)


def read_wav(path: str) -> bytes:
    """The samples of a file in the one form the protocol takes."""
    with wave.open(path, "rb") as file:
        if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (24_000, 2, 1):
            sys.exit(f"{path} is not 24 kHz, 16 bits, mono")
        return file.readframes(file.getnframes())


def write_wav(path: str, pcm: bytes) -> None:
    """Save samples in that form."""
    with wave.open(path, "wb") as file:
        file.setframerate(24_000)
        file.setsampwidth(2)
        file.setnchannels(1)
        file.writeframes(pcm)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/audio.py QUESTION.wav ANSWER.wav")
    talk = main if os.environ.get("OPENAI_API_KEY") else offline
    write_wav(sys.argv[2], anyio.run(talk, read_wav(sys.argv[1])))
