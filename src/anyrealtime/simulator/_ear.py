"""Listening once to each sound of a connection, whoever asks first.

That is the transcription a client wants, or the model that is to answer. Who listens is
decided in `_sound/_recognition`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from anyrealtime.simulator._models._model import ModelFailure
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._sound._recognition import Recogniser


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
