"""The seam where a model plugs in: what it is given, what it may answer, how it may fail.

A model is any callable from a ModelRequest to pieces of an answer, sync or async. The
vocabulary is the client's (`anyrealtime.events`), so that a test's model reads what a
test's client wrote.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Iterable,
    Mapping,
)
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import msgspec

from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    Message,
    OutputAudio,
    OutputText,
)
from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._payload import Payload

Item: TypeAlias = Message | FunctionCall | FunctionCallOutput
Part: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked.

    Attributes:
        items: the context, oldest first: the conversation, or the `input` of the response.
            Audio parts carry their bytes, in the session's format.
        instructions: of the response or, where it has none, of the session.
        tools: the functions the client offers.
        tool_choice: "auto", "none", "required" or the name of one function.
        modality: what the answer is heard or read as; a model answers in text either way.
        text: the last thing the user wrote, empty where it was spoken.
        heard_seconds: how long the last thing the user said aloud was, 0.0 where it was written.
        metadata: what `response.create` carried; a script may choose its line by it.
        model: the name the client connected with.
    """

    items: tuple[Item, ...]
    instructions: str
    tools: tuple[FunctionTool, ...]
    tool_choice: str
    modality: Literal["text", "audio"]
    text: str
    heard_seconds: float
    metadata: Mapping[str, str]
    model: str


@dataclass(frozen=True, slots=True)
class FunctionCallRequest:
    """A model yields this to call a function of the client's.

    Attributes:
        name: of the function.
        arguments: a mapping, sent as JSON; or the text itself, sent as it is.
        call_id: at most 32 characters; None makes one.
    """

    name: str
    arguments: Mapping[str, object] | str = "{}"
    call_id: str | None = None

    @property
    def arguments_text(self) -> str:
        """The arguments as they travel."""
        if isinstance(self.arguments, str):
            return self.arguments
        return msgspec.json.encode(self.arguments).decode()


class ModelFailure(Exception):
    """A model raises this to end its response with the status "failed".

    Args:
        message: for the client to read.
        code: for instance "insufficient_quota", "inference_rate_limit_exceeded".
        type: "server_error" or "invalid_request_error".
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str = "server_error",  # noqa: A002 - the protocol's own name
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type


Said: TypeAlias = str | FunctionCallRequest
Answer: TypeAlias = AsyncIterable[Said] | Iterable[Said]
Model: TypeAlias = Callable[[ModelRequest], Answer]
"""Answers a request: an async generator, a generator, a list, or the whole text as a `str`.

A sync one runs in the event loop and must not block.
"""


async def said(model: Model, request: ModelRequest) -> AsyncGenerator[Said, None]:
    """Ask `model`, whatever kind of callable it is."""
    answer = model(request)
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, AsyncIterable):
        try:
            async for part in answer:
                yield part
        finally:
            # A response that ends early must end the model's generator now, not at collection.
            if isinstance(answer, AsyncGenerator):
                await answer.aclose()
    else:
        for part in answer:
            yield part


def public_item(entry: Entry) -> Item:
    """Return an item of the conversation in the vocabulary of `anyrealtime.events`."""
    item = entry.item
    item_id = entry.id
    if item["type"] == "function_call":
        return FunctionCall(
            id=item_id,
            status=_text(item, "status"),
            call_id=_text(item, "call_id"),
            name=_text(item, "name"),
            arguments=_text(item, "arguments"),
        )
    if item["type"] == "function_call_output":
        return FunctionCallOutput(
            id=item_id, call_id=_text(item, "call_id"), output=_text(item, "output")
        )
    return Message(
        id=item_id,
        status=_text(item, "status"),
        role=_text(item, "role"),
        content=[_part(entry, index, part) for index, part in enumerate(entry.content)],
    )


def _part(entry: Entry, index: int, part: Payload) -> Part:
    sound = entry.sounds.get(index)
    audio = None if sound is None else bytes(sound.data)
    match part["type"]:
        case "input_text":
            return InputText(text=_text(part, "text"))
        case "input_image":
            return InputImage(image_url=_text(part, "image_url"))
        case "input_audio":
            return InputAudio(audio=audio, transcript=cast("str | None", part["transcript"]))
        case "output_audio":
            return OutputAudio(audio=audio, transcript=cast("str | None", part["transcript"]))
        case _:
            return OutputText(text=_text(part, "text"))


def _text(item: Payload, name: str) -> str:
    return cast("str", item.get(name, ""))


def last_turn(entries: Iterable[Entry]) -> tuple[str, float]:
    """Return what the user wrote last, and for how many seconds the user spoke last."""
    for entry in reversed(list(entries)):
        if entry.item.get("role") == "user":
            text = " ".join(_text(part, "text") for part in entry.content if "text" in part)
            heard_ms = sum(sound.duration_ms for sound in entry.sounds.values())
            return text, heard_ms / 1000
    return "", 0.0
