"""What a session is made of: the four session objects and everything inside them.

Every field is three-state (`Maybe`): absent keeps what is set, null turns it off, a value
sets it. Servers send the same objects back, filled in, with more of the fields present.
Fields below a comment naming a vendor are that vendor's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from msgspec import UNSET

from anyrealtime.events._base import JsonObject, Masked, Maybe, Object, Tagged
from anyrealtime.events._unions import UnknownObject, one_of, one_of_or
from anyrealtime.events.items import InputFile, InputImage, InputText

Modality: TypeAlias = Literal["text", "audio"] | str
AudioFormatType: TypeAlias = Literal["audio/pcm", "audio/pcmu", "audio/pcma"] | str
BetaAudioFormat: TypeAlias = Literal["pcm16", "g711_ulaw", "g711_alaw"] | str
VoiceName: TypeAlias = (
    Literal["alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse"]
    | str
)
Include: TypeAlias = Literal["item.input_audio_transcription.logprobs"] | str
MaxTokens: TypeAlias = int | Literal["inf"] | str

# --- audio ---------------------------------------------------------------------------------


class AudioFormat(Object, frozen=True, kw_only=True):
    """How audio is encoded: PCM of 16 bits, little-endian, mono; or G.711 (`pcmu`, `pcma`).

    Attributes:
        rate: samples a second, of `audio/pcm` only; OpenAI takes 24000.
    """

    type: AudioFormatType = "audio/pcm"
    rate: Maybe[int] = UNSET


class AudioTranscription(Object, frozen=True, kw_only=True):
    """How the user's audio is transcribed. `languages` and `keywords` are hints."""

    model: Maybe[str] = UNSET
    language: Maybe[str] = UNSET
    prompt: Maybe[str] = UNSET
    languages: Maybe[list[str]] = UNSET
    keywords: Maybe[list[str]] = UNSET
    delay: Maybe[Literal["minimal", "low", "medium", "high", "xhigh"] | str] = UNSET
    # Azure Voice Live
    custom_speech: Maybe[JsonObject] = UNSET
    phrase_list: Maybe[list[str]] = UNSET


class NoiseReduction(Object, frozen=True, kw_only=True):
    """How noise is taken out of the user's audio, by where the microphone is."""

    type: Maybe[Literal["near_field", "far_field"] | str] = UNSET
    strength: Maybe[float] = UNSET


class ServerVad(Tagged, tag="server_vad", frozen=True, kw_only=True):
    """Turns are found by volume.

    Attributes:
        threshold: 0 to 1; higher needs louder speech.
        create_response: whether the end of a turn starts a response.
        interrupt_response: whether speech cancels the response under way.
        idle_timeout_ms: after how long a silence the server acts by itself; None never.
    """

    threshold: Maybe[float] = UNSET
    prefix_padding_ms: Maybe[int] = UNSET
    silence_duration_ms: Maybe[int] = UNSET
    create_response: Maybe[bool] = UNSET
    interrupt_response: Maybe[bool] = UNSET
    idle_timeout_ms: Maybe[int] = UNSET
    # Azure Voice Live
    speech_duration_ms: Maybe[int] = UNSET
    end_of_utterance_detection: Maybe[JsonObject] = UNSET
    auto_truncate: Maybe[bool] = UNSET
    appended_text_after_truncation: Maybe[str] = UNSET


class SemanticVad(Tagged, tag="semantic_vad", frozen=True, kw_only=True):
    """Turns are found by what is said. `eagerness` is how soon a turn counts as over."""

    eagerness: Maybe[Literal["low", "medium", "high", "auto"] | str] = UNSET
    create_response: Maybe[bool] = UNSET
    interrupt_response: Maybe[bool] = UNSET


if TYPE_CHECKING:
    TurnDetection: TypeAlias = ServerVad | SemanticVad | UnknownObject
else:
    TurnDetection = one_of("TurnDetection", ServerVad, SemanticVad)


