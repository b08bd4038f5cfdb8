"""What a client may say, to the letter: every object a client event can hold, nothing more.

Declarations and one function. Unlike `anyrealtime.events`, which reads whatever servers
send, this reads as the service reads: an unknown field is refused. What has a default
here is what the service fills in; UNSET means that it was not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from anyrealtime.simulator._rules._errors import from_validation
from anyrealtime.simulator._rules._payload import Payload

MOST_APPEND_BYTES: Final = 15 * 2**20
"""Of audio in one event, before base64; the specification's figure."""

T = TypeVar("T")


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all of these share: a field nobody declared is refused."""


def check(value: object, kind: type[T], at: str) -> T:
    """Read `value` as a `kind`; `at` is the parameter path it came from.

    Raises:
        Refusal: it does not fit, with the service's code and the path of the culprit.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise from_validation(error, at) from error


# Audio and turns

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class Pcm(Strict, frozen=True, kw_only=True, tag_field="type", tag="audio/pcm"):
    rate: Annotated[int, Meta(ge=24_000, le=24_000)] = 24_000


class Pcmu(Strict, frozen=True, kw_only=True, tag_field="type", tag="audio/pcmu"):
    pass


class Pcma(Strict, frozen=True, kw_only=True, tag_field="type", tag="audio/pcma"):
    pass


Format: TypeAlias = Pcm | Pcmu | Pcma


class Transcription(Strict, frozen=True, kw_only=True):
    model: str | None = None
    language: str | None = None
    prompt: str | None = None
    languages: list[str] | UnsetType = UNSET
    keywords: list[str] | UnsetType = UNSET
    delay: Effort | UnsetType = UNSET


class NoiseReduction(Strict, frozen=True, kw_only=True):
    type: Literal["near_field", "far_field"]
    strength: float | UnsetType = UNSET


