"""Sound in bytes: how long it is in each format, G.711, and the buffer a client fills.

Arithmetic only; what is said in the sound is nobody's business here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._errors import Refusal
from anyrealtime.simulator._speech import BYTES_PER_MS

LEAST_COMMIT_MS: Final = 100
MOST_APPEND_BYTES: Final = 15 * 2**20
_G711_BYTES_PER_MS = 8


def bytes_per_ms(format: grammar.Format) -> int:  # noqa: A002 - the protocol's own name
    """Return how many bytes a millisecond of mono sound takes in `format`."""
    return BYTES_PER_MS if isinstance(format, grammar.Pcm) else _G711_BYTES_PER_MS


def encoded(pcm: bytes, format: grammar.Format) -> bytes:  # noqa: A002 - the protocol's own name
    """Return 24 kHz PCM in `format`; G.711 keeps every third sample, which is 8 kHz."""
    if isinstance(format, grammar.Pcm):
        return pcm
    law = _mu_law if isinstance(format, grammar.Pcmu) else _a_law
    return bytes(law(sample) for (sample,) in struct.iter_unpack("<h4x", _whole(pcm, 6)))


def _whole(data: bytes, size: int) -> bytes:
    """Fill the last group of `size` bytes with silence."""
    return data + bytes(-len(data) % size)


@cache
def _mu_law(sample: int) -> int:
    """ITU-T G.711: sign, exponent and mantissa of the biased sample, all bits inverted."""
    biased = min(abs(sample), 32_635) + 132
    exponent = biased.bit_length() - 8
    code = exponent << 4 | biased >> (exponent + 3) & 0x0F
    return ~(code | (0x80 if sample < 0 else 0)) & 0xFF


@cache
def _a_law(sample: int) -> int:
    """ITU-T G.711: linear near zero, every other bit inverted."""
    size = sample if sample >= 0 else ~sample
    exponent = max(size.bit_length() - 8, 0)
    code = size >> 4 if size < 256 else exponent << 4 | size >> (exponent + 3) & 0x0F
    return (code | (0x80 if sample >= 0 else 0)) ^ 0x55


@dataclass(slots=True)
class Sound:
    """The audio of one content part."""

    format: grammar.Format
    data: bytearray

    @property
    def duration_ms(self) -> int:
        """Whole milliseconds; what a millisecond is short of does not count."""
        return len(self.data) // bytes_per_ms(self.format)

    def cut(self, end_ms: int) -> None:
        """Keep the first `end_ms` milliseconds."""
        del self.data[end_ms * bytes_per_ms(self.format) :]


class InputBuffer:
    """What the client appended since the last commit or clear."""

    def __init__(self) -> None:
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """Add `data`.

        Raises:
            Refusal: it is more than one event may carry.
        """
        if len(data) > MOST_APPEND_BYTES:
            raise Refusal(
                "invalid_value",
                f"Invalid 'audio': at most {MOST_APPEND_BYTES} bytes fit in one event.",
                param="audio",
            )
        self._data += data

    def clear(self) -> None:
        """Forget everything."""
        self._data.clear()

    def commit(self, format: grammar.Format) -> Sound:  # noqa: A002 - the protocol's own name
        """Take out everything as the sound of one turn.

        Raises:
            Refusal: it is too short; the buffer keeps it.
        """
        size_ms = len(self._data) / bytes_per_ms(format)
        if size_ms < LEAST_COMMIT_MS:
            raise Refusal(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{LEAST_COMMIT_MS}ms of audio, but buffer only has {size_ms:.2f}ms of audio.",
            )
        sound, self._data = Sound(format, self._data), bytearray()
        return sound
