"""The session as it stands: its defaults, and what a `session.update` makes of them.

An update is checked whole before any of it takes effect. GA form only: the beta dialect
is translated at the edge (`_beta`). No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._payload import Payload

INSTRUCTIONS: Final = (
    "You are the anyrealtime simulator. Answer briefly and plainly, and say that you are "
    "a simulator when somebody asks what you are."
)


_OF_ANSWERS: Final = frozenset({"create_response", "interrupt_response", "idle_timeout_ms"})


class Input(Struct, frozen=True, kw_only=True):
    """How the client's sound is read."""

    format: grammar.Format = msgspec.field(default_factory=grammar.Pcm)
    transcription: grammar.Transcription | None = None
    noise_reduction: grammar.NoiseReduction | None = None
    turn_detection: grammar.TurnDetection | None = msgspec.field(default_factory=grammar.ServerVad)


class Output(Struct, frozen=True, kw_only=True):
    """How the answer sounds."""

    format: grammar.Format = msgspec.field(default_factory=grammar.Pcm)
    voice: grammar.Voice = "alloy"
    speed: grammar.Speed = 1.0


class Audio(Struct, frozen=True, kw_only=True):
    """Both directions of a conversation."""

    input: Input = msgspec.field(default_factory=Input)
    output: Output = msgspec.field(default_factory=Output)


class InputOnly(Struct, frozen=True, kw_only=True):
    """The one direction of a transcription."""

    input: Input = msgspec.field(default_factory=Input)


class RealtimeSession(Struct, frozen=True, kw_only=True, tag_field="type", tag="realtime"):
    """Everything a conversation is governed by, in the order the service shows it."""

    object: Literal["realtime.session"] = "realtime.session"
    id: str
    model: str
    output_modalities: list[grammar.Modality] = msgspec.field(default_factory=lambda: ["audio"])
    instructions: str = INSTRUCTIONS
    tools: list[grammar.Tool] = msgspec.field(default_factory=list[grammar.Tool])
    tool_choice: grammar.ToolChoice = "auto"
    parallel_tool_calls: bool | UnsetType = UNSET
    max_output_tokens: grammar.MaxTokens = "inf"
    reasoning: grammar.Reasoning | UnsetType = UNSET
    tracing: Literal["auto"] | grammar.Tracing | None = None
    truncation: Literal["auto", "disabled"] | grammar.RetentionRatio = "auto"
    prompt: grammar.Prompt | None = None
    expires_at: int
    audio: Audio = msgspec.field(default_factory=Audio)
    include: grammar.Include = None


class TranscriptionSession(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="transcription"
):
    """A session that only writes down what it hears."""

    object: Literal["realtime.transcription_session"] = "realtime.transcription_session"
    id: str
    expires_at: int
    audio: InputOnly = msgspec.field(default_factory=InputOnly)
    include: grammar.Include = None


class TranslationInput(Struct, frozen=True, kw_only=True):
    """How what is to be translated is listened to."""

    transcription: grammar.HeardLanguage | None = None
    noise_reduction: grammar.NoiseReduction | None = None


class TranslationOutput(Struct, frozen=True, kw_only=True):
    """What it is translated into."""

    language: str = "en"


class TranslationAudio(Struct, frozen=True, kw_only=True):
    """Both directions of a translation."""

    input: TranslationInput = msgspec.field(default_factory=TranslationInput)
    output: TranslationOutput = msgspec.field(default_factory=TranslationOutput)


class TranslationSession(Struct, frozen=True, kw_only=True, tag_field="type", tag="translation"):
    """A session that says in one language what it hears in another."""

    id: str
    model: str
    expires_at: int
    audio: TranslationAudio = msgspec.field(default_factory=TranslationAudio)


Kind: TypeAlias = Literal["conversation", "transcription", "translation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a client asked for when it connected.

    Attributes:
        model: the model's name.
        beta: the beta dialect is spoken.
        kind: what the session is for; a transcription only writes down what it hears.
        sideband: it joined a call that goes on elsewhere (`call_id`).
        expires_at: when the session ends, in seconds of Unix time.
    """

    model: str
    beta: bool
    kind: Kind = "conversation"
    sideband: bool = False
    expires_at: int


AnySession: TypeAlias = RealtimeSession | TranscriptionSession | TranslationSession
Patch: TypeAlias = grammar.SessionPatch | grammar.TranscriptionPatch | grammar.TranslationPatch
SessionT = TypeVar("SessionT", RealtimeSession, TranscriptionSession, TranslationSession)


def new_session(opening: Opening, session_id: str) -> AnySession:
    """Return the session a client finds when it comes in."""
    if opening.kind == "transcription":
        return TranscriptionSession(id=session_id, expires_at=opening.expires_at)
    made = RealtimeSession if opening.kind == "conversation" else TranslationSession
    return made(id=session_id, model=opening.model, expires_at=opening.expires_at)


def updated(session: AnySession, patch: Patch, *, voice_in_use: bool) -> AnySession:
    """Return what `session` becomes under `patch`; `session` itself is left alone.

    Args:
        session: the session as it stands.
        patch: the `session` of a `session.update`, its grammar checked, of the same type.
        voice_in_use: the conversation holds assistant audio, so the voice is settled.

    Raises:
        Refusal: the patch contradicts itself or what has happened; then none of it is done.
    """
    if isinstance(session, TranscriptionSession):
        return _merged(session, patch)
    if isinstance(session, TranslationSession):
        return _merged(session, patch)
    assert isinstance(patch, grammar.SessionPatch)
    check_modalities(patch.output_modalities, "session.output_modalities")
    if patch.model not in (UNSET, session.model):
        raise Refusal(
            "invalid_value", "The model of a session cannot be changed.", param="session.model"
        )
    result = _merged(session, patch)
    if voice_in_use and result.audio.output.voice != session.audio.output.voice:
        raise voice_is_settled()
    # Empty instructions bring the defaults back: seen of the service.
    return msgspec.structs.replace(result, instructions=result.instructions or INSTRUCTIONS)


def voice_is_settled() -> Refusal:
    """Refuse another voice than the one that was heard."""
    return Refusal(
        "cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present."
    )


def check_modalities(modalities: list[grammar.Modality] | UnsetType, param: str) -> None:
    """Refuse all but the two combinations of GA: text, or audio, which brings its transcript."""
    if not isinstance(modalities, UnsetType) and modalities not in (["text"], ["audio"]):
        raise Refusal(
            "invalid_value",
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio'].",
            param=param,
        )


def shown(session: AnySession) -> Payload:
    """Return a session as events show it."""
    whole = plain(session)
    if isinstance(session, TranscriptionSession):
        # Nothing is answered there, so a turn's detector has no say in answers.
        heard = cast("Payload", cast("Payload", whole["audio"])["input"])
        if (turn := cast("Payload | None", heard["turn_detection"])) is not None:
            heard["turn_detection"] = {name: turn[name] for name in turn if name not in _OF_ANSWERS}
    return whole


def plain(value: object) -> Payload:
    """Return a struct as the JSON object it stands for, without what was not said."""
    return cast("Payload", msgspec.to_builtins(value))


def _merged(session: SessionT, patch: Struct) -> SessionT:
    return msgspec.convert(_overlaid(plain(session), plain(patch)), type(session))


def _overlaid(base: Payload, change: Payload) -> Payload:
    """Only `audio` and its two directions are merged; whatever else is said replaces."""
    result = base | change
    for name in ("audio", "input", "output"):
        if name in base and name in change:
            result[name] = _overlaid(cast("Payload", base[name]), cast("Payload", change[name]))
    return result
