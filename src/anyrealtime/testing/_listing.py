"""A recording as people read it beside a failed test: what crossed, when, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import cast

from anyrealtime.events._audio_fields import Json
from anyrealtime.simulator._models._recording import (
    RecordedFrame,
    RecordedSession,
    RecordingError,
    read_recording,
)


def listing(path: Path, *, max_lines: int = 200) -> str:
    """Return a line for each event, one for deltas or equals in a row; of many lines, the last."""
    lines = [str(path)]
    try:
        sessions = read_recording(path)
    except RecordingError:
        return f"{path}\nno connection was recorded: is open_realtime(tap=...) given it?"
    for number, session in enumerate(sessions, 1):
        if len(sessions) > 1:
            lines.append(f"connection {number}")
        lines += _lines(session)
    left_out = len(lines) - 1 - max_lines
    if left_out > 0:
        lines[1 : left_out + 1] = [f"... {left_out} lines before these"]
    return "\n".join(lines)


def _lines(session: RecordedSession) -> Iterator[str]:
    for _, run in groupby(session.frames, key=_group):
        frames = list(run)
        counts = Counter(frame.type or "no event" for frame in frames)
        what = ", ".join(f"{kind} x {n}" if n > 1 else kind for kind, n in counts.items())
        yield f"{_time(frames[0].at)} {frames[0].direction:8} {what}{_complaint(frames[-1])}"
    if session.close is not None:
        close = session.close
        yield f"{_time(close.at)} closed   {close.code} by the {close.by} {close.reason}".rstrip()


def _group(frame: RecordedFrame) -> tuple[str, str]:
    """What may share a line: events of one type, and deltas, which come interleaved."""
    return frame.direction, "delta" if frame.type.endswith(".delta") else frame.type


def _time(at: float | None) -> str:
    return " " * 9 if at is None else f"{at:8.3f}s"


def _complaint(frame: RecordedFrame) -> str:
    """What an error says."""
    error = frame.data.get("error") if frame.data is not None and frame.type == "error" else None
    return f": {cast('Json', error).get('message')}" if isinstance(error, dict) else ""
