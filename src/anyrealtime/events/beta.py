"""The events of the beta that GA renamed: each a subclass of its successor, with its own tag.

So a `match` on the GA class takes both. Everything else of the beta has its GA name and class.
"""

from __future__ import annotations

from anyrealtime.events.client import SessionUpdate
from anyrealtime.events.server import (
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    SessionCreated,
    SessionUpdated,
)


class ResponseTextDelta(
    ResponseOutputTextDelta, tag="response.text.delta", frozen=True, kw_only=True, gc=False
):
    """The beta's ResponseOutputTextDelta."""


class ResponseTextDone(
    ResponseOutputTextDone, tag="response.text.done", frozen=True, kw_only=True, gc=False
):
    """The beta's ResponseOutputTextDone."""


class ResponseAudioDelta(
    ResponseOutputAudioDelta, tag="response.audio.delta", frozen=True, kw_only=True, gc=False
):
    """The beta's ResponseOutputAudioDelta."""


class ResponseAudioDone(
    ResponseOutputAudioDone, tag="response.audio.done", frozen=True, kw_only=True, gc=False
):
    """The beta's ResponseOutputAudioDone."""


class ResponseAudioTranscriptDelta(
    ResponseOutputAudioTranscriptDelta,
    tag="response.audio_transcript.delta",
    frozen=True,
    kw_only=True,
    gc=False,
):
    """The beta's ResponseOutputAudioTranscriptDelta."""


class ResponseAudioTranscriptDone(
    ResponseOutputAudioTranscriptDone,
    tag="response.audio_transcript.done",
    frozen=True,
    kw_only=True,
    gc=False,
):
    """The beta's ResponseOutputAudioTranscriptDone."""


class TranscriptionSessionUpdate(
    SessionUpdate,
    tag="transcription_session.update",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
):
    """The beta's SessionUpdate for a session that only transcribes."""


class TranscriptionSessionCreated(
    SessionCreated, tag="transcription_session.created", frozen=True, kw_only=True
):
    """The beta's SessionCreated for a session that only transcribes."""


class TranscriptionSessionUpdated(
    SessionUpdated, tag="transcription_session.updated", frozen=True, kw_only=True
):
    """The beta's SessionUpdated for a session that only transcribes."""
