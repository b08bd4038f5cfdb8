"""The seam for speech: from the words of an answer to the sound of them.

A voice is any callable from a text to PCM, sync or async. Those that have a name are here;
"tones" needs nothing and is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Literal, Protocol, TypeAlias

from anyrealtime.simulator._speech import speak

VoiceName: TypeAlias = Literal["tones"]


class Voice(Protocol):
    """Speaks. A sync one runs in the event loop and must not block."""

    def __call__(self, text: str, voice: str, speed: float, /) -> bytes | Awaitable[bytes]:
        """Return the sound of `text`: 16-bit little-endian mono PCM at 24 kHz.

        Args:
            text: a sentence, or as much as there is of one.
            voice: the voice of the session or the response, "alloy" for instance.
            speed: of the session, 1.0 being natural.
        """
        ...


_NAMED: Mapping[str, Voice] = {"tones": speak}


def named_voice(voice: VoiceName | Voice) -> Voice:
    """Return the voice of that name, or the given one."""
    return _NAMED[voice] if isinstance(voice, str) else voice
