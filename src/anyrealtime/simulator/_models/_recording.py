"""Reads recordings: JSON lines, a frame of either direction a line, as the client saw them.

What `anyrealtime.testing.record_to` writes and others write in much the same form. A line is
`{"kind": "message", "direction": "sent" | "received", "at": seconds, "data": event}`; `kind`
and `at` may be missing, `t_ms` stands for `at`, `text` or `base64` stands for `data` where a
frame was no JSON. No loop, no socket, no clock; who plays a recording back is not known here.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

import msgspec

from anyrealtime.events._audio_fields import Json, audio_fields, elided_bytes

Direction: TypeAlias = Literal["sent", "received"]

_SILENCE: Final = {
    "audio/pcmu": b"\xff",
    "audio/pcma": b"\xd5",
    "g711_ulaw": b"\xff",
    "g711_alaw": b"\xd5",
}


class RecordingError(ValueError):
    """A file is no recording. The message names the file and the line."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame of a recording.

    Attributes:
        direction: as the client saw it.
        at: seconds since the recording began, None where no times were recorded.
        data: the event, with silence of the same length where audio was left out; None where
            the frame was no JSON object.
        written: the event as the file has it: the same, but for audio that was left out.
        frame: the bytes of the frame, or, where it was JSON, what says the same.
    """

    direction: Direction
    at: float | None
    data: Json | None
    written: Json | None
    frame: bytes = field(repr=False)

    @property
    def type(self) -> str:
        """The event's type, empty where there is none."""
        kind = None if self.data is None else self.data.get("type")
        return kind if isinstance(kind, str) else ""


@dataclass(frozen=True, slots=True)
class RecordedClose:
    """How a connection ended: by "client", "server" or "network"; the code of CLOSE, or 1006."""

    at: float | None
    code: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """One connection of a recording.

    Attributes:
        frames: in the order in which the client sent and received them.
        close: how it ended, None where that was not recorded.
    """

    frames: tuple[RecordedFrame, ...]
    close: RecordedClose | None = None


def read_recording(path: str | PathLike[str]) -> tuple[RecordedSession, ...]:
    """Read every connection that was recorded into a file, in the order of their opening.

    A last line that was cut off by a crash is left out.

    Raises:
        OSError: the file cannot be read.
        RecordingError: it is no recording, or one without a frame.
    """
    lines = Path(path).read_bytes().split(b"\n")
    sessions: dict[int, _Reading] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _take(_parse(line), sessions)
        except (ValueError, RecursionError) as exc:
            if number < len(lines):  # whatever follows the last line break was cut off
                raise RecordingError(f"{path}, line {number}: {exc}") from exc
    if not any(session.frames for session in sessions.values()):
        raise RecordingError(f"{path}: there is no frame in it")
    return tuple(
        RecordedSession(tuple(reading.frames), reading.close) for reading in sessions.values()
    )


class _Line(msgspec.Struct):
    """A line as it is written; what else is in it is nobody's business."""

    kind: str = "message"
    connection: int = 1
    direction: Direction | None = None
    at: float | None = None
    t_ms: float | None = None
    data: object = msgspec.UNSET
    text: str | None = None
    base64: bytes | None = None
    code: int = 1005
    reason: str = ""
    by: str = "server"

    @property
    def seconds(self) -> float | None:
        return self.t_ms / 1000 if self.at is None and self.t_ms is not None else self.at


@dataclass(slots=True)
class _Reading:
    """A connection as far as it was read, and what silence is in it, by direction."""

    frames: list[RecordedFrame] = field(default_factory=list[RecordedFrame])
    close: RecordedClose | None = None
    silence: dict[Direction, bytes] = field(default_factory=dict[Direction, bytes])


def _parse(line: bytes) -> _Line:
    # By a parser that forgives half characters and NaN: servers are recorded as they are.
    return msgspec.convert(json.loads(line), _Line)


def _take(line: _Line, sessions: dict[int, _Reading]) -> None:
    if line.kind not in {"message", "opened", "closed"}:
        return
    session = sessions.setdefault(line.connection, _Reading())
    if line.kind == "closed":
        session.close = RecordedClose(line.seconds, line.code, line.reason, line.by)
    elif line.kind == "message":
        if line.direction is None:
            raise ValueError('"direction" is missing: "sent" or "received"')
        session.frames.append(_frame(line, line.direction, session))


def _frame(line: _Line, direction: Direction, session: _Reading) -> RecordedFrame:
    if line.text is not None or line.base64 is not None:
        raw = line.text.encode() if line.text is not None else line.base64 or b""
        return RecordedFrame(direction, line.seconds, None, None, raw)
    if line.data is msgspec.UNSET:
        raise ValueError('"data" is missing')
    given = line.data
    if not isinstance(given, dict):
        return RecordedFrame(direction, line.seconds, None, None, json.dumps(given).encode())
    written = cast("Json", given)
    _learn_silence(written, session.silence)
    data = _whole(written, session.silence.get(direction, b"\0"))
    return RecordedFrame(direction, line.seconds, data, written, json.dumps(data).encode())


def _whole(event: Json, silence: bytes) -> Json:
    """The event with silence in the place of what was left out."""
    if not any(elided_bytes(part[key]) is not None for part, key in audio_fields(event)):
        return event
    whole: Json = json.loads(json.dumps(event))
    for part, key in list(audio_fields(whole)):
        if (n_bytes := elided_bytes(part[key])) is not None:
            part[key] = b64encode(silence * n_bytes).decode()
    return whole


def _learn_silence(event: Json, silence: dict[Direction, bytes]) -> None:
    """Remember what format the session speaks: zeros are loud in G.711."""
    sides: tuple[tuple[Direction, str], ...] = (("sent", "input"), ("received", "output"))
    for direction, side in sides:
        name = _dig(event, "session", "audio", side, "format", "type")
        name = name or _dig(event, "session", f"{side}_audio_format")
        if isinstance(name, str):
            silence[direction] = _SILENCE.get(name, b"\0")


def _dig(value: object, *names: str) -> object:
    """What is in an object under a path of names, None where the path ends early."""
    for name in names:
        value = cast("Json", value).get(name) if isinstance(value, dict) else None
    return value
