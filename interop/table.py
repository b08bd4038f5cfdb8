"""The table of who did what with whom: kept while pytest runs, printed, and put into the docs."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from interop.roster import CLIENTS, SERVERS, SIMULATOR, STACKS, STEPS, Client, Server, Step

PAGE: Final = Path(__file__).parent.parent / "docs" / "interop.md"
BEGIN: Final = "<!-- Written by nox -s interop. -->"
END: Final = "<!-- The end of what it writes. -->"

Verdict: TypeAlias = Literal["passed", "failed", "skipped"]
Row: TypeAlias = tuple[str, str]
"""Client and server."""

_WORST_FIRST: Final[Mapping[Verdict, int]] = {"failed": 0, "skipped": 1, "passed": 2}
_MARKS: Final[Mapping[Verdict | None, str]] = {
    "passed": "yes",
    "failed": "FAILED",
    "skipped": "skipped",
    None: "",
}


def client_row(client: Client) -> Row:
    """The row of one of their clients."""
    return client.title, SIMULATOR


def server_row(server: Server, stack: str) -> Row:
    """The row of ours against one of their servers."""
    return f"ours, {stack}", server.title


def _rows() -> dict[Row, Client | Server]:
    """Every row there is, in order, and the counterpart it is about."""
    rows: dict[Row, Client | Server] = {client_row(client): client for client in CLIENTS}
    for server in dict.fromkeys(SERVERS.values()):
        rows |= dict.fromkeys((server_row(server, stack) for stack in STACKS.values()), server)
    return rows


@dataclass
class Table:
    """The verdicts so far, by row and step, and why something was skipped."""

    rows: Mapping[Row, Client | Server] = field(default_factory=_rows)
    cells: dict[tuple[Row, Step], Verdict] = field(default_factory=dict[tuple[Row, Step], Verdict])
    reasons: set[str] = field(default_factory=set[str])

    def add(self, row: Row, step: Step, verdict: Verdict) -> None:
        """Note how a test of that cell ended; the worst counts."""
        so_far = self.cells.get((row, step), verdict)
        if _WORST_FIRST[verdict] <= _WORST_FIRST[so_far]:
            self.cells[row, step] = verdict

    @property
    def is_whole(self) -> bool:
        """Whether every step was played in every row, and passed, but those that cannot be."""
        return all(
            self.cells.get((row, step)) == "passed" or step in counterpart.lacks
            for row, counterpart in self.rows.items()
            for step in STEPS
        )

    def lines(self) -> list[str]:
        """The rows that were run and their notes, in Markdown that reads well in a terminal."""
        run = [row for row in self.rows if any((row, step) in self.cells for step in STEPS)]
        notes: dict[str, int] = {}
        cells = [[*row, *(self._cell(row, step, notes) for step in STEPS)] for row in run]
        return [
            *_aligned(["client", "server", *STEPS.values()], cells),
            "",
            *(f"{number}. {note}" for note, number in notes.items()),
        ]

    def _cell(self, row: Row, step: Step, notes: dict[str, int]) -> str:
        counterpart = self.rows[row]
        lack = counterpart.lacks.get(step)
        mark = _MARKS[self.cells.get((row, step))] if lack is None else "no"
        note = lack or counterpart.notes.get(step)
        return mark if note is None else f"{mark} ({notes.setdefault(note, len(notes) + 1)})"

    def page(self) -> str:
        """What stands on the page between its two marks."""
        today = dt.datetime.now(tz=dt.UTC).date()
        made = f"On {today}, CPython {platform.python_version()}, {platform.system()}:"
        return "\n".join([BEGIN, "", made, "", *self.lines(), "", END])

    def write(self) -> None:
        """Put it into the page, in place of the last one."""
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{self.page()}{after}", encoding="utf-8")


def _aligned(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in [head, ["-" * width for width in widths], *rows]
    ]