class VoiceId(Object, frozen=True, kw_only=True):
    """A voice that is more than a name: a custom one by `id`, or a vendor's by type and name."""

    id: Maybe[str] = UNSET
    # Azure Voice Live
    type: Maybe[str] = UNSET
    name: Maybe[str] = UNSET
    endpoint_id: Maybe[str] = UNSET
    model: Maybe[str] = UNSET
    temperature: Maybe[float] = UNSET
    rate: Maybe[str] = UNSET
    pitch: Maybe[str] = UNSET
    volume: Maybe[str] = UNSET
    style: Maybe[str] = UNSET
    locale: Maybe[str] = UNSET


class AudioInput(Object, frozen=True, kw_only=True):
    """The user's audio. `turn_detection=None` leaves turns to the client."""

    format: Maybe[AudioFormat | str] = UNSET
    noise_reduction: Maybe[NoiseReduction] = UNSET
    transcription: Maybe[AudioTranscription] = UNSET
    turn_detection: Maybe[TurnDetection] = UNSET
    # xAI
    transport: Maybe[str] = UNSET


class AudioOutput(Object, frozen=True, kw_only=True):
    """The server's audio. `speed` is 1.0 for the voice's own; `language` is for translation."""

    format: Maybe[AudioFormat | str] = UNSET
    voice: Maybe[VoiceName | VoiceId] = UNSET
    speed: Maybe[float] = UNSET
    language: Maybe[str] = UNSET
    # xAI
    transport: Maybe[str] = UNSET


class AudioConfig(Object, frozen=True, kw_only=True):
    """The audio of a session, both ways."""

    input: Maybe[AudioInput] = UNSET
    output: Maybe[AudioOutput] = UNSET


# --- tools ---------------------------------------------------------------------------------


class FunctionDefinition(Object, frozen=True, kw_only=True):
    """A function as some vendors echo it: one level deeper in the tool."""

    name: Maybe[str] = UNSET
    description: Maybe[str] = UNSET
    parameters: Maybe[JsonObject] = UNSET


class FunctionTool(Tagged, tag="function", frozen=True, kw_only=True):
    """A function the model may call. `parameters` is JSON schema."""

    name: Maybe[str] = UNSET
    description: Maybe[str] = UNSET
    parameters: Maybe[JsonObject] = UNSET
    # xAI
    function: Maybe[FunctionDefinition] = UNSET


class McpToolFilter(Object, frozen=True, kw_only=True):
    """Some of an MCP server's tools: by name, or those that only read."""

    tool_names: Maybe[list[str]] = UNSET
    read_only: Maybe[bool] = UNSET


class McpApprovalFilter(Object, frozen=True, kw_only=True):
    """Which of an MCP server's tools need approval always, and which never."""

    always: Maybe[McpToolFilter] = UNSET
    never: Maybe[McpToolFilter] = UNSET


class McpTool(Masked, Tagged, tag="mcp", frozen=True, kw_only=True):
    """An MCP server whose tools the model may call: by URL, connector or tunnel.

    The repr shows neither `authorization` nor `headers`.
    """

    secrets: ClassVar[tuple[str, ...]] = ("authorization", "headers")

    server_label: str
    server_url: Maybe[str] = UNSET
    connector_id: Maybe[str] = UNSET
    tunnel_id: Maybe[str] = UNSET
    server_description: Maybe[str] = UNSET
    authorization: Maybe[str] = UNSET
    headers: Maybe[Mapping[str, str]] = UNSET
    allowed_tools: Maybe[list[str] | McpToolFilter] = UNSET
    allowed_callers: Maybe[list[Literal["direct", "programmatic"] | str]] = UNSET
    require_approval: Maybe[Literal["always", "never"] | str | McpApprovalFilter] = UNSET
    defer_loading: Maybe[bool] = UNSET


class ToolChoiceFunction(Tagged, tag="function", frozen=True, kw_only=True):
    """The model must call this function."""

    name: str


class ToolChoiceMcp(Tagged, tag="mcp", frozen=True, kw_only=True):
    """The model must call a tool of this MCP server; `name` says which."""

    server_label: str
    name: Maybe[str] = UNSET


