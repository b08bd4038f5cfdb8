"""Scripted: a model that says what is written down, and expects what is written down.

A script is a list of turns; each answer the client asks for takes the next one. What else
can be a script (a file, a recording) is made into turns elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Final, TypeAlias, cast

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import FunctionCallOutput
from anyrealtime.simulator._models._expectations import Expect, ScriptMismatch, difference
from anyrealtime.simulator._models._model import ContentFiltered, ModelFailure, ModelRequest, Said

_ANYTHING: Final = Expect()


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a script.

    Attributes:
        says: a piece of an answer or several, in order; nothing makes a response without output.
        expect: what the client must have sent; the response fails where it did not.
        heard: what the caller said aloud before: a recogniser is told. A ModelFailure says that
            it could not be made out.
        fails: ends the response after what it says, with the status "failed", or "incomplete"
            where it is ContentFiltered.

    Raises:
        ConfigurationError: what it says are no pieces of an answer.
    """

    says: Said | Sequence[Said] = ()
    expect: Expect = _ANYTHING
    heard: str | ModelFailure | None = None
    fails: ModelFailure | ContentFiltered | None = None

    def __post_init__(self) -> None:
        if not _are_pieces(self.says):
            raise ConfigurationError(
                f"says: expected a piece of an answer or a list of pieces, got {self.says!r}"
            )

    def pieces(self) -> Iterator[Said]:
        """What it says, then its failure."""
        if isinstance(self.says, Said):
            yield self.says
        else:
            yield from self.says
        if self.fails is not None:
            raise self.fails


Line: TypeAlias = Turn | Said | Sequence[Said]
"""A turn, or only what is said in it."""


@dataclass(slots=True)
class _Place:
    """How far the script has come, and the outputs that its turns have seen."""

    taken: int = 0
    answered: set[str] = field(default_factory=set[str])


class Scripted:
    """A model that takes its answers, in order, from a script.

    It is for one simulator: it remembers how far it has come.

    Args:
        turns: the script.
        restart: begins it anew for every connection; otherwise all of them share it.

    Raises:
        ConfigurationError: something in it is no turn.
    """

    def __init__(self, turns: Iterable[Line], *, restart: bool = False) -> None:
        self.turns: Final = tuple(line if isinstance(line, Turn) else Turn(line) for line in turns)
        self._restart = restart
        self._places: dict[str, _Place] = {}

    @staticmethod
    def from_toml(path: str | PathLike[str]) -> Scripted:
        """Read a script from the TOML file `path`; docs/simulator.md describes it.

        Raises:
            ConfigurationError: it is no script; the message says where.
            OSError: it, or a sound it names, cannot be read.
        """
        from anyrealtime.simulator._models._script_file import read_script

        turns, restart = read_script(path)
        return Scripted(turns, restart=restart)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.turns)} turns>"

    def __call__(self, request: ModelRequest, /) -> Iterator[Said]:
        """Answer with the next turn.

        Raises:
            ScriptMismatch: the turn expects something else, or there is none left.
        """
        place = self._place(request.session_id)
        number, total = place.taken + 1, len(self.turns)
        if number > total:
            raise ScriptMismatch(
                f"The script has {total} turns, and the client asks for answer {number}; "
                f"what it said last: {request.text!r}"
            )
        turn = self.turns[place.taken]
        place.taken = number
        wrong = difference(turn.expect, request, place.answered)
        place.answered |= {
            str(item.call_id) for item in request.items if isinstance(item, FunctionCallOutput)
        }
        if wrong is not None:
            raise ScriptMismatch(
                f"Turn {number} of {total} expects something else (- expected, + sent):\n{wrong}"
            )
        return turn.pieces()

    def caller_says(self, session_id: str, /) -> str | None:
        """Return what the caller says before the next turn, None if that is not written down.

        Raises:
            ModelFailure: the script says that it cannot be made out.
        """
        taken = self._place(session_id).taken
        heard = self.turns[taken].heard if taken < len(self.turns) else None
        if isinstance(heard, ModelFailure):
            raise heard
        return heard

    def check_finished(self) -> None:
        """Check that every turn was asked for; with `restart`, by every connection.

        Raises:
            ScriptMismatch: some were not.
        """
        total = len(self.turns)
        for place in self._places.values() or [_Place()]:
            if place.taken < total:
                left = "\n".join(
                    f"  {number}: {turn.says!r}"
                    for number, turn in enumerate(self.turns, 1)
                    if number > place.taken
                )
                raise ScriptMismatch(
                    f"{total - place.taken} of {total} turns were not asked for:\n{left}"
                )

    def _place(self, session_id: str) -> _Place:
        return self._places.setdefault(session_id if self._restart else "", _Place())


def _are_pieces(says: object) -> bool:
    if isinstance(says, Said):
        return True
    return isinstance(says, Sequence) and all(
        isinstance(piece, Said) for piece in cast("Sequence[object]", says)
    )
