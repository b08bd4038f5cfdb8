"""The seam for speech: from the words of an answer to the sound of them.

A voice is any callable from a text to PCM, sync or async. Those that have a name are here;
"tones" needs nothing and is the same everywhere, the others are programs and packages that
may be installed. Nothing of theirs is imported before they are asked for.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from shutil import which
from typing import Any, Final, Literal, Protocol, TypeAlias

import anyio
import anyio.to_thread

from anyrealtime.audio import read_wav
from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._sound._resampling import resampled
from anyrealtime.simulator._sound._speech import RATE_HZ, speak

VoiceName: TypeAlias = Literal["tones", "espeak-ng", "hibari", "auto"]


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


# The program of that name: quick, in a hundred languages, and like a robot.

_ESPEAK_WORDS_PER_MINUTE: Final = 175
_ESPEAK_VARIANTS: Final = ("f1", "f2", "f3", "f4", "m1", "m2", "m3", "m4")


def _espeak() -> Voice:
    program = which("espeak-ng")
    if program is None:
        raise ConfigurationError(
            "voice: the program espeak-ng is not installed (Debian: apt install espeak-ng)"
        )
    return partial(_run_espeak, program)


async def _run_espeak(program: str, text: str, voice: str, speed: float) -> bytes:
    variant = _ESPEAK_VARIANTS[zlib.crc32(voice.encode()) % len(_ESPEAK_VARIANTS)]
    pace = str(round(_ESPEAK_WORDS_PER_MINUTE * speed))
    command = [program, "--stdin", "--stdout", "-v", f"en-us+{variant}", "-s", pace]
    pcm, rate_hz = read_wav((await anyio.run_process(command, input=text.encode())).stdout)
    return resampled(pcm, rate_hz, RATE_HZ)


# The package hibari-tts: like a person, in English; one voice is in the package, and used.

_HIBARI_SLOWEST: Final = 0.5


def _hibari() -> Voice:
    if find_spec("hibari") is None:
        raise ConfigurationError(
            "voice: the package hibari-tts is not installed (pip install 'anyrealtime[speech]')"
        )
    return Hibari()


class Hibari:
    """Loads its model when it first speaks; one text at a time, in a worker thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    async def __call__(self, text: str, voice: str, speed: float, /) -> bytes:  # noqa: ARG002 - it has one voice
        # A thread that is cancelled finishes its sentence on its own.
        return await anyio.to_thread.run_sync(self._speak, text, speed, abandon_on_cancel=True)

    def _speak(self, text: str, speed: float) -> bytes:
        if not any(character.isalnum() for character in text):
            return b""
        with self._lock:
            if self._model is None:
                self._model = import_module("hibari").Hibari()
            wave = self._model(text, speed=max(speed, _HIBARI_SLOWEST), seed=0)
        pcm: bytes = (wave * 32_767).astype("<i2").tobytes()
        return pcm


def _best() -> Voice:
    """The one most like a person that is installed."""
    if find_spec("hibari") is not None:
        return _hibari()
    return speak if which("espeak-ng") is None else _espeak()


_NAMED: Final[Mapping[str, Callable[[], Voice]]] = {
    "tones": lambda: speak,
    "espeak-ng": _espeak,
    "hibari": _hibari,
    "auto": _best,
}


def named_voice(voice: VoiceName | Voice) -> Voice:
    """Return the voice of that name, or the given one.

    Raises:
        ConfigurationError: there is none of that name, or it is not installed.
    """
    if not isinstance(voice, str):
        return voice
    if voice not in _NAMED:
        names = ", ".join(repr(name) for name in _NAMED)
        raise ConfigurationError(f"voice: {voice!r} is none of {names}, and no callable")
    return _NAMED[voice]()
