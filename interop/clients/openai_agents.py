"""openai-agents as a client: it decodes every event strictly and runs the tool by itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import anyio

from interop.clients import script
from interop.clients.script import Order, Report

agents: Any = import_module("agents")
realtime: Any = import_module("agents.realtime")
inputs: Any = import_module("agents.realtime.model_inputs")


class Talk:
    """One session, and what it shows its user."""

    def __init__(self, session: Any, report: Report) -> None:
        self._session = session
        self._events = aiter(session)
        self._report = report

    async def until(self, kind: str) -> Any:
        """Take events up to the first of that kind, the server's own under their own names."""
        while True:
            event = await anext(self._events)
            told = event.type
            if told == "raw_model_event" and event.data.type == "raw_server_event":
                told = event.data.data["type"]
            match told:
                case "audio":
                    self._report["audio_bytes"] += len(event.audio.data)
                case "audio_interrupted":
                    self._report["interrupted"] = True
                case "error" if event.type == "error":
                    self._report["error"] = error_of(event.error)
                case "history_updated":
                    self._report["text"] = last_answer(event.history)
                case _:
                    pass
            if told == kind and (kind != "error" or event.type == "error"):
                return event

    async def text(self, order: Order) -> None:
        """Say hello."""
        await self._session.send_message(script.HELLO)
        await self._answered(1)

    async def function(self, order: Order) -> None:
        """Ask for what only the tool knows."""
        await self._session.send_message(script.ASK)
        await self._answered(2)

    async def error(self, order: Order) -> None:
        """Delete what is not there."""
        other = {"item_id": script.NOBODY, "event_id": "evt_mine"}
        message = {"type": "conversation.item.delete", "other_data": other}
        await self._session.model.send_event(inputs.RealtimeModelSendRawMessage(message=message))
        await self.until("error")

    async def cancel(self, order: Order) -> None:
        """Ask for much, cancel after the first words, and go on."""
        await self._session.send_message(script.LONG)
        first = await self.until("response.output_text.delta")
        self._report["said"] = first.data.data["delta"]
        forced = inputs.RealtimeModelSendInterrupt(force_response_cancel=True)
        await self._session.model.send_event(forced)
        done = await self.until("response.done")
        self._report["cancelled"] = done.data.data["response"]["status"] == "cancelled"
        await self._session.send_message(script.HELLO)
        await self._answered(2)  # the one that was cut short ends, too

    async def vad(self, order: Order) -> None:
        """Speak, and let the server notice when it was all."""
        await self._speak(order)
        await self._answered(1)

    async def interruption(self, order: Order) -> None:
        """Speak again while the answer is being spoken."""
        await self._speak(order)
        await self.until("audio")
        await self._speak(order)
        await self._answered(2)

    async def _speak(self, order: Order) -> None:
        for piece in order.utterance:
            await self._session.send_audio(piece)

    async def _answered(self, turns: int) -> None:
        for _ in range(turns):
            await self.until("agent_end")
        # Its history is a little behind: what it knows now is what a user would read.
        self._report["text"] = last_answer(self._session._history) or self._report["text"]


def error_of(error: Any) -> dict[str, Any]:
    """The details of an error, however it is wrapped."""
    return dict(error.model_dump()) if hasattr(error, "model_dump") else {"message": str(error)}


def last_answer(history: Any) -> str:
    """What the assistant said last, read or heard."""
    items = [item.model_dump() for item in history]
    answers = [item for item in items if item.get("role") == "assistant" and item["content"]]
    if not answers:
        return ""
    part = answers[-1]["content"][0]
    return str(part.get("text") or part.get("transcript") or "")


async def talk(order: Order) -> Report:
    """Open a session with one tool and play the step in it."""
    report: Report = {"text": "", "calls": [], "audio_bytes": 0}

    def get_weather(city: str) -> str:
        """The weather of a city."""
        report["calls"].append([script.NAME, {"city": city}])
        return script.OUTPUT

    agent = realtime.RealtimeAgent(
        name="Interop", instructions="Be brief.", tools=[agents.function_tool(get_weather)]
    )
    modalities = ["audio"] if order.aloud else ["text"]
    settings = {"model_name": "gpt-realtime", "output_modalities": modalities}
    runner = realtime.RealtimeRunner(starting_agent=agent, config={"model_settings": settings})
    where = {"url": order.url, "api_key": order.key}
    async with await runner.run(model_config=where) as session:
        await getattr(Talk(session, report), order.step)(order)
    return report


if __name__ == "__main__":
    agents.set_tracing_disabled(True)
    script.run(lambda order: anyio.run(talk, order))
