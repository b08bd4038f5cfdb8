"""The events that only translation sessions have.

Their `session.update`, `session.created`, `session.updated` and `error` are the common ones.
The specification's update has no `type` in its session: `BetaSession(audio=...)` writes it so,
`TranslationSession(audio=...)` with it.
"""

from __future__ import annotations

from typing import Literal

from anyrealtime.events._base import Event


class SessionInputAudioBufferAppend(
    Event,
    tag="session.input_audio_buffer.append",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
):
    """Add audio to translate: PCM of 16 bits, mono, 24 kHz. Not answered."""

    audio: bytes


class SessionClose(
    Event, tag="session.close", frozen=True, kw_only=True, omit_defaults=True, gc=False
):
    """Finish: translate what is buffered, then close. Answered by SessionClosed."""


class SessionClosed(Event, tag="session.closed", frozen=True, kw_only=True, gc=False):
    """Everything was translated, and the session is over."""


class SessionInputTranscriptDelta(
    Event, tag="session.input_transcript.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of what was heard. `elapsed_ms` is where in the session's audio."""

    delta: str
    elapsed_ms: int | None = None


class SessionOutputTranscriptDelta(
    Event, tag="session.output_transcript.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of the translation. `elapsed_ms` is where in the session's audio."""

    delta: str
    elapsed_ms: int | None = None


class SessionOutputAudioDelta(
    Event, tag="session.output_audio.delta", frozen=True, kw_only=True, gc=False
):
    """The next piece of the spoken translation. `sample_rate` is in samples a second."""

    delta: bytes
    sample_rate: int | None = None
    channels: int | None = None
    format: Literal["pcm16"] | str | None = None
    elapsed_ms: int | None = None