class ServerVad(
    Strict,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="server_vad",
):
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Count = 300
    silence_duration_ms: Count = 200
    idle_timeout_ms: Annotated[int, Meta(ge=5_000, le=30_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(
    Strict,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="semantic_vad",
):
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


TurnDetection: TypeAlias = ServerVad | SemanticVad


# Tools


class FunctionTool(Strict, frozen=True, kw_only=True, tag_field="type", tag="function"):
    name: str
    description: str | UnsetType = UNSET
    parameters: Payload | UnsetType = UNSET


class ToolFilter(Strict, frozen=True, kw_only=True):
    tool_names: list[str] | UnsetType | None = UNSET
    read_only: bool | UnsetType | None = UNSET


class ApprovalFilter(Strict, frozen=True, kw_only=True):
    always: ToolFilter | UnsetType | None = UNSET
    never: ToolFilter | UnsetType | None = UNSET


class McpTool(Strict, frozen=True, kw_only=True, tag_field="type", tag="mcp"):
    server_label: str
    server_url: str | UnsetType = UNSET
    server_description: str | UnsetType = UNSET
    connector_id: str | UnsetType = UNSET
    tunnel_id: str | UnsetType = UNSET
    authorization: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType | None = UNSET
    allowed_tools: list[str] | ToolFilter | UnsetType | None = UNSET
    allowed_callers: list[str] | UnsetType | None = UNSET
    require_approval: Literal["always", "never"] | ApprovalFilter | UnsetType | None = UNSET
    defer_loading: bool | UnsetType = UNSET


class FunctionChoice(Strict, frozen=True, kw_only=True, tag_field="type", tag="function"):
    name: str


class McpChoice(Strict, frozen=True, kw_only=True, tag_field="type", tag="mcp"):
    server_label: str
    name: str | None = None


Tool: TypeAlias = FunctionTool | McpTool
ToolChoice: TypeAlias = Literal["none", "auto", "required"] | FunctionChoice | McpChoice


# Sessions


class Tracing(Strict, frozen=True, kw_only=True):
    workflow_name: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    metadata: Payload | UnsetType = UNSET


class TokenLimits(Strict, frozen=True, kw_only=True):
    post_instructions: Count | UnsetType = UNSET


class RetentionRatio(Strict, frozen=True, kw_only=True):
    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Meta(ge=0, le=1)]
    token_limits: TokenLimits | UnsetType = UNSET


class Prompt(Strict, frozen=True, kw_only=True):
    id: str
    version: str | None = None
    variables: Payload | None = None


class Reasoning(Strict, frozen=True, kw_only=True):
    effort: Effort | UnsetType = UNSET


class VoiceId(Strict, frozen=True, kw_only=True):
    id: str


Modality: TypeAlias = Literal["text", "audio"]
MaxTokens: TypeAlias = Annotated[int, Meta(ge=1, le=4_096)] | Literal["inf"]
Voice: TypeAlias = str | VoiceId
Speed: TypeAlias = Annotated[float, Meta(ge=0.25, le=1.5)]
Include: TypeAlias = list[Literal["item.input_audio_transcription.logprobs"]] | None


class InputPatch(Strict, frozen=True, kw_only=True):
    format: Format | UnsetType = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class OutputPatch(Strict, frozen=True, kw_only=True):
    format: Format | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET
    speed: Speed | UnsetType = UNSET


class AudioPatch(Strict, frozen=True, kw_only=True):
    input: InputPatch | UnsetType = UNSET
    output: OutputPatch | UnsetType = UNSET


class SessionPatch(Strict, frozen=True, kw_only=True):
    type: Literal["realtime"]
    model: str | UnsetType = UNSET
    output_modalities: list[Modality] | UnsetType = UNSET
    instructions: str | UnsetType = UNSET
    tools: Sequence[Tool] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    max_output_tokens: MaxTokens | UnsetType = UNSET
    reasoning: Reasoning | UnsetType = UNSET
    tracing: Literal["auto"] | Tracing | UnsetType | None = UNSET
    truncation: Literal["auto", "disabled"] | RetentionRatio | UnsetType = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    audio: AudioPatch | UnsetType = UNSET
    include: Include | UnsetType = UNSET


class InputOnlyPatch(Strict, frozen=True, kw_only=True):
    input: InputPatch | UnsetType = UNSET


class TranscriptionPatch(Strict, frozen=True, kw_only=True):
    type: Literal["transcription"]
    audio: InputOnlyPatch | UnsetType = UNSET
    include: Include | UnsetType = UNSET


class HeardLanguage(Strict, frozen=True, kw_only=True):
    """The transcription of a translation's source; only its model is declared."""

    model: str
    language: str | UnsetType | None = UNSET


class TranslationInputPatch(Strict, frozen=True, kw_only=True):
    transcription: HeardLanguage | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET


class TranslationOutputPatch(Strict, frozen=True, kw_only=True):
    language: str | UnsetType = UNSET


class TranslationAudioPatch(Strict, frozen=True, kw_only=True):
    input: TranslationInputPatch | UnsetType = UNSET
    output: TranslationOutputPatch | UnsetType = UNSET


class TranslationPatch(Strict, frozen=True, kw_only=True):
    """The specification's has no `type`; clients write it all the same."""

    type: Literal["translation"] | UnsetType = UNSET
    audio: TranslationAudioPatch | UnsetType = UNSET


# Responses


class OutputChoice(Strict, frozen=True, kw_only=True):
    format: Format | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET


class AudioChoice(Strict, frozen=True, kw_only=True):
    output: OutputChoice | UnsetType = UNSET


Metadata: TypeAlias = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=16),
]


class ResponsePatch(Strict, frozen=True, kw_only=True):
    """The `response` of a `response.create`; what it does not say, the session says."""

    conversation: Literal["auto", "none"] | UnsetType = UNSET
    input: list[Payload] | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    output_modalities: list[Modality] | UnsetType = UNSET
    instructions: str | UnsetType | None = UNSET  # null is what the session says
    tools: Sequence[Tool] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    max_output_tokens: MaxTokens | UnsetType = UNSET
    reasoning: Reasoning | UnsetType = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    audio: AudioChoice | UnsetType = UNSET


# Client events. Objects in them whose grammar depends on the session are read later.


class Command(Strict, frozen=True, kw_only=True):
    type: str
    event_id: Annotated[str, Meta(max_length=512)] | None = None


class SessionUpdate(Command, frozen=True, kw_only=True):
    session: Payload


class Append(Command, frozen=True, kw_only=True):
    audio: Annotated[bytes, Meta(max_length=MOST_APPEND_BYTES)]


class ItemCreate(Command, frozen=True, kw_only=True):
    item: Payload
    previous_item_id: str | None = None


class ItemNamed(Command, frozen=True, kw_only=True):
    item_id: str


class ItemTruncate(Command, frozen=True, kw_only=True):
    item_id: str
    content_index: Count
    audio_end_ms: Count


class ResponseCreate(Command, frozen=True, kw_only=True):
    response: Payload | None = None


class ResponseCancel(Command, frozen=True, kw_only=True):
    response_id: str | None = None
