"""The seam where an interpreter plugs into translation sessions, and the one that is there.

An interpreter is a callable from a frame of sound to what is said of it in the other
language. It runs in the event loop and must not block. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

FRAME_MS: Final = 200
"""The service translates sound in frames of this length (its reference says so)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationFrame:
    """What an interpreter hears at a time.

    Attributes:
        audio: 200 ms of 16-bit little-endian mono PCM at 24 kHz.
        elapsed_ms: where in the session's sound it ends.
        language: what it is to be translated into, for instance "es".
    """

    audio: bytes
    elapsed_ms: int
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What an interpreter makes of a frame; whatever is empty is not sent.

    Attributes:
        heard: the next words of the source, with the space before them.
        text: the next words of the translation, likewise.
        audio: their sound, 16-bit little-endian mono PCM at 24 kHz.
    """

    heard: str = ""
    text: str = ""
    audio: bytes = b""


Interpreter: TypeAlias = Callable[[TranslationFrame], Translation]


def default_interpreter(frame: TranslationFrame) -> Translation:
    """Give each frame that is not silent a word with its number, and its own sound back."""
    if not any(frame.audio):
        return Translation()
    word = f"word{frame.elapsed_ms // FRAME_MS}"
    return Translation(heard=f" {word}", text=f" {frame.language}-{word}", audio=frame.audio)
