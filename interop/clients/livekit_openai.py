"""livekit-plugins-openai as a client: a session that keeps a chat context of its own in step
with the server's. It waits for each item by the id it gave it, and for each response by its
metadata.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from importlib import import_module
from typing import Any

import anyio

from interop.clients import script
from interop.clients.script import RATE_HZ, Order, Report

realtime: Any = import_module("livekit.plugins.openai").realtime
llm: Any = import_module("livekit.agents").llm
rtc: Any = import_module("livekit").rtc
options: Any = import_module("openai.types.realtime.realtime_audio_input_turn_detection")


async def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"called by nobody here, for {city}"


class Talk:
    """One session, and what it shows its user."""

    def __init__(self, session: Any, report: Report) -> None:
        self._session = session
        self._report = report
        self._errors, self._refused = anyio.create_memory_object_stream[Any](16)
        self._begun, self._generations = anyio.create_memory_object_stream[Any](16)
        session.on("error", self._errors.send_nowait)
        session.on("generation_created", self._begun.send_nowait)
        session.on("input_speech_started", self._interrupt)
        self._audible = False

    def _interrupt(self, _: object) -> None:
        if self._audible:
            self._report["interrupted"] = True

    async def text(self, order: Order) -> None:
        """Say hello."""
        await self._say(script.HELLO)
        await self._take(await self._session.generate_reply())

    async def function(self, order: Order) -> None:
        """Ask for what only the function knows, and return its output."""
        await self._session.update_tools([llm.function_tool(get_weather)])
        await self._say(script.ASK)
        call = await self._take(await self._session.generate_reply())
        context = self._session.chat_ctx.copy()
        context.items.append(
            llm.FunctionCallOutput(
                call_id=call.call_id, name=script.NAME, output=script.OUTPUT, is_error=False
            )
        )
        await self._session.update_chat_ctx(context)
        await self._take(await self._session.generate_reply())

    async def error(self, order: Order) -> None:
        """Delete what is not there."""
        self._session.send_event(
            {
                "type": "conversation.item.delete",
                "item_id": script.NOBODY,
                "event_id": "evt_mine",
            }
        )
        event = await self._refused.receive()
        self._report["error"] = event.error.body.model_dump()

    async def cancel(self, order: Order) -> None:
        """Ask for much, interrupt after the first words, and go on."""
        await self._say(script.LONG)
        generation = await self._session.generate_reply()
        async for message in generation.message_stream:
            said = ""
            async for delta in message.text_stream:
                if not said:
                    self._session.interrupt()
                said += delta
            self._report["said"] = said
        await self._say(script.HELLO)
        await self._take(await self._session.generate_reply())

    async def vad(self, order: Order) -> None:
        """Speak, and let the server notice when it was all."""
        self._speak(order)
        await self._take(await self._generations.receive())

    async def interruption(self, order: Order) -> None:
        """Speak again while the answer is being spoken."""
        self._speak(order)
        async for message in (await self._generations.receive()).message_stream:
            async for _ in message.audio_stream:
                if not self._audible:
                    self._audible = True
                    self._speak(order)
        await self._take(await self._generations.receive())

    async def _say(self, text: str) -> None:
        context = self._session.chat_ctx.copy()
        context.add_message(role="user", content=text)
        await self._session.update_chat_ctx(context)

    def _speak(self, order: Order) -> None:
        for piece in order.utterance:
            self._session.push_audio(rtc.AudioFrame(piece, RATE_HZ, 1, len(piece) // 2))

    async def _take(self, generation: Any) -> Any:
        """Take all of a response; return the last call in it."""
        call = None
        async for message in generation.message_stream:
            self._report["text"] = "".join([delta async for delta in message.text_stream])
            async for frame in heard(message):
                self._report["audio_bytes"] += len(frame.data) * 2
        async for call in generation.function_stream:
            self._report["calls"].append([call.name, call.arguments])
        return call


async def heard(message: Any) -> AsyncGenerator[Any, None]:
    """The frames of a message's sound."""
    async for frame in message.audio_stream:
        yield frame


async def talk(order: Order) -> Report:
    """Open a session and play the step in it."""
    report: Report = {"text": "", "calls": [], "audio_bytes": 0}
    model = realtime.RealtimeModel(
        base_url=order.url,
        api_key=order.key,
        model="gpt-realtime",
        modalities=["audio"] if order.aloud else ["text"],
        turn_detection=options.ServerVad(type="server_vad") if order.aloud else None,
    )
    session = model.session()
    await getattr(Talk(session, report), order.step)(order)
    await session.aclose()
    await model.aclose()
    return report


if __name__ == "__main__":
    script.run(lambda order: anyio.run(talk, order))
