"""Who receives, each as its own documentation writes it: `python peers_receive.py PEER --url ...`.

A peer asks for a response (the warm-up), then for more of them until the sample is long enough, and
counts what it is handed. It does nothing else with an event. Others' packages are imported by name,
inside the peer that needs them: any of them may be absent, and none may weigh on another.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from typing import Any, Literal, TypeAlias

import anyio
from measure import Job, Meter, Runner, peer_main
from traffic import GO

__all__ = ["RUNNERS"]

Backend: TypeAlias = Literal["asyncio", "trio"]
Transport: TypeAlias = Literal["anyio", "trio-websocket"]


async def _measure(respond: Callable[[], Awaitable[int]], meter: Meter) -> None:
    """Warm up, then measure. `respond` asks for a response and counts its events."""
    await respond()
    meter.start()
    count = await respond()
    while not meter.lasted:
        count += await respond()
    meter.stop(count)


def _anyrealtime(backend: Backend, transport: Transport, job: Job, meter: Meter) -> None:
    from anyrealtime import open_realtime
    from anyrealtime.events import ResponseCreate, ResponseDone

    async def main() -> None:
        async with open_realtime(
            url=job.endpoint, api_key="x", ssl_context=job.tls, transport=transport
        ) as connection:

            async def respond() -> int:
                await connection.send(ResponseCreate())
                count = 0
                async for event in connection:
                    count += 1
                    if isinstance(event, ResponseDone):
                        break
                return count

            await _measure(respond, meter)

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

            async def respond() -> int:
                await connection.response.create()
                count = 0
                async for event in connection:
                    count += 1
                    if event.type == "response.done":
                        break
                return count

            await _measure(respond, meter)

    anyio.run(main)


def _openai_agents(job: Job, meter: Meter) -> None:
    """The agents' SDK, at its lowest public level: a model and one listener, told of every event."""
    realtime: Any = import_module("agents.realtime")
    inputs: Any = import_module("agents.realtime.model_inputs")
    if job.authority:
        os.environ["SSL_CERT_FILE"] = job.authority  # it takes no TLS context
    count = 0
    finished = anyio.Event()

    class Listener:
        async def on_event(self, event: Any) -> None:
            nonlocal count
            if event.type == "raw_server_event":
                count += 1
                if event.data["type"] == "response.done":
                    finished.set()

    async def main() -> None:
        model = realtime.OpenAIRealtimeWebSocketModel()
        model.add_listener(Listener())
        await model.connect({"api_key": "x", "url": job.endpoint})

        async def respond() -> int:
            nonlocal count, finished
            count, finished = 0, anyio.Event()
            await model.send_event(
                inputs.RealtimeModelSendRawMessage(message={"type": "response.create"})
            )
            await finished.wait()
            return count

        await _measure(respond, meter)
        await model.close()

    anyio.run(main)


def _websockets(job: Job, meter: Meter) -> None:
    from floor import DECODER, ResponseDone

    client: Any = import_module("websockets.asyncio.client")

    async def main() -> None:
        async with client.connect(job.endpoint, ssl=job.tls, compression=None) as connection:

            async def respond() -> int:
                await connection.send(GO)
                count = 0
                while True:
                    event = DECODER.decode(await connection.recv(decode=False))
                    count += 1
                    if isinstance(event, ResponseDone):
                        return count

            await _measure(respond, meter)

    anyio.run(main)


def _picows(decode: Callable[[Any], object], done: type[object], job: Job, meter: Meter) -> None:
    picows: Any = import_module("picows")

    count = 0
    finished = anyio.Event()

    def on_ws_frame(_listener: object, _transport: object, frame: Any) -> None:
        nonlocal count
        event = decode(frame.get_payload_as_memoryview())
        count += 1
        if isinstance(event, done):
            finished.set()

    async def main() -> None:
        listener = type("Listener", (picows.WSListener,), {"on_ws_frame": on_ws_frame})
        transport, _ = await picows.ws_connect(listener, job.endpoint, ssl_context=job.tls)

        async def respond() -> int:
            nonlocal count, finished
            count, finished = 0, anyio.Event()
            transport.send(picows.WSMsgType.TEXT, GO.encode())
            await finished.wait()
            return count

        await _measure(respond, meter)
        transport.disconnect()

    anyio.run(main)


def _picows_floor(job: Job, meter: Meter) -> None:
    from floor import DECODER, ResponseDone

    _picows(DECODER.decode, ResponseDone, job, meter)


def _picows_vocabulary(job: Job, meter: Meter) -> None:
    """The same callback with anyrealtime's codec: what the whole vocabulary adds to a decode."""
    from anyrealtime.events import ResponseDone, decode_server

    _picows(lambda payload: decode_server(bytes(payload)), ResponseDone, job, meter)


RUNNERS: dict[str, Runner] = {
    "anyrealtime asyncio": partial(_anyrealtime, "asyncio", "anyio"),
    "anyrealtime trio": partial(_anyrealtime, "trio", "anyio"),
    "anyrealtime trio-websocket": partial(_anyrealtime, "trio", "trio-websocket"),
    "openai-python": _openai_python,
    "openai-agents": _openai_agents,
    "websockets": _websockets,
    "picows": _picows_floor,
    "picows + our codec": _picows_vocabulary,
}

if __name__ == "__main__":
    peer_main(RUNNERS)
