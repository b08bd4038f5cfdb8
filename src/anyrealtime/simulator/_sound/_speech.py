"""Text to sound without a voice: one short tone a word, the same tone for the same word.

Pure functions over bytes. What comes out is 16-bit little-endian mono PCM at 24 kHz, long
enough to be paced and truncated like speech and cheap enough to be made in a test. Where
text comes in pieces, `Sentences` joins what a voice is to speak in one breath.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from functools import lru_cache

from anyrealtime.errors import ConfigurationError

RATE_HZ = 24_000
BYTES_PER_MS = RATE_HZ * 2 // 1000

_LOUDNESS = 6_000  # of 32,767: a fifth, which sums with other sound without clipping
_WORD_MS = 60
_LETTER_MS = 30
_LONGEST_MS = 420
_GAP_MS = 40
_PAUSE_MS = 160
_ENDINGS = (".", "!", "?", ":", ";")
# A sentence or a line; or, of one that does not end, some fifteen seconds; or whatever is endless.
_BREATH = re.compile(
    r".{1,1000}?(?:[.!?\u2026]+[\"'\u201d\u2019\u00bb)]*(?:\s+|\Z)|\n+)|.{240}\S{0,760}(?=\s)|.{1000}",
    re.DOTALL,
)


def speak(text: str, voice: str = "alloy", speed: float = 1.0, /) -> bytes:
    """Return the sound of `text`: a tone and a gap for each word, a pause where a sentence ends.

    Every voice has a pitch of its own.

    Raises:
        ConfigurationError: `speed` is not above zero.
    """
    if not speed > 0:
        raise ConfigurationError(f"speed: expected a number above 0, got {speed}")
    return b"".join(_word(word, voice, speed) for word in text.split())


@lru_cache(maxsize=512)
def _word(word: str, voice: str, speed: float) -> bytes:
    letters = sum(character.isalnum() for character in word)
    tone_ms = min(_WORD_MS + _LETTER_MS * letters, _LONGEST_MS) if letters else 0
    pause_ms = _GAP_MS + (_PAUSE_MS if word.endswith(_ENDINGS) else 0)
    # 70 to 169 samples a cycle: 140 to 340 Hz, the pitch of a speaking voice.
    pitch = 70 + zlib.crc32(word.lower().encode()) % 80 + zlib.crc32(voice.encode()) % 21
    return _tone(pitch, round(tone_ms / speed)) + bytes(round(pause_ms / speed) * BYTES_PER_MS)


def _tone(cycle_samples: int, duration_ms: int) -> bytes:
    """Whole cycles only, the first and last at half loudness: nothing clicks."""
    cycles = duration_ms * RATE_HZ // 1000 // cycle_samples
    if cycles < 3:
        return b""
    soft = _cycle(cycle_samples, _LOUDNESS // 2)
    return soft + _cycle(cycle_samples, _LOUDNESS) * (cycles - 2) + soft


def _cycle(samples: int, loudness: int) -> bytes:
    turn = 2 * math.pi / samples
    wave = (round(loudness * math.sin(turn * position)) for position in range(samples))
    return struct.pack(f"<{samples}h", *wave)


class Sentences:
    """Cuts text that comes in pieces into what a voice speaks in one breath."""

    def __init__(self) -> None:
        self._text = ""

    def add(self, text: str) -> list[str]:
        """Add `text` and take out the sentences that are whole, or too long to wait for more."""
        self._text += text
        whole: list[str] = []
        while found := _BREATH.match(self._text):
            whole.append(found[0])
            self._text = self._text[found.end() :]
        return whole

    def rest(self) -> list[str]:
        """Take out what there is."""
        text, self._text = self._text, ""
        return [text] if text else []
