"""Where a turn begins and where it ends, counted in the sound itself: a state machine.

Sound goes in as it was appended, cut anywhere; facts come out, and the same sound gives the
same facts however it was cut. Milliseconds count all sound of the session. What a fact leads
to is the rules' business (`_input_buffer`). No I/O, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._audio import bytes_per_ms, linear
from anyrealtime.simulator._sound._detectors import SpeechDetector

ONSET_MS: Final = 60
"""Speech that is shorter is a click and begins no turn."""

SEMANTIC_SILENCE_MS: Final = {"low": 2_000, "medium": 1_000, "auto": 1_000, "high": 500}
"""A quarter of the longest that the service waits for somebody who seems not to have finished.

Whether somebody has finished is not understood here, so every turn waits the same time.
"""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody speaks; the turn begins at `start_ms`, which includes the padding before it."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """Nobody speaks any more; the turn ends at `end_ms`, which includes the silence behind it."""

    end_ms: int


Fact: TypeAlias = SpeechStarted | SpeechStopped


def as_server_vad(settings: grammar.TurnDetection) -> grammar.ServerVad:
    """Return the settings by which to listen: a semantic VAD is one with a longer silence."""
    if isinstance(settings, grammar.ServerVad):
        return settings
    return grammar.ServerVad(
        silence_duration_ms=SEMANTIC_SILENCE_MS[settings.eagerness],
        create_response=settings.create_response,
        interrupt_response=settings.interrupt_response,
    )


class TurnDetector:
    """Cuts the sound of one session, in one format, into turns.

    Args:
        detector: hears whether somebody speaks.
        format: of the sound.
        at_ms: where in the session the sound begins.
    """

    def __init__(self, detector: SpeechDetector, format: grammar.Format, at_ms: int) -> None:  # noqa: A002 - the protocol's own name
        self.format = format
        self._detector = detector
        self._frame_ms = detector.frame_ms
        self._rest = b""
        self._now_ms = at_ms
        self._speaking = False
        self._other_ms = 0  # for how long it has been other than it was: the turn's two edges

    def hear(self, sound: bytes, vad: grammar.ServerVad) -> list[Fact]:
        """Return what became clear with `sound`, in order; less than a frame waits for more."""
        size = self._frame_ms * bytes_per_ms(self.format)
        heard = self._rest + sound
        whole = len(heard) - len(heard) % size
        self._rest = heard[whole:]
        pcm, rate_hz = linear(heard[:whole], self.format)
        step = self._frame_ms * rate_hz // 1000 * 2
        frames = (pcm[start : start + step] for start in range(0, len(pcm), step))
        facts = (
            self._judge(self._detector.is_speech(frame, rate_hz, vad.threshold), vad)
            for frame in frames
        )
        return [fact for fact in facts if fact is not None]

    def _judge(self, speech: bool, vad: grammar.ServerVad) -> Fact | None:
        self._now_ms += self._frame_ms
        if speech == self._speaking:
            self._other_ms = 0
            return None
        self._other_ms += self._frame_ms
        lasting_ms = self._other_ms
        if lasting_ms < (vad.silence_duration_ms if self._speaking else ONSET_MS):
            return None
        self._speaking, self._other_ms = speech, 0
        if speech:
            return SpeechStarted(max(0, self._now_ms - lasting_ms - vad.prefix_padding_ms))
        return SpeechStopped(self._now_ms)
