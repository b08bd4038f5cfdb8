"""Sound in bytes: how long it is in each format, and the buffer a client fills.

Arithmetic only; what is said in the sound is nobody's business here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from anyrealtime.audio import decode_pcma, decode_pcmu, encode_pcma, encode_pcmu
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._sound._speech import BYTES_PER_MS, RATE_HZ

LEAST_COMMIT_MS: Final = 100
G711_RATE_HZ: Final = 8_000


def bytes_per_ms(format: grammar.Format) -> int:  # noqa: A002 - the protocol's own name
    """Return how many bytes a millisecond of mono sound takes in `format`."""
    return BYTES_PER_MS if isinstance(format, grammar.Pcm) else G711_RATE_HZ // 1000


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


def linear(data: bytes, format: grammar.Format) -> tuple[bytes, int]:  # noqa: A002 - the protocol's own name
    """Return sound of `format` as PCM and the rate it has: 8 kHz for G.711."""
    if isinstance(format, grammar.Pcm):
        return bytes(data), RATE_HZ
    decode = decode_pcmu if isinstance(format, grammar.Pcmu) else decode_pcma
    return decode(data), G711_RATE_HZ


def decoded(data: bytes, format: grammar.Format) -> bytes:  # noqa: A002 - the protocol's own name
    """Return sound of `format` as 24 kHz PCM; a sample of G.711 is held for three."""
    pcm, rate_hz = linear(data, format)
    if rate_hz == RATE_HZ:
        return pcm
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
    """What the client appended since the last commit or clear, and where in the session it lies.

    Milliseconds count all sound of the session, as the service does.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._format: grammar.Format = grammar.Pcm()
        self._origin_ms = 0  # where sound in this format began
        self._start = 0  # how many bytes of it lie before those that are held

    @property
    def start_ms(self) -> int:
        """Where the sound begins that is held."""
        return self._origin_ms + self._start // bytes_per_ms(self._format)

    @property
    def end_ms(self) -> int:
        """How much sound was appended since the session began, whatever became of it."""
        return self._origin_ms + (self._start + len(self._data)) // bytes_per_ms(self._format)

    def reformat(self, format: grammar.Format) -> None:  # noqa: A002 - the protocol's own name
        """What comes from now on is in `format`; what is held in another cannot be kept."""
        if format != self._format:
            self._origin_ms = self.end_ms
            self._data.clear()
            self._start = 0
            self._format = format

    def append(self, data: bytes) -> None:
        """Add `data`."""
        self._data += data

    def clear(self) -> None:
        """Forget everything; what comes next begins with a whole sample."""
        self._start += self._whole_bytes
        self._data.clear()

    def forget_before(self, ms: int) -> None:
        """Forget what lies before `ms`."""
        self._take(self._bytes_before(ms))

    def take_until(self, ms: int) -> Sound:
        """Take out what lies before `ms`, which may be nothing."""
        return self._take(self._bytes_before(ms))

    def commit(self) -> Sound:
        """Take out everything as the sound of one turn; half a sample waits for its other half.

        Raises:
            Refusal: it is too short; the buffer keeps it.
        """
        size_ms = len(self._data) / bytes_per_ms(self._format)
        if size_ms < LEAST_COMMIT_MS:
            raise Refusal(
                "input_audio_buffer_commit_empty",
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{LEAST_COMMIT_MS}ms of audio, but buffer only has {size_ms:.2f}ms of audio.",
            )
        return self._take(self._whole_bytes)

    @property
    def _whole_bytes(self) -> int:
        size = len(self._data)
        return size - size % 2 if isinstance(self._format, grammar.Pcm) else size

    def _bytes_before(self, ms: int) -> int:
        size = (ms - self._origin_ms) * bytes_per_ms(self._format) - self._start
        return min(max(size, 0), self._whole_bytes)

    def _take(self, n_bytes: int) -> Sound:
        taken = self._data[:n_bytes]
        del self._data[:n_bytes]
        self._start += n_bytes
        return Sound(self._format, taken)
