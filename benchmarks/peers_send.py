"""Who sends, each as its own documentation writes it: `python peers_send.py PEER --url ...`.

A peer sends 20 ms chunks of microphone audio and commits them (the warm-up), then does it again;
the clock stops when the server, which has counted every chunk, answers the second commit. Raw
PCM is what a program holds: where a client wants base64, making it is part of the work.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any, Literal, TypeAlias

import anyio
from measure import Job, Meter, Runner, peer_main
from traffic import CHUNK_BYTES

__all__ = ["RUNNERS"]

Backend: TypeAlias = Literal["asyncio", "trio"]
Transport: TypeAlias = Literal["anyio", "trio-websocket"]

_CHUNKS = [random.Random(seed).randbytes(CHUNK_BYTES) for seed in range(64)]


async def _twice(
    send: Callable[[bytes], Awaitable[object]],
    commit: Callable[[], Awaitable[None]],
    job: Job,
    meter: Meter,
) -> None:
    """Warm up, then measure. `send` sends one chunk; `commit` waits for the server's answer."""

    async def turn(chunks: int, interval: float) -> None:
        next_at = anyio.current_time()
        for number in range(chunks):
            await send(_CHUNKS[number % len(_CHUNKS)])
            if interval:
                next_at += interval
                await anyio.sleep_until(next_at)
        await commit()

    await turn(job.warmup, 0)
    meter.start()
    await turn(job.events, job.interval)
    meter.stop(job.events)


def _anyrealtime(backend: Backend, transport: Transport, job: Job, meter: Meter) -> None:
    from anyrealtime import open_realtime
    from anyrealtime.events import (
        InputAudioBufferAppend,
        InputAudioBufferCommit,
        InputAudioBufferCommitted,
    )

    async def main() -> None:
        async with open_realtime(
            url=job.endpoint, api_key="x", ssl_context=job.tls, transport=transport
        ) as connection:

            async def send(chunk: bytes) -> None:
                await connection.send(InputAudioBufferAppend(audio=chunk))

            async def commit() -> None:
                await connection.send(InputAudioBufferCommit())
                async for event in connection:
                    if isinstance(event, InputAudioBufferCommitted):
                        return

            await _twice(send, commit, job, meter)

    anyio.run(main, backend=backend)


def _openai_python(job: Job, meter: Meter) -> None:
    openai: Any = import_module("openai")
    options: dict[str, object] = {"ssl": job.tls} if job.tls else {}

    async def main() -> None:
        client = openai.AsyncOpenAI(
            api_key="x", base_url=job.url.replace("ws", "http", 1), websocket_base_url=job.url
        )
        async with client.realtime.connect(
            model="gpt-realtime", websocket_connection_options=options
        ) as connection:

            async def send(chunk: bytes) -> None:
                await connection.input_audio_buffer.append(audio=base64.b64encode(chunk).decode())

            async def commit() -> None:
                await connection.input_audio_buffer.commit()
                async for event in connection:
                    if event.type == "input_audio_buffer.committed":
                        return

            await _twice(send, commit, job, meter)

    anyio.run(main)


def _websockets(job: Job, meter: Meter) -> None:
    client: Any = import_module("websockets.asyncio.client")

    async def main() -> None:
        async with client.connect(job.endpoint, ssl=job.tls, compression=None) as connection:

            async def send(chunk: bytes) -> None:
                audio = base64.b64encode(chunk).decode()
                await connection.send(
                    json.dumps({"type": "input_audio_buffer.append", "audio": audio})
                )

            async def commit() -> None:
                await connection.send('{"type":"input_audio_buffer.commit"}')
                while b'"input_audio_buffer.committed"' not in await connection.recv(decode=False):
                    pass

            await _twice(send, commit, job, meter)

    anyio.run(main)


RUNNERS: dict[str, Runner] = {
    "anyrealtime asyncio": partial(_anyrealtime, "asyncio", "anyio"),
    "anyrealtime trio": partial(_anyrealtime, "trio", "anyio"),
    "anyrealtime trio-websocket": partial(_anyrealtime, "trio", "trio-websocket"),
    "openai-python": _openai_python,
    "websockets": _websockets,
}

if __name__ == "__main__":
    peer_main(RUNNERS)
