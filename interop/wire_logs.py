"""Wire logs: what passed between two counterparts, in the form of the project's recordings.

One file for each of their clients and each step, and one for each test of ours against their
servers, under `.cache/logs` beside this file, written over by the next run. Sound is cut
short; everything else is as it was on the wire.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from anyrealtime.simulator import Frame
from interop.packages import CACHE
from interop.roster import Client, Step

LOGS: Final = CACHE / "logs"
_SOUND: Final = {
    "input_audio_buffer.append": "audio",
    "response.output_audio.delta": "delta",
    "response.audio.delta": "delta",
}
_SHOWN: Final = 40  # characters of base64
_TAIL: Final = 12
_WIDTH: Final = 200


def client_log_path(client: Client, step: Step) -> Path:
    """Where the log of a client's step is kept."""
    return _prepared(f"{client.slug}-{step}")


def running_log_path() -> Path:
    """Where the log of the test that is running is kept."""
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition("/")[2].partition(" (")[0]
    names = [part.removeprefix("test_") for part in test.replace(".py", "").split("::")]
    return _prepared("-".join(["ours", *(re.sub(r"\W+", "-", name).strip("-") for name in names)]))


def _prepared(name: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{name}.jsonl"


def write_log(path: Path, frames: Sequence[Frame]) -> None:
    """Write a simulated connection's record."""
    path.write_text("".join(f"{line}\n" for line in _lines(frames)), encoding="utf-8")


def tail(frames: Sequence[Frame]) -> str:
    """The last lines of the log, for a message; what the client said aloud is left out."""
    told = [frame for frame in frames if b"input_audio_buffer.append" not in frame.data]
    return "\n".join(line[:_WIDTH] for line in _lines(told[-_TAIL:]))


def _lines(frames: Sequence[Frame]) -> Iterator[str]:
    for frame in frames:
        line = {
            "kind": "message",
            "direction": frame.direction,
            "at": round(frame.at, 4),
            "data": _without_sound(frame.data),
        }
        yield json.dumps(line, ensure_ascii=False)


def _without_sound(data: bytes) -> object:
    try:
        event: dict[str, Any] = json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
    if name := _SOUND.get(str(event.get("type"))):
        event[name] = f"{str(event.get(name))[:_SHOWN]}..."
    return event
