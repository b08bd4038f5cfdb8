"""The audio formats of the wire, in bytes: names, rates, durations, whole samples.

Arithmetic only; what the bytes say is not looked at. Durations are rounded down, always: a
server refuses to truncate an item one millisecond behind its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from anyrealtime.audio._samples import Data
from anyrealtime.errors import ConfigurationError

FormatName: TypeAlias = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

_PCM_RATES_HZ: Final = range(8_000, 48_001)
_G711_RATE_HZ: Final = 8_000
_BETA_NAMES: Final[dict[FormatName, str]] = {
    "audio/pcm": "pcm16",
    "audio/pcmu": "g711_ulaw",
    "audio/pcma": "g711_alaw",
}
_NAMES: Final[dict[str, FormatName]] = {
    word: name for name, beta in _BETA_NAMES.items() for word in (name, beta)
}


@dataclass(frozen=True, slots=True)
class Format:
    """How mono sound is put in bytes: PCM of 16 bits, little-endian, or G.711 of 8 bits.

    OpenAI takes PCM at 24 kHz only; `Format("audio/pcm", 16_000)` is for servers that take others.

    Attributes:
        name: as in `session.audio.input.format.type`.
        sample_rate_hz: 8,000 to 48,000; G.711 has 8,000 and no other.

    Raises:
        ConfigurationError: there is no such format.
    """

    name: FormatName
    sample_rate_hz: int

    def __post_init__(self) -> None:
        if self.name not in _BETA_NAMES:
            raise ConfigurationError(
                f"name: there is no audio format {self.name!r}, only {', '.join(_BETA_NAMES)}"
            )
        if self.name != "audio/pcm" and self.sample_rate_hz != _G711_RATE_HZ:
            raise ConfigurationError(
                f"sample_rate_hz: {self.name} has {_G711_RATE_HZ}, not {self.sample_rate_hz}"
            )
        if self.sample_rate_hz not in _PCM_RATES_HZ:
            raise ConfigurationError(
                f"sample_rate_hz: {self.sample_rate_hz} is not within 8000 and 48000"
            )

    @classmethod
    def named(cls, name: str, sample_rate_hz: int | None = None) -> Format:
        """The format a session names, in GA's words or in the beta's ("pcm16", "g711_ulaw", …).

        Without a rate it is the one OpenAI means: 24,000 Hz for PCM, 8,000 Hz for G.711.

        Raises:
            ConfigurationError: there is no such format.
        """
        known = _NAMES.get(name)
        if known is None:
            raise ConfigurationError(
                f"name: there is no audio format {name!r}, only {', '.join(_NAMES)}"
            )
        if sample_rate_hz is None:
            sample_rate_hz = 24_000 if known == "audio/pcm" else _G711_RATE_HZ
        return cls(known, sample_rate_hz)

    @property
    def beta_name(self) -> str:
        """As in the beta's `input_audio_format`."""
        return _BETA_NAMES[self.name]

    @property
    def bytes_per_sample(self) -> int:
        """2 for PCM, 1 for G.711."""
        return 2 if self.name == "audio/pcm" else 1

    def bytes_to_ms(self, n_bytes: int) -> int:
        """How many whole milliseconds `n_bytes` last.

        To measure a stream add up its bytes and convert the sum: what each chunk is short of a
        millisecond would be lost.

        Raises:
            ConfigurationError: `n_bytes` is negative.
        """
        if n_bytes < 0:
            raise ConfigurationError(f"n_bytes: {n_bytes} is negative")
        return n_bytes // self.bytes_per_sample * 1000 // self.sample_rate_hz

    def ms_to_bytes(self, ms: float) -> int:
        """How many bytes the samples take that fit in `ms` milliseconds.

        Raises:
            ConfigurationError: `ms` is negative or not finite.
        """
        if not 0 <= ms < math.inf:
            raise ConfigurationError(f"ms: {ms} is not a duration")
        return int(ms * self.sample_rate_hz // 1000) * self.bytes_per_sample

    def split(self, audio: Data, chunk_ms: float) -> Iterator[bytes]:
        """Cut `audio` in chunks of `chunk_ms` milliseconds; the last one may be shorter.

        Raises:
            ConfigurationError: `audio` ends within a sample, or `chunk_ms` has none.
        """
        data, size = bytes(audio), self.ms_to_bytes(chunk_ms)
        if len(data) % self.bytes_per_sample:
            raise ConfigurationError(f"audio: {len(data)} bytes end within a sample")
        if not size:
            raise ConfigurationError(f"chunk_ms: {chunk_ms} is shorter than a sample")
        return (data[start : start + size] for start in range(0, len(data), size))


PCM16_24K: Final = Format("audio/pcm", 24_000)
PCMU: Final = Format("audio/pcmu", _G711_RATE_HZ)
PCMA: Final = Format("audio/pcma", _G711_RATE_HZ)


class SampleAligner:
    """Turns chunks cut anywhere into chunks of whole samples, for one stream of sound.

    Attributes:
        held: the beginning of a sample, waiting for its end; empty between samples. Set it
            back to undo a `feed` whose result went nowhere; empty it to begin another stream.
    """

    def __init__(self, format: Format) -> None:  # noqa: A002 - the protocol's own name
        self._bytes_per_sample = format.bytes_per_sample
        self.held: bytes = b""

    def feed(self, chunk: Data) -> bytes:
        """Return the samples that are whole now, which may be none, and hold back the rest."""
        data = self.held + bytes(chunk) if self.held else bytes(chunk)
        whole = len(data) - len(data) % self._bytes_per_sample
        self.held = data[whole:]
        return data[:whole]
