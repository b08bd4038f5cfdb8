"""Recorded sessions for the tests of this room: what the server sent, as JSON and as events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from anyrealtime.events import ServerEvent, decode_server

Tree: TypeAlias = dict[str, object]

RECORDINGS = Path(__file__).parents[3] / "shared" / "protocol" / "recordings"

needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs ../shared/protocol")
each_recording = pytest.mark.parametrize(
    "path", sorted(RECORDINGS.glob("**/*.jsonl")), ids=lambda path: path.stem
)


def received(path: Path) -> list[Tree]:
    """What the server sent."""
    rows = [cast("Tree", json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return [cast("Tree", row["data"]) for row in rows if row["direction"] == "received"]


def event(type_: str, **fields: object) -> ServerEvent:
    """An event as a server sends it."""
    return decode_server(json.dumps({"type": type_, **fields}))
