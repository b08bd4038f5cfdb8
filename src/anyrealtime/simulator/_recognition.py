"""The seam for recognition: from what a caller said aloud to the words of it.

What a script says the caller says is believed; otherwise a recogniser listens, if there is
one. Without either nobody knows the words. An Ear listens once to each sound, whoever asks
first: the transcription a client wants, or the model that is to answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import anyio

from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._model import ModelFailure

RecogniserName: TypeAlias = Literal["script"]


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


def script(audio: bytes, scripted: str | None, /) -> str | None:  # noqa: ARG001 - a script needs no ears
    """Take the script's word for it."""
    return scripted


_NAMED: Mapping[str, Recogniser] = {"script": script}


def named_recogniser(recogniser: RecogniserName | Recogniser) -> Recogniser:
    """Return the recogniser of that name, or the given one."""
    return _NAMED[recogniser] if isinstance(recogniser, str) else recogniser


@dataclass(slots=True)
class _Hearing:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    done: bool = False
    failure: Exception | None = None


class Ear:
    """Listens, for one connection.

    Args:
        recogniser: who listens.
        scripted: gives what the script says that the caller says now.
        failed: takes what a recogniser did not mean to raise.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        scripted: Callable[[], str | None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._recogniser = recogniser
        self._scripted = scripted
        self._failed = failed
        self._hearings: dict[str, _Hearing] = {}

    async def listen(self, entry: Entry) -> Exception | None:
        """Put the words of `entry` into it; return why they could not be made out."""
        hearing = self._hearings.setdefault(entry.id, _Hearing())
        async with hearing.lock:
            if not hearing.done:
                try:
                    await self._listen(entry)
                except Exception as error:
                    hearing.failure = error
                    if not isinstance(error, ModelFailure):
                        self._failed(error)
                hearing.done = True
        return hearing.failure

    async def _listen(self, entry: Entry) -> None:
        for index, sound in entry.sounds.items():
            if index not in entry.words:
                heard = self._recogniser(sound.pcm, self._scripted())
                words = await heard if isinstance(heard, Awaitable) else heard
                if words is not None:
                    entry.words[index] = words
