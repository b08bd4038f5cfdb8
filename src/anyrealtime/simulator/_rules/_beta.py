"""The beta dialect, as a translation at the edge: flat sessions, older names, fewer events.

Inwards a client's beta objects become GA ones; outwards GA events become what a beta
server sends. The rules behind the edge know GA only. Pure functions.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, cast

from msgspec import UNSET, Meta, UnsetType

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._errors import invalid_value
from anyrealtime.simulator._rules._payload import Payload

FormatName: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw"]
Temperature: TypeAlias = Annotated[float, Meta(ge=0.6, le=1.2)]

_FORMATS: Final[dict[FormatName, grammar.Format]] = {
    "pcm16": grammar.Pcm(),
    "g711_ulaw": grammar.Pcmu(),
    "g711_alaw": grammar.Pcma(),
}
_FORMAT_NAMES: Final = {
    "audio/pcm": "pcm16",
    "audio/pcmu": "g711_ulaw",
    "audio/pcma": "g711_alaw",
}
_RENAMED: Final = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_UNSAID: Final = frozenset(
    {
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.dtmf_event_received",
    }
)
_SERVERS: Final = "mcp_"
_ITEMS: Final = ("message", "function_call", "function_call_output")
_IMAGE: Final = "input_image"
_PARTS: Final = ("input_text", "input_audio", "text", "audio")
_CONTENT: Final = {"output_text": "text", "output_audio": "audio"}
_CONTENT_INWARDS: Final = {beta: ga for ga, beta in _CONTENT.items()}


class BetaSession(grammar.Strict, frozen=True, kw_only=True):
    """The `session` of a beta `session.update`."""

    model: str | UnsetType = UNSET
    modalities: list[grammar.Modality] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    voice: str | UnsetType = UNSET
    input_audio_format: FormatName | UnsetType = UNSET
    output_audio_format: FormatName | UnsetType = UNSET
    input_audio_transcription: grammar.Transcription | UnsetType | None = UNSET
    input_audio_noise_reduction: grammar.NoiseReduction | UnsetType | None = UNSET
    turn_detection: grammar.TurnDetection | UnsetType | None = UNSET
    tools: list[grammar.FunctionTool] | UnsetType = UNSET
    tool_choice: grammar.ToolChoice | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    max_response_output_tokens: grammar.MaxTokens | UnsetType = UNSET
    speed: grammar.Speed | UnsetType = UNSET
    tracing: Literal["auto"] | grammar.Tracing | UnsetType | None = UNSET
    client_secret: Payload | UnsetType | None = UNSET
    include: grammar.Include | UnsetType = UNSET


class BetaTranscription(grammar.Strict, frozen=True, kw_only=True):
    """The `session` of a beta `transcription_session.update`."""

    modalities: list[grammar.Modality] | UnsetType = UNSET
    input_audio_format: FormatName | UnsetType = UNSET
    input_audio_transcription: grammar.Transcription | UnsetType | None = UNSET
    input_audio_noise_reduction: grammar.NoiseReduction | UnsetType | None = UNSET
    turn_detection: grammar.TurnDetection | UnsetType | None = UNSET
    include: grammar.Include | UnsetType = UNSET
    client_secret: Payload | UnsetType | None = UNSET


class BetaResponse(grammar.Strict, frozen=True, kw_only=True):
    """The `response` of a beta `response.create`."""

    conversation: Literal["auto", "none"] | UnsetType = UNSET
    input: list[Payload] | UnsetType = UNSET
    metadata: grammar.Metadata | UnsetType | None = UNSET
    modalities: list[grammar.Modality] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    voice: str | UnsetType = UNSET
    output_audio_format: FormatName | UnsetType = UNSET
    tools: list[grammar.FunctionTool] | UnsetType = UNSET
    tool_choice: grammar.ToolChoice | UnsetType = UNSET
    temperature: Temperature | UnsetType = UNSET
    # Both names are in use: the older documentation disagrees with itself.
    max_response_output_tokens: grammar.MaxTokens | UnsetType = UNSET
    max_output_tokens: grammar.MaxTokens | UnsetType = UNSET


def session_patch(said: BetaSession) -> grammar.SessionPatch:
    """Return the GA form of a session update; the temperature has none."""
    return grammar.SessionPatch(
        type="realtime",
        model=said.model,
        output_modalities=_modalities(said.modalities),
        instructions=said.instructions,
        tools=said.tools,
        tool_choice=said.tool_choice,
        max_output_tokens=said.max_response_output_tokens,
        tracing=said.tracing,
        include=said.include,
        audio=grammar.AudioPatch(
            input=_input_patch(said),
            output=grammar.OutputPatch(
                format=_format(said.output_audio_format), voice=said.voice, speed=said.speed
            ),
        ),
    )


def transcription_patch(said: BetaTranscription) -> grammar.TranscriptionPatch:
    """Return the GA form of an update of a session that only transcribes."""
    return grammar.TranscriptionPatch(
        type="transcription",
        include=said.include,
        audio=grammar.InputOnlyPatch(input=_input_patch(said)),
    )


def _input_patch(said: BetaSession | BetaTranscription) -> grammar.InputPatch:
    return grammar.InputPatch(
        format=_format(said.input_audio_format),
        transcription=said.input_audio_transcription,
        noise_reduction=said.input_audio_noise_reduction,
        turn_detection=said.turn_detection,
    )


def response_patch(said: BetaResponse) -> grammar.ResponsePatch:
    """Return the GA form of what a response is asked to be."""
    limit = said.max_response_output_tokens
    return grammar.ResponsePatch(
        conversation=said.conversation,
        input=said.input,
        metadata=said.metadata,
        output_modalities=_modalities(said.modalities),
        instructions=said.instructions,
        tools=said.tools,
        tool_choice=said.tool_choice,
        max_output_tokens=said.max_output_tokens if isinstance(limit, UnsetType) else limit,
        audio=grammar.AudioChoice(
            output=grammar.OutputChoice(format=_format(said.output_audio_format), voice=said.voice)
        ),
    )


def item_inwards(item: Payload, at: str) -> Payload:
    """Return an item of a client's with the GA names of an assistant's content parts.

    Raises:
        Refusal: it is something that came with GA.
    """
    kind, content = item.get("type"), item.get("content")
    if isinstance(kind, str) and kind.startswith(_SERVERS):
        raise invalid_value(f"{at}.type", kind, _ITEMS)
    if not isinstance(content, list):
        return item
    parts = cast("list[object]", content)
    for index, part in enumerate(parts):
        if isinstance(part, dict) and cast("Payload", part).get("type") == _IMAGE:
            raise invalid_value(f"{at}.content[{index}].type", _IMAGE, _PARTS)
    if item.get("role") != "assistant":
        return item
    return item | {"content": [_part_inwards(part) for part in parts]}


def outwards(kind: str, fields: Payload, temperature: float) -> tuple[str, Payload] | None:
    """Return a GA server event as the beta protocol has it, None where it has no such event."""
    if kind in _UNSAID:
        return None
    shown = dict(fields)
    if "item" in fields:
        shown["item"] = item_outwards(cast("Payload", fields["item"]))
    if "response" in fields:
        shown["response"] = _response(cast("Payload", fields["response"]), temperature)
    if "session" in fields:
        session = cast("Payload", fields["session"])
        if session["type"] == "transcription":
            return f"transcription_{kind}", {"session": _transcription_session(session)}
        shown["session"] = _session(session, temperature)
    return _RENAMED.get(kind, kind), shown


def item_outwards(item: Payload) -> Payload:
    """Return an item under the names of the beta protocol."""
    shown: Payload = {"id": item["id"], "object": "realtime.item", **item}
    if "content" in item:
        parts = cast("list[Payload]", item["content"])
        shown["content"] = [
            part | {"type": _CONTENT.get(cast("str", part["type"]), part["type"])} for part in parts
        ]
    return shown


def _part_inwards(part: object) -> object:
    if not isinstance(part, dict):
        return part
    known = cast("Payload", part)
    kind = known.get("type")
    return known | {"type": _CONTENT_INWARDS.get(kind, kind)} if isinstance(kind, str) else known


def _modalities(said: list[grammar.Modality] | UnsetType) -> list[grammar.Modality] | UnsetType:
    """Audio brings its text along, so beta's pair is GA's audio."""
    if isinstance(said, UnsetType) or set(said) != {"text", "audio"}:
        return said
    return ["audio"]


def _format(name: FormatName | UnsetType) -> grammar.Format | UnsetType:
    return UNSET if isinstance(name, UnsetType) else _FORMATS[name]


def _modalities_outwards(modalities: object) -> list[str]:
    return ["audio", "text"] if modalities == ["audio"] else ["text"]


def _format_outwards(form: object) -> str:
    return _FORMAT_NAMES[cast("str", cast("Payload", form)["type"])]


def _response(response: Payload, temperature: float) -> Payload:
    output = cast("Payload", cast("Payload", response["audio"])["output"])
    flat: Payload = {
        "output": [item_outwards(item) for item in cast("list[Payload]", response["output"])],
        "modalities": _modalities_outwards(response["output_modalities"]),
        "voice": output["voice"],
        "output_audio_format": _format_outwards(output["format"]),
        "temperature": temperature,
    }
    shown = response | flat
    del shown["audio"], shown["output_modalities"]
    return shown


def _listening(session: Payload) -> Payload:
    heard = cast("Payload", cast("Payload", session["audio"])["input"])
    return {
        "id": session["id"],
        "object": session["object"],
        "expires_at": session["expires_at"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": heard["turn_detection"],
        "input_audio_format": _format_outwards(heard["format"]),
        "input_audio_transcription": heard["transcription"],
        "client_secret": None,
        "include": session["include"],
    }


def _transcription_session(session: Payload) -> Payload:
    return {**_listening(session), "modalities": ["text", "audio"]}


def _session(session: Payload, temperature: float) -> Payload:
    spoken = cast("Payload", cast("Payload", session["audio"])["output"])
    return {
        **_listening(session),
        "model": session["model"],
        "modalities": _modalities_outwards(session["output_modalities"]),
        "instructions": session["instructions"],
        "voice": spoken["voice"],
        "output_audio_format": _format_outwards(spoken["format"]),
        "tool_choice": session["tool_choice"],
        "temperature": temperature,
        "max_response_output_tokens": session["max_output_tokens"],
        "speed": spoken["speed"],
        "tracing": session["tracing"],
        "tools": session["tools"],
    }
