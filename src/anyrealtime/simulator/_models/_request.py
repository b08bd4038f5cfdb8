"""How what a model is asked comes about: the state of a session, in the words of `events`.

Pure: from the simulator's own items to the client's vocabulary, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpListedTool,
    McpListTools,
    Message,
    OutputAudio,
    OutputText,
)
from anyrealtime.simulator._models._model import Item, ModelRequest, RemoteItem
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._effects import Start
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._rules._session import plain

Part: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio


_REMOTE: Final[Mapping[str, type[RemoteItem]]] = {
    "mcp_list_tools": McpListTools,
    "mcp_call": McpCall,
    "mcp_approval_request": McpApprovalRequest,
    "mcp_approval_response": McpApprovalResponse,
}


def model_request(rules: Rulebook, start: Start) -> ModelRequest:
    """Put what the model is asked in the words of `anyrealtime.events`."""
    agreed = start.run.terms
    turn = last_turn(start.context)
    sounds = [] if turn is None else [turn.sounds[index] for index in sorted(turn.sounds)]
    choice = agreed.tool_choice
    return ModelRequest(
        items=tuple(_public_item(entry) for entry in start.context),
        instructions=agreed.instructions,
        tools=tuple(
            msgspec.convert(plain(tool), FunctionTool)
            for tool in agreed.tools
            if isinstance(tool, grammar.FunctionTool)
        ),
        mcp_tools={
            tool.server_label: msgspec.convert(
                rules.mcp.offered(tool.server_label), tuple[McpListedTool, ...]
            )
            for tool in agreed.tools
            if isinstance(tool, grammar.McpTool)
        },
        tool_choice=choice if isinstance(choice, str) else choice.name or "auto",
        parallel_tool_calls=agreed.parallel_tool_calls,
        modality=agreed.modality,
        text="" if turn is None else _words(turn),
        audio=b"".join(sound.pcm for sound in sounds),
        heard_seconds=sum(sound.duration_ms for sound in sounds) / 1000,
        metadata=agreed.metadata or {},
        model=rules.opening.model,
        session_id=rules.session_id,
    )


def last_turn(context: Sequence[Entry]) -> Entry | None:
    """Return what the user wrote or said last, None before that."""
    return next((entry for entry in reversed(context) if entry.item.get("role") == "user"), None)


def _words(turn: Entry) -> str:
    """What was written, and what was said aloud as far as it was made out."""
    said = (turn.words.get(index) or _text(part, "text") for index, part in enumerate(turn.content))
    return " ".join(words for words in said if words)


def _public_item(entry: Entry) -> Item:
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
    kind = _text(item, "type")
    if kind in _REMOTE:
        return msgspec.convert(item, _REMOTE[kind])
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
            return InputAudio(audio=audio, transcript=entry.words.get(index))
        case "output_audio":
            return OutputAudio(audio=audio, transcript=cast("str | None", part["transcript"]))
        case _:
            return OutputText(text=_text(part, "text"))


def _text(item: Payload, name: str) -> str:
    return cast("str", item.get(name, ""))
