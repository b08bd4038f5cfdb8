"""Samples in, one table out: medians and ratios, as text for people or JSON for machines.

A figure of one machine says little; a ratio of one run says more. So every row is set against
the reference peers of the same run, and the spread stands beside the median.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from harness import Results
from measure import Sample

__all__ = ["Row", "as_json", "as_text", "columns", "rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """One peer. CPU in microseconds an event; a ratio below 1 is cheaper than the reference."""

    peer: str
    runs: int
    events: int
    cpu_us: float
    cpu_us_least: float
    cpu_us_most: float
    events_per_second: float
    ratios: Mapping[str, float]


def rows(samples: Mapping[str, Sequence[Sample]], references: Sequence[str]) -> list[Row]:
    """Condense the samples; ratios are to those of `references` that ran."""
    costs = {peer: [1e6 * s.cpu / s.events for s in runs] for peer, runs in samples.items() if runs}
    medians = {peer: median(values) for peer, values in costs.items()}
    return [
        Row(
            peer=peer,
            runs=len(values),
            events=samples[peer][0].events,
            cpu_us=medians[peer],
            cpu_us_least=min(values),
            cpu_us_most=max(values),
            events_per_second=median(s.events / s.wall for s in samples[peer]),
            ratios={name: medians[peer] / medians[name] for name in references if name in medians},
        )
        for peer, values in costs.items()
    ]


def _ratio(value: float | None) -> str:
    """Write "12.3x less" below one, "1.70x" about and above it, "-" without the reference."""
    if value is None:
        return "-"
    return f"{1 / value:.1f}x less" if value < 0.95 else f"{value:.2f}x"


def as_text(title: str, results: Results, references: Sequence[str]) -> str:
    """Lay the rows out, and after them who is absent and who failed."""
    head = ["peer", "us CPU/event", "(least-most)", "events/s", *(f"to {n}" for n in references)]
    body = [
        [
            row.peer,
            f"{row.cpu_us:.2f}",
            f"{row.cpu_us_least:.2f}-{row.cpu_us_most:.2f}",
            f"{row.events_per_second:,.0f}",
            *(_ratio(row.ratios.get(name)) for name in references),
        ]
        for row in rows(results.samples, references)
    ]
    notes = [f"absent: {peer}: {reason}" for peer, reason in results.absent.items()]
    notes += [f"FAILED: {peer}: {reason}" for peer, reason in results.failed.items()]
    return "\n".join([title, "", *columns([head, *body]), *([""] if notes else []), *notes])


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Align a table whose first row is its head: names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if position else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def as_json(title: str, results: Results, references: Sequence[str]) -> str:
    """The same facts, and the interpreter and machine they were got on."""
    facts = {
        "title": title,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "rows": [asdict(row) for row in rows(results.samples, references)],
        "absent": results.absent,
        "failed": results.failed,
    }
    return json.dumps(facts, indent=2)
