"""Responses: what one is asked to be, what it became, and what it cost.

One struct serves GA and beta alike; fields of the beta shape stand under a comment and
appear only where they were set or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import UNSET, field

from anyrealtime.events._base import JsonObject, Maybe, Object
from anyrealtime.events._unions import or_none
from anyrealtime.events.items import Item
from anyrealtime.events.session import (
    AudioConfig,
    AudioFormat,
    BetaAudioFormat,
    MaxTokens,
    Modality,
    Prompt,
    Reasoning,
    Tool,
    ToolChoice,
    VoiceId,
    VoiceName,
)

ResponseStatus: TypeAlias = (
    Literal["in_progress", "completed", "cancelled", "failed", "incomplete"] | str
)


class ResponseCreateParams(Object, frozen=True, kw_only=True):
    """What one response shall be, where it differs from the session.

    Attributes:
        conversation: "auto" writes to the conversation, "none" leaves it as it is.
        input: the whole context of the response, in place of the conversation.
        metadata: up to 16 pairs that come back with the response.
        audio: only its `output` counts.
    """

    conversation: Maybe[Literal["auto", "none"] | str] = UNSET
    input: Maybe[list[Item]] = UNSET
    instructions: Maybe[str] = UNSET
    output_modalities: Maybe[list[Modality]] = UNSET
    audio: Maybe[AudioConfig] = UNSET
    tools: Maybe[list[Tool]] = UNSET
    tool_choice: Maybe[ToolChoice] = UNSET
    parallel_tool_calls: Maybe[bool] = UNSET
    max_output_tokens: Maybe[MaxTokens] = UNSET
    reasoning: Maybe[Reasoning] = UNSET
    prompt: Maybe[Prompt] = UNSET
    metadata: Maybe[Mapping[str, str]] = UNSET
    # beta
    modalities: Maybe[list[Modality]] = UNSET
    voice: Maybe[VoiceName | VoiceId] = UNSET
    output_audio_format: Maybe[BetaAudioFormat | AudioFormat] = UNSET
    temperature: Maybe[float] = UNSET
    max_response_output_tokens: Maybe[MaxTokens] = UNSET


# --- what it cost --------------------------------------------------------------------------


class CachedTokensDetails(Object, frozen=True, kw_only=True):
    """Of the cached input tokens, how many were what."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: Maybe[int] = UNSET


class InputTokenDetails(Object, frozen=True, kw_only=True):
    """Of the input tokens, how many were what. The cached ones are counted in the others, too."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: Maybe[int] = UNSET
    cached_tokens: int | None = None
    cached_tokens_details: CachedTokensDetails | None = None
    # xAI
    grok_tokens: Maybe[int] = UNSET


class OutputTokenDetails(Object, frozen=True, kw_only=True):
    """Of the output tokens, how many were what."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: Maybe[int] = UNSET
    # xAI
    grok_tokens: Maybe[int] = UNSET


if TYPE_CHECKING:
    _InputTokenDetails: TypeAlias = InputTokenDetails
    _OutputTokenDetails: TypeAlias = OutputTokenDetails
else:
    _InputTokenDetails = or_none(InputTokenDetails)
    _OutputTokenDetails = or_none(OutputTokenDetails)


class Usage(Object, frozen=True, kw_only=True):
    """The tokens of one response. Transcription of the input is counted apart."""

    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _InputTokenDetails | None = None
    output_token_details: _OutputTokenDetails | None = None
    # xAI
    billable_audio_seconds: Maybe[float] = UNSET
    output_audio_seconds: Maybe[float] = UNSET


class TranscriptionUsage(Object, frozen=True, kw_only=True, omit_defaults=True):
    """What a transcription cost: tokens, or seconds of audio, as `type` says."""

    type: Literal["tokens", "duration"] | str | None = None
    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: InputTokenDetails | None = None
    seconds: float | None = None


class RateLimit(Object, frozen=True, kw_only=True):
    """One of the account's limits after this response. `reset_seconds` until it is whole again."""

    name: Literal["requests", "tokens"] | str | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


# --- what it became ------------------------------------------------------------------------


class ResponseError(Object, frozen=True, kw_only=True):
    """Why a response failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class ResponseStatusDetails(Object, frozen=True, kw_only=True):
    """Why a response ended otherwise than completed."""

    type: Literal["completed", "cancelled", "incomplete", "failed"] | str | None = None
    reason: (
        Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"]
        | str
        | None
    ) = None
    error: ResponseError | None = None


def no_items() -> list[Item]:
    """Default of `output`."""
    return []


class Response(Object, frozen=True, kw_only=True):
    """A response as the server tells it, at its beginning and at its end.

    Attributes:
        status_details: None while there is nothing to explain; one vendor sends a word.
        output: the items made; whole only in `response.done`.
        metadata: what the request gave along.
    """

    id: str | None = None
    object: str | None = "realtime.response"
    status: ResponseStatus | None = None
    status_details: ResponseStatusDetails | str | None = None
    output: list[Item] = field(default_factory=no_items)
    conversation_id: str | None = None
    output_modalities: Maybe[list[Modality]] = UNSET
    max_output_tokens: MaxTokens | None = None
    audio: Maybe[AudioConfig] = UNSET
    usage: Usage | None = None
    metadata: JsonObject | None = None
    # beta
    modalities: Maybe[list[Modality]] = UNSET
    voice: Maybe[VoiceName | VoiceId] = UNSET
    output_audio_format: Maybe[BetaAudioFormat | AudioFormat] = UNSET
    temperature: Maybe[float] = UNSET
