"""What one response is governed by: the session, and what its `response.create` says instead. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UnsetType

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._session import RealtimeSession, check_modalities


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one response is governed by: the session, and what `response.create` says instead."""

    modality: grammar.Modality
    instructions: str
    tools: Sequence[grammar.Tool]
    tool_choice: grammar.ToolChoice
    parallel_tool_calls: bool
    max_output_tokens: grammar.MaxTokens
    format: grammar.Format
    voice: grammar.Voice
    speed: float
    metadata: dict[str, str] | None


def terms(session: RealtimeSession, patch: grammar.ResponsePatch) -> Terms:
    """Lay `patch` over `session`.

    Raises:
        Refusal: it asks for modalities that do not go together.
    """
    check_modalities(patch.output_modalities, "response.output_modalities")
    said = grammar.OutputChoice()
    if not isinstance(patch.audio, UnsetType) and not isinstance(patch.audio.output, UnsetType):
        said = patch.audio.output
    output = session.audio.output
    return Terms(
        modality=_or(patch.output_modalities, session.output_modalities)[0],
        instructions=_or(patch.instructions, session.instructions) or session.instructions,
        tools=_or(patch.tools, session.tools),
        tool_choice=_or(patch.tool_choice, session.tool_choice),
        parallel_tool_calls=_or(_or(patch.parallel_tool_calls, session.parallel_tool_calls), True),
        max_output_tokens=_or(patch.max_output_tokens, session.max_output_tokens),
        format=_or(said.format, output.format),
        voice=_or(said.voice, output.voice),
        speed=output.speed,
        metadata=_or(patch.metadata, None),
    )


def _or(said: grammar.T | UnsetType, otherwise: grammar.T) -> grammar.T:
    return otherwise if isinstance(said, UnsetType) else said
