"""openai-python as a client: `python openai_python.py ga|beta|sync BASE_URL KEY`.

Text, a function call, speech both ways and a refused command, as its users write them. Every
frame is also held against the SDK's own models, strictly, which the SDK itself does not do.
One line of JSON says what was seen. Runs where openai is installed, which brings anyio,
and nothing of ours.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import anyio

openai: Any = import_module("openai")
pydantic: Any = import_module("pydantic")

Step = tuple[str, dict[str, Any], str]
"""A call on the connection, its arguments, and the type of the event that is then waited for."""

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
GA = {
    "type": "realtime",
    "output_modalities": ["text"],
    "tools": [WEATHER],
    "audio": {"input": {"turn_detection": None}},
}
BETA = {"modalities": ["text"], "tools": [WEATHER], "turn_detection": None}
MODELS = {"ga": "openai.types.realtime", "beta": "openai.types.beta.realtime"}
SILENCE = b64encode(bytes(9600)).decode()


def main() -> None:
    """Run the mode that was asked for and print what it saw."""
    mode, base_url, key = sys.argv[1:]
    options = {
        "api_key": key,
        "base_url": base_url,
        "websocket_base_url": base_url.replace("http", "ws", 1),
    }
    models: Any = import_module(MODELS.get(mode, MODELS["ga"]))
    seen = Seen(pydantic.TypeAdapter(models.RealtimeServerEvent).validate_json)
    if mode == "sync":
        client = openai.OpenAI(**options)
        talk_in_a_thread(client.realtime, steps(seen, "ga"), seen)
    else:
        client = openai.AsyncOpenAI(**options)
        realtime = client.beta.realtime if mode == "beta" else client.realtime
        anyio.run(talk, realtime, steps(seen, mode), seen)
    print(json.dumps(seen.report))


class Seen:
    """What came, event by event."""

    def __init__(self, validate: Callable[[bytes], object]) -> None:
        self.report: dict[str, Any] = {
            "types": [],
            "invalid": [],
            "texts": [],
            "audio_bytes": 0,
            "errors": [],
        }
        self._validate = validate
        self._check(b'{"type": "response.done"}')
        assert self.report["invalid"].pop()[0] == "response.done", "the models accept anything"

    def _check(self, frame: bytes) -> None:
        try:
            self._validate(frame)
        except pydantic.ValidationError as error:
            self.report["invalid"].append([json.loads(frame)["type"], str(error)])

    def take(self, frame: bytes, event: Any) -> str:
        """Note an event and its frame; return its type."""
        self._check(frame)
        self.report["types"].append(event.type)
        match event.type:
            case "response.output_text.done" | "response.text.done":
                self.report["texts"].append(event.text)
            case "response.output_audio.delta" | "response.audio.delta":
                self.report["audio_bytes"] += len(b64decode(event.delta))
            case "response.function_call_arguments.done":
                self.report["call"] = {"id": event.call_id, "arguments": event.arguments}
            case "response.done":
                self.report["last_item"] = event.response.output[-1].id
            case "error":
                error = event.error
                self.report["errors"].append([error.type, error.code, error.param, error.event_id])
            case _:
                pass
        return str(event.type)


def steps(seen: Seen, mode: str) -> Iterator[Step]:
    """The conversation."""
    beta = mode == "beta"
    yield "session.update", {"session": BETA if beta else GA}, "session.updated"
    yield from turn(message("hello"))
    yield from turn(message("get_weather in Paris, please"))
    output = {"type": "function_call_output", "call_id": seen.report["call"]["id"]}
    yield from turn(output | {"output": "21 degrees"})
    yield "input_audio_buffer.append", {"audio": SILENCE}, ""
    yield "input_audio_buffer.commit", {}, "input_audio_buffer.committed"
    aloud = {"modalities": ["audio", "text"]} if beta else {"output_modalities": ["audio"]}
    yield "response.create", {"response": aloud}, "response.done"
    spoken = {"item_id": seen.report["last_item"], "content_index": 0, "audio_end_ms": 20}
    yield "conversation.item.truncate", spoken, "conversation.item.truncated"
    nobody = {"item_id": "item_nobody", "event_id": "evt_mine"}
    yield "conversation.item.delete", nobody, "error"


def turn(item: dict[str, Any]) -> Iterator[Step]:
    """An item and the response to it."""
    yield "conversation.item.create", {"item": item}, ""
    yield "response.create", {}, "response.done"


def message(text: str) -> dict[str, Any]:
    """A user's message."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "role": "user", "content": content}


def method(connection: Any, path: str) -> Any:
    """The method of a connection that is called by its dotted path."""
    for name in path.split("."):
        connection = getattr(connection, name)
    return connection


async def talk(realtime: Any, conversation: Iterator[Step], seen: Seen) -> None:
    """By the asynchronous client."""
    async with realtime.connect(model="gpt-realtime") as connection:
        for path, arguments, awaited in conversation:
            await method(connection, path)(**arguments)
            told = ""
            while told != awaited:
                frame = await connection.recv_bytes()
                told = seen.take(frame, connection.parse_event(frame))


def talk_in_a_thread(realtime: Any, conversation: Iterator[Step], seen: Seen) -> None:
    """By the synchronous client."""
    with realtime.connect(model="gpt-realtime") as connection:
        for path, arguments, awaited in conversation:
            method(connection, path)(**arguments)
            told = ""
            while told != awaited:
                frame = connection.recv_bytes()
                told = seen.take(frame, connection.parse_event(frame))


if __name__ == "__main__":
    main()