if TYPE_CHECKING:
    Tool: TypeAlias = FunctionTool | McpTool | UnknownObject
    ToolChoice: TypeAlias = (
        Literal["none", "auto", "required"]
        | str
        | ToolChoiceFunction
        | ToolChoiceMcp
        | UnknownObject
    )
else:
    Tool = one_of("Tool", FunctionTool, McpTool)
    ToolChoice = one_of("ToolChoice", ToolChoiceFunction, ToolChoiceMcp, text=True)

# --- the rest of a session -----------------------------------------------------------------

if TYPE_CHECKING:
    PromptVariable: TypeAlias = str | InputText | InputImage | InputFile | UnknownObject
else:
    PromptVariable = one_of("PromptVariable", InputText, InputImage, InputFile, text=True)


class Prompt(Object, frozen=True, kw_only=True):
    """A prompt stored on the server, and what is filled in."""

    id: str
    version: Maybe[str] = UNSET
    variables: Maybe[Mapping[str, PromptVariable]] = UNSET


class Reasoning(Object, frozen=True, kw_only=True):
    """How much the model thinks before it speaks."""

    effort: Maybe[Literal["none", "minimal", "low", "medium", "high", "xhigh"] | str] = UNSET


class Tracing(Object, frozen=True, kw_only=True):
    """How the session's trace is labelled on the server."""

    workflow_name: Maybe[str] = UNSET
    group_id: Maybe[str] = UNSET
    metadata: Maybe[JsonObject] = UNSET


class TokenLimits(Object, frozen=True, kw_only=True):
    """A bound on the tokens that follow the instructions."""

    post_instructions: Maybe[int] = UNSET


class RetentionRatio(Object, frozen=True, kw_only=True):
    """When the context is full, keep this share of it (0 to 1) and drop the oldest rest."""

    retention_ratio: float
    type: Literal["retention_ratio"] | str = "retention_ratio"
    token_limits: Maybe[TokenLimits] = UNSET


class SecretExpiry(Object, frozen=True, kw_only=True):
    """How many `seconds` after `anchor` a client secret ends."""

    anchor: Maybe[Literal["created_at"] | str] = UNSET
    seconds: Maybe[int] = UNSET


class ClientSecret(Masked, Object, frozen=True, kw_only=True):
    """A key for one session (beta): when it ends, as asked for or as made. The repr hides it.

    Attributes:
        expires_at: a Unix time in seconds as made; a SecretExpiry as asked for.
    """

    secrets: ClassVar[tuple[str, ...]] = ("value",)

    value: Maybe[str] = UNSET
    expires_at: Maybe[int | SecretExpiry] = UNSET
    expires_after: Maybe[SecretExpiry] = UNSET


# --- sessions ------------------------------------------------------------------------------


class Session(Tagged, tag="realtime", frozen=True, kw_only=True):
    """A conversation.

    Attributes:
        id, object, expires_at: from the server only; `expires_at` is a Unix time in seconds.
        output_modalities: `["audio"]`, which brings its transcript, or `["text"]`.
        max_output_tokens: of one response; "inf" for no bound.
        truncation: "auto", "disabled", or how much to keep when the context is full.
        tracing: "auto", labels of one's own, or None for no trace.
    """

    id: Maybe[str] = UNSET
    object: Maybe[str] = UNSET
    model: Maybe[str] = UNSET
    output_modalities: Maybe[list[Modality]] = UNSET
    instructions: Maybe[str] = UNSET
    audio: Maybe[AudioConfig] = UNSET
    tools: Maybe[list[Tool]] = UNSET
    tool_choice: Maybe[ToolChoice] = UNSET
    parallel_tool_calls: Maybe[bool] = UNSET
    max_output_tokens: Maybe[MaxTokens] = UNSET
    reasoning: Maybe[Reasoning] = UNSET
    prompt: Maybe[Prompt] = UNSET
    tracing: Maybe[Literal["auto"] | str | Tracing] = UNSET
    truncation: Maybe[Literal["auto", "disabled"] | str | RetentionRatio] = UNSET
    include: Maybe[list[Include]] = UNSET
    expires_at: Maybe[int] = UNSET


