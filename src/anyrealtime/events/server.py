"""What a server sends: the 46 events of GA, and one that only a vendor knows.

Real servers leave fields away and send null for others, so all but an event's own payload
may be missing. Fields typed `Maybe` are those that some servers add to the protocol.
Deltas and other flat events are kept out of the garbage collector's sight (`gc=False`):
they are the bulk of the traffic and can hold no reference to themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import UNSET

from anyrealtime.events._base import Event, Maybe, Object
from anyrealtime.events._unions import in_words
from anyrealtime.events.items import ContentPart, Item, LogProb
from anyrealtime.events.response import RateLimit, Response, TranscriptionUsage, Usage
from anyrealtime.events.session import AnySession

# --- error and session ---------------------------------------------------------------------


class ErrorDetail(Object, frozen=True, kw_only=True):
    """What went wrong. `event_id` is that of the client's event, where one is to blame."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None


if TYPE_CHECKING:
    _ErrorDetail: TypeAlias = ErrorDetail
else:
    # No error is lost over its form: vLLM sends a bare string, others numbers for codes.
    _ErrorDetail = in_words(ErrorDetail, "message")


class ErrorEvent(Event, tag="error", frozen=True, kw_only=True):
    """Something went wrong. The session goes on unless the connection closes, too."""

    error: _ErrorDetail


class SessionCreated(Event, tag="session.created", frozen=True, kw_only=True):
    """The session exists, with these defaults. Mostly the first event."""

    session: AnySession


class SessionUpdated(Event, tag="session.updated", frozen=True, kw_only=True):
    """The session was changed; this is all of it."""

    session: AnySession


# --- conversation --------------------------------------------------------------------------


class Conversation(Object, frozen=True, kw_only=True):
    """A conversation, by its id."""

    id: str | None = None
    object: str | None = "realtime.conversation"


class ConversationCreated(Event, tag="conversation.created", frozen=True, kw_only=True):
    """The session has a conversation."""

    conversation: Conversation
    previous_item_id: Maybe[str] = UNSET


class ConversationItemAdded(Event, tag="conversation.item.added", frozen=True, kw_only=True):
    """An item entered the conversation; one that the model makes is still empty.

    Attributes:
        previous_item_id: the item before it, None for the first.
    """

    previous_item_id: str | None = None
    item: Item


class ConversationItemCreated(
    ConversationItemAdded, tag="conversation.item.created", frozen=True, kw_only=True
):
    """The beta's name for ConversationItemAdded, still declared in GA."""


class ConversationItemDone(Event, tag="conversation.item.done", frozen=True, kw_only=True):
    """An item is whole."""

    previous_item_id: str | None = None
    item: Item


class ConversationItemRetrieved(
    Event, tag="conversation.item.retrieved", frozen=True, kw_only=True
):
    """An item, as the server has it."""

    item: Item


class ConversationItemTruncated(
    Event, tag="conversation.item.truncated", frozen=True, kw_only=True, gc=False
):
    """The assistant's audio after `audio_end_ms` is forgotten, and the transcript with it."""

    item_id: str | None = None
    content_index: int | None = None
    audio_end_ms: int | None = None


class ConversationItemDeleted(
    Event, tag="conversation.item.deleted", frozen=True, kw_only=True, gc=False
):
    """An item left the conversation."""

    item_id: str | None = None


class TranscriptionLanguage(Object, frozen=True, kw_only=True):
    """A language that was heard, by its code."""

    code: str


class ConversationItemInputAudioTranscriptionDelta(
    Event, tag="conversation.item.input_audio_transcription.delta", frozen=True, kw_only=True
):
    """The next piece of what the user said. Pieces of several items may alternate."""

    item_id: str | None = None
    content_index: int | None = None
    delta: str = ""
    logprobs: Maybe[list[LogProb]] = UNSET
    obfuscation: Maybe[str] = UNSET


class ConversationItemInputAudioTranscriptionUpdated(
    Event,
    tag="conversation.item.input_audio_transcription.updated",
    frozen=True,
    kw_only=True,
    gc=False,
):
    """All that the user said so far, in place of what was told before. xAI only."""

    item_id: str | None = None
    content_index: int | None = None
    transcript: str = ""
    status: Maybe[str] = UNSET


class ConversationItemInputAudioTranscriptionCompleted(
    Event, tag="conversation.item.input_audio_transcription.completed", frozen=True, kw_only=True
):
    """What the user said. May come after the response, and out of turn."""

    item_id: str | None = None
    content_index: int | None = None
    transcript: str = ""
    usage: TranscriptionUsage | None = None
    languages: Maybe[list[TranscriptionLanguage]] = UNSET
    logprobs: Maybe[list[LogProb]] = UNSET
    status: Maybe[str] = UNSET


