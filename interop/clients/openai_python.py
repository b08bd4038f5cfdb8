"""openai-python as a client; variants `ga`, `beta` and their synchronous twins `ga-sync`,
`beta-sync`.

The conversation is written once, as calls on the connection and the events awaited after them.
Every frame is also held against the SDK's own models, strictly, which the SDK itself does not do.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import anyio

from interop.clients import script
from interop.clients.script import Order, Report

openai: Any = import_module("openai")
pydantic: Any = import_module("pydantic")

Call = tuple[str, dict[str, Any], str]
"""A method of the connection, its arguments, and the type of the event that is then awaited."""


class Seen:
    """What came, event by event."""

    def __init__(self, validate: Callable[[bytes], object]) -> None:
        self.report: Report = {"invalid": [], "text": "", "calls": [], "audio_bytes": 0}
        self.call_id = ""
        self.said = ""
        self._validate = validate
        self._check(b'{"type": "response.done"}')
        assert self.report["invalid"].pop()[0] == "response.done", "the models accept anything"

    def _check(self, frame: bytes) -> None:
        try:
            self._validate(frame)
        except pydantic.ValidationError as error:
            self.report["invalid"].append([json.loads(frame)["type"], str(error)])

    def take(self, frame: bytes, event: Any) -> str:
        """Note an event and its frame; return its type in GA words."""
        self._check(frame)
        kind = str(event.type)
        for name in ("text", "audio", "audio_transcript"):
            kind = kind.replace(f"response.{name}.", f"response.output_{name}.")
        match kind:
            case "response.output_text.delta" | "response.output_audio_transcript.delta":
                self.said += event.delta
            case "response.output_text.done":
                self.report["text"] = event.text
            case "response.output_audio_transcript.done":
                self.report["text"] = event.transcript
            case "response.output_audio.delta":
                self.report["audio_bytes"] += len(b64decode(event.delta))
            case "response.function_call_arguments.done":
                self.call_id = event.call_id
                self.report["calls"].append([event.name, event.arguments])
            case "response.done":
                self.report["status"] = event.response.status
            case "input_audio_buffer.speech_started" if self.report["audio_bytes"]:
                self.report["interrupted"] = True
            case "error":
                self.report["error"] = event.error.model_dump()
            case _:
                pass
        return kind


def text(order: Order, seen: Seen) -> Iterator[Call]:
    """Say hello."""
    yield from turn(message(script.HELLO))


def function(order: Order, seen: Seen) -> Iterator[Call]:
    """Ask for what only the function knows, and return its output."""
    yield from turn(message(script.ASK))
    output = {"type": "function_call_output", "call_id": seen.call_id, "output": script.OUTPUT}
    yield from turn(output)


def error(order: Order, seen: Seen) -> Iterator[Call]:
    """Delete what is not there."""
    nobody = {"item_id": script.NOBODY, "event_id": "evt_mine"}
    yield "conversation.item.delete", nobody, "error"


def cancel(order: Order, seen: Seen) -> Iterator[Call]:
    """Ask for much, cancel after the first words, and go on."""
    yield "conversation.item.create", {"item": message(script.LONG)}, ""
    yield "response.create", {}, "response.output_text.delta"
    yield "response.cancel", {}, "response.done"
    seen.report |= {"cancelled": seen.report["status"] == "cancelled", "said": seen.said}
    yield from turn(message(script.HELLO))


def vad(order: Order, seen: Seen) -> Iterator[Call]:
    """Speak, and let the server notice when it was all."""
    yield from speak(order, "response.done")


def interruption(order: Order, seen: Seen) -> Iterator[Call]:
    """Speak again while the answer is being spoken."""
    yield from speak(order, "response.output_audio.delta")
    yield from speak(order, "response.done")
    yield "input_audio_buffer.append", {"audio": b64encode(bytes(4800)).decode()}, "response.done"


def speak(order: Order, awaited: str) -> Iterator[Call]:
    """The utterance, then what is awaited."""
    pieces = [b64encode(piece).decode() for piece in order.utterance]
    for piece in pieces[:-1]:
        yield "input_audio_buffer.append", {"audio": piece}, ""
    yield "input_audio_buffer.append", {"audio": pieces[-1]}, awaited


def turn(item: dict[str, Any]) -> Iterator[Call]:
    """An item and the response to it."""
    yield "conversation.item.create", {"item": item}, ""
    yield "response.create", {}, "response.done"


def message(said: str) -> dict[str, Any]:
    """A user's message."""
    content = [{"type": "input_text", "text": said}]
    return {"type": "message", "role": "user", "content": content}


STEPS = {
    "text": text,
    "function": function,
    "error": error,
    "cancel": cancel,
    "vad": vad,
    "interruption": interruption,
}


def conversation(order: Order, seen: Seen) -> Iterator[Call]:
    """The session that the step needs, then the step."""
    detection = {"type": "server_vad"} if order.aloud else None
    session: dict[str, Any] = {"tools": [script.WEATHER]}
    if order.beta:
        modalities = ["audio", "text"] if order.aloud else ["text"]
        session |= {"modalities": modalities, "turn_detection": detection}
    else:
        modalities = ["audio"] if order.aloud else ["text"]
        session |= {"type": "realtime", "output_modalities": modalities}
        session["audio"] = {"input": {"turn_detection": detection}}
    yield "session.update", {"session": session}, "session.updated"
    yield from STEPS[order.step](order, seen)


def method(connection: Any, path: str) -> Any:
    """The method of a connection that is called by its dotted path."""
    for name in path.split("."):
        connection = getattr(connection, name)
    return connection


async def talk(realtime: Any, order: Order, seen: Seen) -> None:
    """By the asynchronous client."""
    async with realtime.connect(model="gpt-realtime") as connection:
        for path, arguments, awaited in conversation(order, seen):
            await method(connection, path)(**arguments)
            told = ""
            while told != awaited:
                frame = await connection.recv_bytes()
                told = seen.take(frame, connection.parse_event(frame))


def talk_in_a_thread(realtime: Any, order: Order, seen: Seen) -> None:
    """By the synchronous client."""
    with realtime.connect(model="gpt-realtime") as connection:
        for path, arguments, awaited in conversation(order, seen):
            method(connection, path)(**arguments)
            told = ""
            while told != awaited:
                frame = connection.recv_bytes()
                told = seen.take(frame, connection.parse_event(frame))


def play(order: Order) -> Report:
    """Play the step by the client that the variant names."""
    options = {
        "api_key": order.key,
        "base_url": order.url,
        "websocket_base_url": order.url.replace("http", "ws", 1),
    }
    models: Any = import_module(f"openai.types{'.beta' if order.beta else ''}.realtime")
    seen = Seen(pydantic.TypeAdapter(models.RealtimeServerEvent).validate_json)
    in_a_thread = order.variant.endswith("-sync")
    client = openai.OpenAI(**options) if in_a_thread else openai.AsyncOpenAI(**options)
    realtime = client.beta.realtime if order.beta else client.realtime
    if in_a_thread:
        talk_in_a_thread(realtime, order, seen)
    else:
        anyio.run(talk, realtime, order, seen)
    return seen.report


if __name__ == "__main__":
    script.run(play)
