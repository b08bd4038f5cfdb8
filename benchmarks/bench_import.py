"""What it costs to import: wall clock and CPU of `python -c "import X"`, and what comes along.

    python benchmarks/bench_import.py --runs 9

Each import in a fresh interpreter, interleaved, after one that is not counted and writes the
bytecode. The interpreter's own start is the first row and is taken off the others. The rows
"for asyncio" and "for realtime" add what a session there loads when it is opened. Fails if
anyrealtime brings in what a session may not need: Trio, its WebSocket library, an HTTP client;
with --check also if importing it takes longer than the design promises.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from statistics import median
from typing import cast

from table import columns

__all__ = ["main"]

NOTHING = "(nothing)"
SUBJECTS = {
    NOTHING: "pass",
    "anyrealtime": "import anyrealtime",
    "anyrealtime.events": "import anyrealtime.events",
    "anyrealtime, for asyncio": "import anyrealtime, anyrealtime._transport._anyio, anyio._backends._asyncio",
    "openai": "import openai",
    "openai, for realtime": "import openai, openai.resources.realtime.realtime, websockets.asyncio.client",
    "anyio": "import anyio",
    "trio": "import trio",
    "websockets": "import websockets.asyncio.client",
    "picows": "import picows",
    "msgspec": "import msgspec",
}
MOST_MS = 150.0  # of wall clock for "anyrealtime": section 8 of the design
UNWANTED = (
    "trio",
    "trio_websocket",
    "httpx",
    "openai",
    "pydantic",
    "typer",
    "numpy",
    "sounddevice",
)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Milliseconds of one interpreter, from its start to its end."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class _Row:
    """Medians in milliseconds, the bare interpreter taken off, and what was loaded."""

    subject: str
    wall_ms: float
    cpu_ms: float
    modules: int
    unwanted: list[str]


def _environment() -> dict[str, str]:
    """Ours, but for what would have every run compile anew: installing writes the bytecode."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def _cost(statement: str) -> _Cost:
    """Run `statement` in a fresh interpreter and take its time from the kernel."""
    start = time.perf_counter()
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", statement], _environment())
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {statement}")
    return _Cost(1e3 * wall, 1e3 * (usage.ru_utime + usage.ru_stime))


def _loaded(statement: str) -> list[str]:
    """Name the modules that are there after `statement` and not without it."""
    code = (
        f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def _is_installed(statement: str) -> bool:
    """Whether each top package that `statement` imports is found."""
    names = statement.removeprefix("import ").split(", ")
    return statement == "pass" or all(find_spec(name.partition(".")[0]) for name in names)


def _measure(subjects: Sequence[str], runs: int) -> list[_Row]:
    costs: dict[str, list[_Cost]] = {subject: [] for subject in subjects}
    for turn in range(runs + 1):
        for subject in subjects:
            cost = _cost(SUBJECTS[subject])
            if turn:
                costs[subject].append(cost)
    bare_wall = median(cost.wall for cost in costs[NOTHING])
    bare_cpu = median(cost.cpu for cost in costs[NOTHING])
    rows: list[_Row] = []
    for subject in subjects:
        bare = subject == NOTHING
        modules = _loaded(SUBJECTS[subject])
        rows.append(
            _Row(
                subject=subject,
                wall_ms=median(cost.wall for cost in costs[subject]) - (0 if bare else bare_wall),
                cpu_ms=median(cost.cpu for cost in costs[subject]) - (0 if bare else bare_cpu),
                modules=len(modules),
                unwanted=[name for name in UNWANTED if name in modules],
            )
        )
    return rows


def _as_text(title: str, rows: Sequence[_Row], absent: Sequence[str]) -> str:
    official = next((row.wall_ms for row in rows if row.subject == "openai"), None)
    body = [
        [
            row.subject,
            f"{row.wall_ms:.0f}",
            f"{row.cpu_ms:.0f}",
            f"{row.wall_ms / official:.2f}x" if official and row.subject != NOTHING else "-",
            str(row.modules),
            " ".join(row.unwanted) or "-",
        ]
        for row in rows
    ]
    head = ["import", "ms wall", "ms CPU", "to openai", "modules", "of which heavy"]
    notes = [f"absent: {subject}" for subject in absent]
    return "\n".join([title, "", *columns([head, *body]), *([""] if notes else []), *notes])


def main() -> None:
    """Measure what is installed, print, and fail if anyrealtime loads what it should not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--check", action="store_true", help="fail where it takes too long")
    given = parser.parse_args()
    runs = cast(int, given.runs)
    subjects = [subject for subject, statement in SUBJECTS.items() if _is_installed(statement)]
    absent = [subject for subject in SUBJECTS if subject not in subjects]
    rows = _measure(subjects, runs)
    title = f"import: median of {runs} fresh interpreters, the bare one taken off"
    if given.json:
        facts = {"title": title, "python": platform.python_version(), "absent": absent}
        print(json.dumps(facts | {"rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print(_as_text(title, rows, absent))
    guilty = [row for row in rows if row.subject.startswith("anyrealtime") and row.unwanted]
    for row in guilty:
        print(f"FAILED: import {row.subject} loads {', '.join(row.unwanted)}", file=sys.stderr)
    slow = cast(bool, given.check) and any(
        row.subject == "anyrealtime" and row.wall_ms > MOST_MS for row in rows
    )
    if slow:
        print(f"FAILED: import anyrealtime takes longer than {MOST_MS:.0f} ms", file=sys.stderr)
    raise SystemExit(1 if guilty or slow else 0)


if __name__ == "__main__":
    main()
