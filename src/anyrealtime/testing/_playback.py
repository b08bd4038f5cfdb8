"""One recorded session as it is played back: what the client says, what is due to it.

No loop, no socket, no clock: frames go in with the time, frames come out with theirs. The
client's ids take the place of the recorded ones in what it is told, so that an acknowledgement
finds the call that waits for it.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from anyrealtime.events._audio_fields import Json
from anyrealtime.testing._causes import APPENDS, Cause, audio_bytes, dig, dig_text, script_of
from anyrealtime.testing._difference import difference

if TYPE_CHECKING:
    from anyrealtime.simulator import RecordedClose, RecordedFrame, RecordedSession

# What a client waits for the answer of. It is told at once that there is none.
_COMMANDS = (
    "session.update",
    "transcription_session.update",
    "input_audio_buffer.commit",
    "conversation.item.create",
    "conversation.item.retrieve",
    "response.create",
)


class Due(NamedTuple):
    """Something to do.

    Attributes:
        when: as the time that `hear` is told, not before which; -inf at full speed.
        frame: to be sent, None for the end of the connection.
    """

    when: float
    frame: bytes | None


class Playback:
    """A session under way.

    Args:
        session: what was recorded.
        strict: every frame of the client must be the recorded one, and answers keep the order
            of the recording.
        speed: how many times as fast as recorded; None is as fast as can be.
        now: the time at which the client came.

    Attributes:
        unexpected: frames of the client that were not recorded.
        mismatch: how it first differed from the recording, where `strict`; empty so far.
    """

    def __init__(
        self, session: RecordedSession, *, strict: bool, speed: float | None, now: float
    ) -> None:
        self.close: RecordedClose | None = session.close
        self.unexpected: list[bytes] = []
        self.mismatch = ""
        self._script = script_of(session)
        self._sent = [frame for frame in session.frames if frame.direction == "sent"]
        self._heard = 0  # frames of the client so far
        self._audio = 0
        self._next_audio = math.inf  # the amount at which more is due
        self._strict = strict
        self._speed = speed
        self._open = set(range(len(self._script.steps)))
        self._ids: dict[str, str] = {}
        self._metadata: dict[str, object] = {}
        self._errors = 0
        self._own: list[bytes] = []
        self._causes = [cause for _, cause in self._script.received]
        if self.close is not None and self.close.by != "client":
            self._causes.append(self._script.end)
        self._waiting = list(range(len(self._causes)))
        self._due: list[tuple[int, float]] = []  # a heap of positions and when their cause came
        self._position = 0
        self._last: tuple[float | None, float] = (None, now)  # what was sent: recorded, and when
        self._release(now)

    # What the client says

    def hear(self, frame: bytes, now: float) -> None:
        """Take a frame of the client's."""
        event = _event(frame)
        if self._strict and not self.mismatch:
            expected = self._sent[self._heard] if self._heard < len(self._sent) else None
            back = {client: recorded for recorded, client in self._ids.items()}
            self.mismatch = difference(expected, _renamed(event, back), frame, self._heard + 1)
        self._heard += 1
        kind = dig_text(event, "type") or ""
        if kind in APPENDS:
            self._audio += audio_bytes(event)
            if self._audio < self._next_audio:
                return
        else:
            step = self._match(kind, event)
            if step is None:
                self._reject(kind, event, frame)
            else:
                self._open.discard(step)
                self._audio = max(self._audio, self._script.audio_before[step])
                self._learn(step, event)
        self._release(now)

    @property
    def missing(self) -> Sequence[RecordedFrame]:
        """What the client sent when it was recorded, and has not sent now."""
        return self._sent[self._heard :]

    def _match(self, kind: str, event: Json) -> int | None:
        """The step that an event is: of those of its type that are open, the most alike."""
        about = _subject(_renamed(event, {c: r for r, c in self._ids.items()}))
        best, found = -1, None
        for step in sorted(self._open):
            recorded = self._script.steps[step]
            if recorded.type == kind:
                theirs = _subject(recorded.data or {})
                alike = sum(mine == other for mine, other in zip(about, theirs, strict=True))
                if alike > best:
                    best, found = alike, step
        return found

    def _reject(self, kind: str, event: Json, frame: bytes) -> None:
        self.unexpected.append(frame)
        if kind in _COMMANDS:
            self._errors += 1
            error: Json = {
                "type": "invalid_request_error",
                "code": "not_recorded",
                "message": f"The recording has no answer to this {kind}.",
                "param": None,
                "event_id": event.get("event_id"),
            }
            name = f"event_not_recorded_{self._errors}"
            told = {"type": "error", "event_id": name, "error": error}
            self._own.append(json.dumps(told).encode())

    def _learn(self, step: int, event: Json) -> None:
        """Remember how the client calls what the recording calls otherwise."""
        recorded = self._script.steps[step].data or {}
        made = self._script.made.get(step)
        pairs = [(dig_text(recorded, "event_id"), dig_text(event, "event_id"))]
        if recorded.get("type") == "conversation.item.create":
            name = dig_text(recorded, "item", "id")
            pairs.append((made if name is None else name, dig_text(event, "item", "id")))
        for theirs, mine in pairs:
            if theirs is not None and mine is not None and theirs != mine:
                self._ids[theirs] = mine
        metadata = dig(event, "response", "metadata")
        if made is not None and metadata and metadata != dig(recorded, "response", "metadata"):
            self._metadata[made] = metadata

    # What it is told

    def next(self) -> Due | None:
        """What is to be done next; None until the client says more."""
        if self._own:
            return Due(-math.inf, self._own.pop(0))
        if not self._due or (self._strict and self._due[0][0] != self._position):
            return None
        position, released = heapq.heappop(self._due)
        self._position += 1
        if position == len(self._script.received):
            at = None if self.close is None else self.close.at
            return Due(self._when(at, position, released), None)
        frame, _ = self._script.received[position]
        return Due(self._when(frame.at, position, released), self._told(frame))

    def _release(self, now: float) -> None:
        """Find what the client's last frame has made due."""
        due = [position for position in self._waiting if self._has_come(self._causes[position])]
        if due:
            gone = set(due)
            self._waiting = [position for position in self._waiting if position not in gone]
            for position in due:
                heapq.heappush(self._due, (position, now))
        amounts = (self._causes[position].audio_bytes for position in self._waiting)
        self._next_audio = min((n for n in amounts if n > self._audio), default=math.inf)

    def _has_come(self, cause: Cause) -> bool:
        return self._audio >= cause.audio_bytes and cause.step not in self._open

    def _when(self, at: float | None, position: int, released: float) -> float:
        """As long after what it followed as it was recorded: its cause, or the frame before it."""
        if self._speed is None or at is None:
            return -math.inf
        before, when = self._causes[position].at, released
        last, sent = self._last
        if before is None or (last is not None and last >= before):
            before, when = last, sent
        when += 0.0 if before is None else max(0.0, at - before) / self._speed
        self._last = (at, when)
        return when

    def _told(self, frame: RecordedFrame) -> bytes:
        if frame.data is None or not (self._ids or self._metadata):
            return frame.frame
        event = {**_renamed(frame.data, self._ids)}
        response = event.get("response")
        metadata = self._metadata.get(dig_text(response, "id") or "")
        if metadata is not None and isinstance(response, dict) and "metadata" in response:
            event["response"] = {**cast("Json", response), "metadata": metadata}
        return json.dumps(event).encode()


def _event(frame: bytes) -> Json:
    try:
        event: object = json.loads(frame)
    except (ValueError, RecursionError):
        return {}
    return cast("Json", event) if isinstance(event, dict) else {}


def _subject(event: Json) -> tuple[object, ...]:
    """What an event is about, to tell it from others of its type."""
    item = dig(event, "item")
    return (
        *(dig(item, name) for name in ("type", "role", "call_id", "id")),
        *(event.get(name) for name in ("item_id", "response_id")),
    )


def _renamed(event: Json, names: Mapping[str, str]) -> Json:
    return cast("Json", _with_names(event, names)) if names else event


def _with_names(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_with_names(inner, names) for inner in cast("list[object]", value)]
    if isinstance(value, dict):
        fields = cast("Json", value)
        return {name: _with_names(inner, names) for name, inner in fields.items()}
    return value
