"""The beta protocol's words for what the program says in GA's.

Pure: a client event in, a client event out. What the beta cannot say is refused before a byte
is sent; nothing is left away silently. The other direction needs no code here: beta events are
subclasses of GA's.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import (
    Audio,
    AudioConfig,
    AudioFormat,
    BetaSession,
    ClientEvent,
    ContentPart,
    ConversationItemCreate,
    FunctionCall,
    FunctionCallOutput,
    InputImage,
    Item,
    ItemReference,
    McpTool,
    Message,
    OutputAudio,
    OutputText,
    ResponseCreate,
    ResponseCreateParams,
    Session,
    SessionClose,
    SessionInputAudioBufferAppend,
    SessionUpdate,
    Text,
    Tool,
    TranscriptionSession,
    TranscriptionSessionUpdate,
    TranslationSession,
)
from anyrealtime.events import Maybe as MaybeField

Dialect: TypeAlias = Literal["ga", "beta"]

_FORMATS = {  # and the only rate that the name stands for, in Hz
    "audio/pcm": ("pcm16", 24_000),
    "audio/pcmu": ("g711_ulaw", 8_000),
    "audio/pcma": ("g711_alaw", 8_000),
}


def lower(event: ClientEvent) -> ClientEvent:
    """`event` as a beta server takes it; a beta shape passes unchanged.

    Raises:
        ConfigurationError: the beta has no word for it.
    """
    if isinstance(event, SessionUpdate):
        return _lower_session_update(event)
    if isinstance(event, ConversationItemCreate):
        return replace(event, item=_lower_item(event.item))
    if isinstance(event, ResponseCreate) and event.response is not None:
        return replace(event, response=_lower_response(event.response))
    if isinstance(event, SessionInputAudioBufferAppend | SessionClose):
        raise ConfigurationError("the beta dialect has no translation sessions")
    return event


def _lower_session_update(event: SessionUpdate) -> ClientEvent:
    session = event.session
    if isinstance(session, TranslationSession):
        raise ConfigurationError("the beta dialect has no translation sessions")
    if isinstance(session, TranscriptionSession):
        return TranscriptionSessionUpdate(
            event_id=event.event_id, session=_lower_audio(session.audio, include=session.include)
        )
    if isinstance(session, Session):
        _refuse(session, "session", "prompt", "reasoning", "truncation", "parallel_tool_calls")
        lowered = _lower_audio(session.audio, include=session.include)
        return replace(
            event,
            session=replace(
                lowered,
                model=session.model,
                modalities=_modalities(session.output_modalities),
                instructions=session.instructions,
                tools=_tools(session.tools),
                tool_choice=session.tool_choice,
                tracing=session.tracing,
                max_response_output_tokens=session.max_output_tokens,
            ),
        )
    return event


def _lower_audio(audio: MaybeField[AudioConfig], *, include: MaybeField[list[str]]) -> BetaSession:
    given = audio or AudioConfig()
    heard, spoken = given.input or UNSET, given.output or UNSET
    session = BetaSession(include=include)
    if heard:
        _refuse(heard, "session.audio.input", "transport")
        session = replace(
            session,
            input_audio_format=_format(heard.format),
            input_audio_transcription=heard.transcription,
            input_audio_noise_reduction=heard.noise_reduction,
            turn_detection=heard.turn_detection,
        )
    if spoken:
        _refuse(spoken, "session.audio.output", "language", "transport")
        session = replace(
            session,
            output_audio_format=_format(spoken.format),
            voice=spoken.voice,
            speed=spoken.speed,
        )
    return session


def _lower_response(params: ResponseCreateParams) -> ResponseCreateParams:
    _refuse(params, "response", "prompt", "reasoning", "parallel_tool_calls")
    given = params.audio or AudioConfig()
    _refuse(given, "response.audio", "input")
    spoken = given.output or UNSET
    if spoken:
        _refuse(spoken, "response.audio.output", "speed", "language", "transport")
    return replace(
        params,
        audio=UNSET,
        output_modalities=UNSET,
        max_output_tokens=UNSET,
        modalities=params.modalities or _modalities(params.output_modalities),
        max_response_output_tokens=params.max_response_output_tokens or params.max_output_tokens,
        voice=params.voice or (spoken.voice if spoken else UNSET),
        output_audio_format=params.output_audio_format
        or (_format(spoken.format) if spoken else UNSET),
        tools=_tools(params.tools),
        input=[_lower_item(item) for item in params.input] if params.input else params.input,
    )


def _lower_item(item: Item) -> Item:
    if isinstance(item, Message):
        parts = item.content
        return item if not parts else replace(item, content=[_lower_part(part) for part in parts])
    if isinstance(item, FunctionCall | FunctionCallOutput | ItemReference | dict):
        return item
    raise ConfigurationError(f"the beta dialect has no {type(item).__name__} items")


def _lower_part(part: ContentPart) -> ContentPart:
    if isinstance(part, OutputText):
        return Text(text=part.text)
    if isinstance(part, OutputAudio):
        return Audio(audio=part.audio, transcript=part.transcript)
    if isinstance(part, InputImage):
        raise ConfigurationError("the beta dialect has no images")
    return part


def _modalities(names: MaybeField[list[str]]) -> MaybeField[list[str]]:
    # "audio" brings its transcript in GA; the beta wants both named.
    return ["text", "audio"] if names and "audio" in names else names


def _format(given: MaybeField[AudioFormat | str]) -> MaybeField[AudioFormat | str]:
    if isinstance(given, AudioFormat):
        name, rate = _FORMATS.get(given.type, (None, None))
        if name is None or (given.rate or rate) != rate:
            at = f" at {given.rate} Hz" if given.rate else ""
            raise ConfigurationError(f"the beta dialect has no audio format {given.type!r}{at}")
        return name
    return given


def _tools(tools: MaybeField[list[Tool]]) -> MaybeField[list[Tool]]:
    if tools and any(isinstance(tool, McpTool) for tool in tools):
        raise ConfigurationError("the beta dialect has no MCP tools")
    return tools


def _refuse(given: object, where: str, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(given, name), UnsetType):
            raise ConfigurationError(f"the beta dialect has no {where}.{name}; leave it away")