class ConversationItemInputAudioTranscriptionSegment(
    Event,
    tag="conversation.item.input_audio_transcription.segment",
    frozen=True,
    kw_only=True,
    gc=False,
):
    """What one speaker said. `start` and `end` in seconds."""

    item_id: str | None = None
    content_index: int | None = None
    id: str | None = None
    speaker: str | None = None
    text: str = ""
    start: float | None = None
    end: float | None = None


class ConversationItemInputAudioTranscriptionFailed(
    Event, tag="conversation.item.input_audio_transcription.failed", frozen=True, kw_only=True
):
    """What the user said could not be transcribed; the conversation goes on."""

    item_id: str | None = None
    content_index: int | None = None
    error: _ErrorDetail


# --- the input buffer ----------------------------------------------------------------------


class InputAudioBufferCommitted(
    Event, tag="input_audio_buffer.committed", frozen=True, kw_only=True, gc=False
):
    """The buffer became the user message `item_id`, by command or at the end of a turn."""

    previous_item_id: str | None = None
    item_id: str | None = None


class InputAudioBufferCleared(
    Event, tag="input_audio_buffer.cleared", frozen=True, kw_only=True, gc=False
):
    """The buffer was thrown away."""


class InputAudioBufferSpeechStarted(
    Event, tag="input_audio_buffer.speech_started", frozen=True, kw_only=True, gc=False
):
    """The user began to speak, this long after the first audio of the session.

    Attributes:
        item_id: of the user message that will come of it.
    """

    audio_start_ms: int | None = None
    item_id: str | None = None


class InputAudioBufferSpeechStopped(
    Event, tag="input_audio_buffer.speech_stopped", frozen=True, kw_only=True, gc=False
):
    """The user stopped speaking, this long after the first audio of the session."""

    audio_end_ms: int | None = None
    item_id: str | None = None


class InputAudioBufferTimeoutTriggered(
    Event, tag="input_audio_buffer.timeout_triggered", frozen=True, kw_only=True, gc=False
):
    """Nobody spoke for the idle timeout; the silence in between was committed."""

    audio_start_ms: int | None = None
    audio_end_ms: int | None = None
    item_id: str | None = None


class InputAudioBufferDtmfEventReceived(
    Event, tag="input_audio_buffer.dtmf_event_received", frozen=True, kw_only=True, gc=False
):
    """A key of the telephone was pressed (SIP). `received_at` is a Unix time in seconds."""

    event: str | None = None
    received_at: int | None = None


# --- the output buffer (WebRTC and SIP) ----------------------------------------------------


class OutputAudioBufferStarted(
    Event, tag="output_audio_buffer.started", frozen=True, kw_only=True, gc=False
):
    """The server began to play a response."""

    response_id: str | None = None


class OutputAudioBufferStopped(
    Event, tag="output_audio_buffer.stopped", frozen=True, kw_only=True, gc=False
):
    """The server has played a response to its end."""

    response_id: str | None = None


class OutputAudioBufferCleared(
    Event, tag="output_audio_buffer.cleared", frozen=True, kw_only=True, gc=False
):
    """The server stopped playing, by command or because the user spoke."""

    response_id: str | None = None


# --- a response ----------------------------------------------------------------------------


class ResponseCreated(Event, tag="response.created", frozen=True, kw_only=True):
    """A response began."""

    response: Response


class ResponseDone(Event, tag="response.done", frozen=True, kw_only=True):
    """A response ended, however it ended."""

    response: Response
    # xAI
    usage: Maybe[Usage] = UNSET
    response_id: Maybe[str] = UNSET


class _InResponse(Event, frozen=True, kw_only=True, gc=False):
    response_id: str | None = None
    item_id: str | None = None
    output_index: int | None = None


class _InPart(_InResponse, frozen=True, kw_only=True, gc=False):
    content_index: int | None = None


class ResponseOutputItemAdded(Event, tag="response.output_item.added", frozen=True, kw_only=True):
    """A response began an item."""

    response_id: str | None = None
    output_index: int | None = None
    item: Item


class ResponseOutputItemDone(Event, tag="response.output_item.done", frozen=True, kw_only=True):
    """A response finished an item, or left it unfinished: see its `status`."""

    response_id: str | None = None
    output_index: int | None = None
    item: Item


