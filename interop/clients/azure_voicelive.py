"""azure-ai-voicelive as a client, in the beta dialect, at an address of Azure's."""

from __future__ import annotations

from base64 import b64encode
from importlib import import_module
from typing import Any

import anyio

from interop.clients import script
from interop.clients.script import Order, Report

connect: Any = import_module("azure.ai.voicelive.aio").connect
models: Any = import_module("azure.ai.voicelive.models")
credential: Any = import_module("azure.core.credentials").AzureKeyCredential


class Talk:
    """One connection, and what it shows its user."""

    def __init__(self, connection: Any, report: Report) -> None:
        self._connection = connection
        self._report = report
        self._said = ""
        self._call_id = ""

    async def until(self, kind: str) -> Any:
        """Take events up to the first of that kind."""
        async for event in self._connection:
            # It has a class for every event but this one, which Azure does not send.
            known = type(event) is not models.ServerEvent
            assert known or event["type"] == "rate_limits.updated", event
            match str(event["type"]):
                case "response.text.delta":
                    self._said += event.delta
                case "response.text.done":
                    self._report["text"] = event.text
                case "response.audio_transcript.done":
                    self._report["text"] = event.transcript
                case "response.audio.delta":
                    self._report["audio_bytes"] += len(event.delta)
                case "response.function_call_arguments.done":
                    self._call_id = event.call_id
                    self._report["calls"].append([event.name, event.arguments])
                case "input_audio_buffer.speech_started" if self._report["audio_bytes"]:
                    self._report["interrupted"] = True
                case "error":
                    self._report["error"] = event.error.as_dict()
                case _:
                    pass
            if event["type"] == kind:
                return event
        raise EOFError(kind)

    async def answered(self, item: Any) -> Any:
        """Add an item and take the response to it."""
        await self._connection.conversation.item.create(item=item)
        await self._connection.response.create()
        return await self.until("response.done")

    async def text(self, order: Order) -> None:
        """Say hello."""
        await self.answered(message(script.HELLO))

    async def function(self, order: Order) -> None:
        """Ask for what only the function knows, and return its output."""
        await self.answered(message(script.ASK))
        output = models.FunctionCallOutputItem(call_id=self._call_id, output=script.OUTPUT)
        await self.answered(output)

    async def error(self, order: Order) -> None:
        """Delete what is not there."""
        items = self._connection.conversation.item
        await items.delete(item_id=script.NOBODY, event_id="evt_mine")
        await self.until("error")

    async def cancel(self, order: Order) -> None:
        """Ask for much, cancel after the first words, and go on."""
        await self._connection.conversation.item.create(item=message(script.LONG))
        await self._connection.response.create()
        await self.until("response.text.delta")
        await self._connection.response.cancel()
        done = await self.until("response.done")
        self._report |= {"cancelled": done.response.status == "cancelled", "said": self._said}
        await self.answered(message(script.HELLO))

    async def vad(self, order: Order) -> None:
        """Speak, and let the server notice when it was all."""
        await self._speak(order)
        await self.until("response.done")

    async def interruption(self, order: Order) -> None:
        """Speak again while the answer is being spoken."""
        await self._speak(order)
        await self.until("response.audio.delta")
        await self._speak(order)
        await self.until("response.done")
        await self.until("response.done")

    async def _speak(self, order: Order) -> None:
        for piece in order.utterance:
            await self._connection.input_audio_buffer.append(audio=b64encode(piece).decode())


def message(said: str) -> Any:
    """A user's message."""
    return models.UserMessageItem(content=[models.InputTextContentPart(text=said)])


async def talk(order: Order) -> Report:
    """Open a session with one tool and play the step in it."""
    report: Report = {"text": "", "calls": [], "audio_bytes": 0}
    async with connect(
        credential=credential(order.key), endpoint=order.url, model="gpt-realtime"
    ) as connection:
        tool = models.FunctionTool(
            name=script.NAME, description=script.DESCRIPTION, parameters=script.CITY
        )
        session = models.RequestSession(
            modalities=["text", "audio"] if order.aloud else ["text"],
            tools=[tool],
            turn_detection=models.ServerVad() if order.aloud else None,
        )
        conversation = Talk(connection, report)
        await connection.session.update(session=session)
        await conversation.until("session.updated")
        await getattr(conversation, order.step)(order)
    return report


if __name__ == "__main__":
    script.run(lambda order: anyio.run(talk, order))