class TranscriptionSession(Tagged, tag="transcription", frozen=True, kw_only=True):
    """A session that only transcribes what it hears; no responses."""

    id: Maybe[str] = UNSET
    object: Maybe[str] = UNSET
    audio: Maybe[AudioConfig] = UNSET
    include: Maybe[list[Include]] = UNSET
    expires_at: Maybe[int] = UNSET


class TranslationSession(Tagged, tag="translation", frozen=True, kw_only=True):
    """A session that speaks in another language what it hears; `audio.output.language` says which."""

    id: Maybe[str] = UNSET
    object: Maybe[str] = UNSET
    model: Maybe[str] = UNSET
    audio: Maybe[AudioConfig] = UNSET
    expires_at: Maybe[int] = UNSET


class BetaSession(Object, frozen=True, kw_only=True):
    """A session object that does not say what kind it is, or says one unknown: mostly flat.

    This is the beta's shape, conversations and transcriptions alike, and the shape of the
    vendors that follow it. `type` is what an unknown kind called itself.

    Attributes:
        client_secret: from the server: a key for this session.
        input_audio_sampling_rate: samples a second (Azure Voice Live).
    """

    id: Maybe[str] = UNSET
    object: Maybe[str] = UNSET
    type: Maybe[str] = UNSET
    model: Maybe[str] = UNSET
    modalities: Maybe[list[Modality]] = UNSET
    instructions: Maybe[str] = UNSET
    voice: Maybe[VoiceName | VoiceId] = UNSET
    speed: Maybe[float] = UNSET
    input_audio_format: Maybe[BetaAudioFormat | AudioFormat] = UNSET
    output_audio_format: Maybe[BetaAudioFormat | AudioFormat] = UNSET
    input_audio_transcription: Maybe[AudioTranscription] = UNSET
    input_audio_noise_reduction: Maybe[NoiseReduction] = UNSET
    turn_detection: Maybe[TurnDetection] = UNSET
    tools: Maybe[list[Tool]] = UNSET
    tool_choice: Maybe[ToolChoice] = UNSET
    temperature: Maybe[float | str] = UNSET
    max_response_output_tokens: Maybe[MaxTokens] = UNSET
    tracing: Maybe[Literal["auto"] | str | Tracing] = UNSET
    include: Maybe[list[Include]] = UNSET
    client_secret: Maybe[ClientSecret] = UNSET
    expires_at: Maybe[int] = UNSET
    # What some vendors take from GA without its `type`
    audio: Maybe[AudioConfig] = UNSET
    output_modalities: Maybe[list[Modality]] = UNSET
    max_output_tokens: Maybe[MaxTokens] = UNSET
    parallel_tool_calls: Maybe[bool] = UNSET
    prompt: Maybe[Prompt] = UNSET
    reasoning: Maybe[Reasoning] = UNSET
    truncation: Maybe[Literal["auto", "disabled"] | str | RetentionRatio] = UNSET
    # Azure Voice Live
    animation: Maybe[JsonObject] = UNSET
    avatar: Maybe[JsonObject] = UNSET
    input_audio_echo_cancellation: Maybe[JsonObject] = UNSET
    input_audio_sampling_rate: Maybe[int] = UNSET
    output_audio_timestamp_types: Maybe[list[str]] = UNSET
    truncation_strategy: Maybe[JsonObject | str] = UNSET
    # xAI
    enable_noise_suppression: Maybe[bool] = UNSET
    enable_phonetic_spelling: Maybe[bool] = UNSET
    keep_context: Maybe[bool] = UNSET
    resumption: Maybe[JsonObject] = UNSET


if TYPE_CHECKING:
    AnySession: TypeAlias = Session | TranscriptionSession | TranslationSession | BetaSession
else:
    AnySession = one_of_or(
        "AnySession", Session, TranscriptionSession, TranslationSession, other=BetaSession
    )