class ResponseContentPartAdded(Event, tag="response.content_part.added", frozen=True, kw_only=True):
    """A response began a part of a message. Its kind is called `text` or `audio` here."""

    response_id: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    part: ContentPart | None = None
    # Azure
    content: Maybe[ContentPart] = UNSET


class ResponseContentPartDone(Event, tag="response.content_part.done", frozen=True, kw_only=True):
    """A response finished a part of a message."""

    response_id: str | None = None
    item_id: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    part: ContentPart | None = None
    # Azure
    content: Maybe[ContentPart] = UNSET


class ResponseOutputTextDelta(
    _InPart, tag="response.output_text.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of text."""

    delta: str
    obfuscation: Maybe[str] = UNSET


class ResponseOutputTextDone(
    _InPart, tag="response.output_text.done", frozen=True, kw_only=True, gc=False
):
    """The whole text of a part."""

    text: str = ""


class ResponseOutputAudioDelta(
    _InPart, tag="response.output_audio.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of audio, in the session's output format."""

    delta: bytes
    # xAI; `audio_duration_ms` is of the piece, `ts` a Unix time in milliseconds
    rid: Maybe[str] = UNSET
    ts: Maybe[int] = UNSET
    latency: Maybe[str] = UNSET
    audio_duration_ms: Maybe[int] = UNSET


class ResponseOutputAudioDone(
    _InPart, tag="response.output_audio.done", frozen=True, kw_only=True, gc=False
):
    """The audio of a part has come, all of it in the deltas."""


class ResponseOutputAudioTranscriptDelta(
    _InPart, tag="response.output_audio_transcript.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of what the audio says. Comes ahead of the audio or after it."""

    delta: str
    obfuscation: Maybe[str] = UNSET
    # xAI; `start_time` in seconds into the audio
    rid: Maybe[str] = UNSET
    start_time: Maybe[float] = UNSET


class ResponseOutputAudioTranscriptDone(
    _InPart, tag="response.output_audio_transcript.done", frozen=True, kw_only=True, gc=False
):
    """All that the audio of a part says."""

    transcript: str = ""


class ResponseFunctionCallArgumentsDelta(
    _InResponse, tag="response.function_call_arguments.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of a function call's arguments, which are JSON text."""

    call_id: str = ""
    delta: str
    obfuscation: Maybe[str] = UNSET


class ResponseFunctionCallArgumentsDone(
    _InResponse, tag="response.function_call_arguments.done", frozen=True, kw_only=True, gc=False
):
    """The whole arguments of a function call. Some servers leave `name` to the item."""

    call_id: str = ""
    name: str | None = None
    arguments: str = ""


# --- MCP -----------------------------------------------------------------------------------


class McpListToolsInProgress(
    Event, tag="mcp_list_tools.in_progress", frozen=True, kw_only=True, gc=False
):
    """The server asks an MCP server what tools it has."""

    item_id: str | None = None


class McpListToolsCompleted(
    Event, tag="mcp_list_tools.completed", frozen=True, kw_only=True, gc=False
):
    """The tools are known; they are in the item."""

    item_id: str | None = None


class McpListToolsFailed(Event, tag="mcp_list_tools.failed", frozen=True, kw_only=True, gc=False):
    """The MCP server did not say what tools it has."""

    item_id: str | None = None


class ResponseMcpCallArgumentsDelta(
    _InResponse, tag="response.mcp_call_arguments.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of an MCP call's arguments, which are JSON text."""

    delta: str
    obfuscation: Maybe[str] = UNSET


class ResponseMcpCallArgumentsDone(
    _InResponse, tag="response.mcp_call_arguments.done", frozen=True, kw_only=True, gc=False
):
    """The whole arguments of an MCP call."""

    arguments: str = ""


class ResponseMcpCallInProgress(
    Event, tag="response.mcp_call.in_progress", frozen=True, kw_only=True, gc=False
):
    """The server makes an MCP call."""

    item_id: str | None = None
    output_index: int | None = None


class ResponseMcpCallCompleted(
    Event, tag="response.mcp_call.completed", frozen=True, kw_only=True, gc=False
):
    """An MCP call returned; its output is in the item."""

    item_id: str | None = None
    output_index: int | None = None


class ResponseMcpCallFailed(
    Event, tag="response.mcp_call.failed", frozen=True, kw_only=True, gc=False
):
    """An MCP call failed; why is in the item."""

    item_id: str | None = None
    output_index: int | None = None


# --- limits --------------------------------------------------------------------------------


class RateLimitsUpdated(Event, tag="rate_limits.updated", frozen=True, kw_only=True):
    """What is left of the account's limits."""

    rate_limits: list[RateLimit]
