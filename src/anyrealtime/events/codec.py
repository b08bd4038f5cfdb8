"""Frames to events and back: the two unions, the decoders, and the encoder.

Decoding never raises. The way of a good frame is one call into msgspec; whatever is dear
(telling why a frame is bad, mending what can be mended) happens only after that call failed.
Decoders are built when first used: building them costs more than importing this package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias, cast, get_args

import msgspec
from msgspec import Struct

from anyrealtime.events import beta, client, server, translation
from anyrealtime.events._base import Event, Frame, InvalidEvent, Undecoded, UnknownEvent
from anyrealtime.events._unions import convert, read_open
from anyrealtime.events.envelope import Envelope, decode_envelope

_Client: TypeAlias = (
    client.SessionUpdate
    | client.InputAudioBufferAppend
    | client.InputAudioBufferCommit
    | client.InputAudioBufferClear
    | client.OutputAudioBufferClear
    | client.ConversationItemCreate
    | client.ConversationItemRetrieve
    | client.ConversationItemTruncate
    | client.ConversationItemDelete
    | client.ResponseCreate
    | client.ResponseCancel
    | beta.TranscriptionSessionUpdate
    | translation.SessionInputAudioBufferAppend
    | translation.SessionClose
)

_Server: TypeAlias = (
    server.ResponseOutputAudioDelta
    | server.ResponseOutputAudioTranscriptDelta
    | server.ResponseOutputTextDelta
    | server.ResponseFunctionCallArgumentsDelta
    | server.ErrorEvent
    | server.SessionCreated
    | server.SessionUpdated
    | server.ConversationCreated
    | server.ConversationItemAdded
    | server.ConversationItemCreated
    | server.ConversationItemDone
    | server.ConversationItemRetrieved
    | server.ConversationItemTruncated
    | server.ConversationItemDeleted
    | server.ConversationItemInputAudioTranscriptionDelta
    | server.ConversationItemInputAudioTranscriptionUpdated
    | server.ConversationItemInputAudioTranscriptionCompleted
    | server.ConversationItemInputAudioTranscriptionSegment
    | server.ConversationItemInputAudioTranscriptionFailed
    | server.InputAudioBufferCommitted
    | server.InputAudioBufferCleared
    | server.InputAudioBufferSpeechStarted
    | server.InputAudioBufferSpeechStopped
    | server.InputAudioBufferTimeoutTriggered
    | server.InputAudioBufferDtmfEventReceived
    | server.OutputAudioBufferStarted
    | server.OutputAudioBufferStopped
    | server.OutputAudioBufferCleared
    | server.ResponseCreated
    | server.ResponseDone
    | server.ResponseOutputItemAdded
    | server.ResponseOutputItemDone
    | server.ResponseContentPartAdded
    | server.ResponseContentPartDone
    | server.ResponseOutputTextDone
    | server.ResponseOutputAudioDone
    | server.ResponseOutputAudioTranscriptDone
    | server.ResponseFunctionCallArgumentsDone
    | server.McpListToolsInProgress
    | server.McpListToolsCompleted
    | server.McpListToolsFailed
    | server.ResponseMcpCallArgumentsDelta
    | server.ResponseMcpCallArgumentsDone
    | server.ResponseMcpCallInProgress
    | server.ResponseMcpCallCompleted
    | server.ResponseMcpCallFailed
    | server.RateLimitsUpdated
    | beta.ResponseTextDelta
    | beta.ResponseTextDone
    | beta.ResponseAudioDelta
    | beta.ResponseAudioDone
    | beta.ResponseAudioTranscriptDelta
    | beta.ResponseAudioTranscriptDone
    | beta.TranscriptionSessionCreated
    | beta.TranscriptionSessionUpdated
    | translation.SessionClosed
    | translation.SessionInputTranscriptDelta
    | translation.SessionOutputTranscriptDelta
    | translation.SessionOutputAudioDelta
)

ClientEvent: TypeAlias = _Client | UnknownEvent | InvalidEvent
"""What `decode_client` returns: every event that clients send, in all dialects."""

ServerEvent: TypeAlias = _Server | UnknownEvent | InvalidEvent
"""What `decode_server` returns: every event that servers send, in all dialects."""


def _by_tag(union: object) -> Mapping[str, type[Event]]:
    kinds: tuple[type[Event], ...] = get_args(union)
    return MappingProxyType({str(kind.__struct_config__.tag): kind for kind in kinds})


CLIENT_EVENTS: Mapping[str, type[Event]] = _by_tag(_Client)
"""The class of each type that clients send."""

SERVER_EVENTS: Mapping[str, type[Event]] = _by_tag(_Server)
"""The class of each type that servers send."""

# --- decoding ------------------------------------------------------------------------------

_FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError)


def decode_server(frame: Frame) -> ServerEvent:
    """Read one frame of a server. Never raises: see UnknownEvent and InvalidEvent."""
    try:
        return _read_server(frame)
    except _FAILURES as failure:
        return cast("ServerEvent", _explain(frame, failure, SERVER_EVENTS))


def decode_server_frames(frames: Sequence[Frame]) -> list[ServerEvent]:
    """`decode_server` for all frames of one read, without a Python call for each."""
    try:
        return list(map(_read_server, frames))
    except _FAILURES:
        return list(map(decode_server, frames))


def decode_client(frame: Frame) -> ClientEvent:
    """Read one frame of a client. Never raises: see UnknownEvent and InvalidEvent."""
    try:
        return _read_client(frame)
    except _FAILURES as failure:
        return cast("ClientEvent", _explain(frame, failure, CLIENT_EVENTS))


def _first_read_server(frame: Frame) -> _Server:
    global _read_server  # noqa: PLW0603 - from now on, the decoder itself
    if _read_server is _first_read_server:  # who reads many frames has it in hand
        decoder: msgspec.json.Decoder[_Server] = msgspec.json.Decoder(_Server, dec_hook=read_open)
        _read_server = decoder.decode
    return _read_server(frame)


def _first_read_client(frame: Frame) -> _Client:
    global _read_client  # noqa: PLW0603 - from now on, the decoder itself
    if _read_client is _first_read_client:  # who reads many frames has it in hand
        decoder: msgspec.json.Decoder[_Client] = msgspec.json.Decoder(_Client, dec_hook=read_open)
        _read_client = decoder.decode
    return _read_client(frame)


_read_server: Callable[[Frame], _Server] = _first_read_server
_read_client: Callable[[Frame], _Client] = _first_read_client


def _explain(
    frame: Frame, failure: Exception, known: Mapping[str, type[Event]]
) -> Event | UnknownEvent | InvalidEvent:
    """Say what a frame is that was not decoded, or mend it."""
    raw = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else bytes(frame)
    head = decode_envelope(raw) or Envelope()
    if head.type is None:
        return InvalidEvent("", raw, str(failure), head.event_id)
    kind = known.get(head.type)
    if kind is None:
        return UnknownEvent(head.type, raw, head.event_id)
    try:
        return convert(_with_whole_audio(msgspec.json.decode(raw), kind), kind)
    except _FAILURES:
        return InvalidEvent(head.type, raw, str(failure), head.event_id)


def _with_whole_audio(tree: dict[str, object], kind: type[Struct]) -> dict[str, object]:
    """Complete base64 that was cut short or came without its padding."""
    for field in msgspec.structs.fields(kind):
        text = tree.get(field.name)
        if field.type is bytes and isinstance(text, str):
            whole = text[:-1] if len(text) % 4 == 1 else text
            tree[field.name] = whole + "=" * (-len(whole) % 4)
    return tree


# --- encoding ------------------------------------------------------------------------------

_encoder = msgspec.json.Encoder()


def encode(event: ClientEvent | ServerEvent) -> bytes:
    """Write an event as the frame that carries it; one that was not decoded, as it came."""
    if isinstance(event, Undecoded):
        return event.raw
    return _encoder.encode(event)
