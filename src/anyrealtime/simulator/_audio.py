"""Sound in bytes: how long it is in each format, and the buffer a client fills.

Arithmetic only; what is said in the sound is nobody's business here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anyrealtime.audio import decode_pcma, decode_pcmu, encode_pcma, encode_pcmu
from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._errors import Refusal
from anyrealtime.simulator._speech import BYTES_PER_MS

LEAST_COMMIT_MS: Final = 100
_G711_BYTES_PER_MS = 8


def bytes_per_ms(format: grammar.Format) -> int:  # noqa: A002 - the protocol's own name
    """Return how many bytes a millisecond of mono sound takes in `format`."""
    return BYTES_PER_MS if isinstance(format, grammar.Pcm) else _G711_BYTES_PER_MS


def whole_bytes(format: grammar.Format) -> int:  # noqa: A002 - the protocol's own name
    """Return how many bytes of 24 kHz PCM make one sample in `format`."""
    return 2 if isinstance(format, grammar.Pcm) else 6


def encoded(pcm: bytes, format: grammar.Format) -> bytes:  # noqa: A002 - the protocol's own name
    """Return 24 kHz PCM in `format`; G.711 keeps every third sample, which is 8 kHz."""
    if isinstance(format, grammar.Pcm):
        return pcm
    padded = pcm + bytes(-len(pcm) % 6)
    kept = bytearray(len(padded) // 3)
    kept[0::2], kept[1::2] = padded[0::6], padded[1::6]
    return encode_pcmu(kept) if isinstance(format, grammar.Pcmu) else encode_pcma(kept)


def decoded(data: bytes, format: grammar.Format) -> bytes:  # noqa: A002 - the protocol's own name
    """Return sound of `format` as 24 kHz PCM; a sample of G.711 is held for three."""
    if isinstance(format, grammar.Pcm):
        return bytes(data)
    pcm = decode_pcmu(data) if isinstance(format, grammar.Pcmu) else decode_pcma(data)
    held = bytearray(3 * len(pcm))
    for offset in range(6):
        held[offset::6] = pcm[offset % 2 :: 2]
    return bytes(held)


@dataclass(slots=True)
class Sound:
    """The audio of one content part."""

    format: grammar.Format
    data: bytearray

    @property
    def duration_ms(self) -> int:
        """Whole milliseconds; what a millisecond is short of does not count."""
        return len(self.data) // bytes_per_ms(self.format)

    @property
    def pcm(self) -> bytes:
        """As 24 kHz PCM."""
        return decoded(bytes(self.data), self.format)

    def cut(self, end_ms: int) -> None:
        """Keep the first `end_ms` milliseconds."""
        del self.data[end_ms * bytes_per_ms(self.format) :]


class InputBuffer:
    """What the client appended since the last commit or clear."""

    def __init__(self) -> None:
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """Add `data`."""
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
