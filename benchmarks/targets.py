"""What the design promises about receiving, as ratios, and whether a run kept it.

A promise is at most so many times the CPU of a reference peer of the same run. Only rows that
are both there are judged: an absent peer proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from table import Row

__all__ = ["SUBJECTS", "Verdict", "limits", "verdicts"]

SUBJECTS = ("anyrealtime asyncio", "anyrealtime trio")
"""The default transport, on both backends."""

_TRIO_WEBSOCKET = "anyrealtime trio-websocket"
_PROMISED_OF_TRIO_WEBSOCKET = {"openai-python": 1 / 1.8}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise and what became of it; both figures are times the reference's CPU."""

    peer: str
    reference: str
    ratio: float
    at_most: float

    @property
    def is_met(self) -> bool:
        """Whether the promise was kept."""
        return self.ratio <= self.at_most

    def __str__(self) -> str:
        word = "met" if self.is_met else "MISSED"
        return (
            f"{word}: {self.peer} to {self.reference}: {self.ratio:.3f}, at most {self.at_most:.3f}"
        )


def limits(mix: str, *, tls: bool) -> Mapping[str, float]:
    """The promise to each reference for this traffic."""
    if tls:
        return {"openai-python": 1 / 6}
    if mix == "small":
        return {"openai-python": 1 / 15, "openai-node": 1.0, "picows": 3.0}
    return {
        "openai-python": 1 / 12,
        "openai-agents": 1 / 5,
        "openai-node": 1.0,
        "picows": 2.0,
    }


def verdicts(rows: Sequence[Row], promised: Mapping[str, float]) -> list[Verdict]:
    """Judge every subject against every reference that ran."""
    cost = {row.peer: row.cpu_us for row in rows}
    of_peer = dict.fromkeys(SUBJECTS, promised) | {_TRIO_WEBSOCKET: _PROMISED_OF_TRIO_WEBSOCKET}
    return [
        Verdict(peer, reference, cost[peer] / cost[reference], at_most)
        for peer, limits_of_peer in of_peer.items()
        for reference, at_most in limits_of_peer.items()
        if peer in cost and reference in cost
    ]
