"""Recordings for the tests of this room: the project's own, those at hand, and short ones made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import UnknownEvent
from anyrealtime.simulator import RecordedSession, read_recording
from anyrealtime.testing import ReplayServer

Json: TypeAlias = dict[str, Any]

LIMIT: Final = 15.0  # seconds a test may take on a busy machine
SAMPLES: Final = Path(__file__).parent / "samples"
SHARED: Final = Path(__file__).parents[3] / "shared" / "protocol" / "recordings"
ALL: Final = [*sorted(SAMPLES.glob("*.jsonl")), *sorted(SHARED.rglob("*.jsonl"))]


def line(direction: Literal["sent", "received"], kind: str, **fields: object) -> Json:
    """A line of a recording."""
    return {"direction": direction, "data": {"type": kind, **fields}}


def sent(kind: str, **fields: object) -> Json:
    return line("sent", kind, **fields)


def received(kind: str, **fields: object) -> Json:
    return line("received", kind, **fields)


def append(n_bytes: int) -> Json:
    return sent("input_audio_buffer.append", audio={"$audio": {"bytes": n_bytes}})


def write(folder: Path, *lines: Json) -> Path:
    """A recording of these lines."""
    path = folder / "recording.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return path


def session_of(folder: Path, *lines: Json) -> RecordedSession:
    """The session in such a recording."""
    [session] = read_recording(write(folder, *lines))
    return session


async def walk(session: RecordedSession, server: ReplayServer) -> list[Json]:
    """Send what was recorded where it was recorded, by the library's own client.

    Returns what the program received, event by event. The connection is opened as one that
    nobody announces: recordings need not begin at the beginning.
    """
    told: list[Json] = []
    with anyio.fail_after(LIMIT):
        async with (
            open_realtime(
                call_id="rtc_1", base_url=server.base_url, errors="deliver"
            ) as connection,
            connection.raw_frames() as frames,
        ):
            for frame in session.frames:
                if frame.direction == "sent":
                    await connection.send(UnknownEvent(frame.type, frame.frame))
                else:
                    told.append(json.loads(await anext(frames)))
    return told


def received_in(session: RecordedSession) -> list[Json]:
    """What the client received when it was recorded."""
    return [json.loads(f.frame) for f in session.frames if f.direction == "received"]
