"""What each frame of a recording waits for in a replay: the client's frame that it answers.

A recording says what came after what, not because of what. A client that replays it may wait
for an acknowledgement before it goes on where the recorded one did not, so order alone would
have both sides wait for each other. Read from the events as JSON: recordings hold what no
class could read. Pure; nothing here is played.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from anyrealtime.events._audio_fields import Json

if TYPE_CHECKING:
    from anyrealtime.simulator import RecordedFrame, RecordedSession

APPENDS: Final = ("input_audio_buffer.append", "session.input_audio_buffer.append")

_UNASKED: Final = ("session.created", "conversation.created", "transcription_session.created")
_HEARD: Final = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
)
# Answered in the order of asking, and nothing else in the answer says which was asked.
_IN_ORDER: Final = {
    "session.updated": "session.update",
    "transcription_session.updated": "transcription_session.update",
    "session.closed": "session.close",
    "input_audio_buffer.cleared": "input_audio_buffer.clear",
    "output_audio_buffer.cleared": "output_audio_buffer.clear",
}
_BY_ITEM: Final = {
    "conversation.item.retrieved": "conversation.item.retrieve",
    "conversation.item.truncated": "conversation.item.truncate",
    "conversation.item.deleted": "conversation.item.delete",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What must have come from the client.

    Attributes:
        step: one of its frames, by its index in `Script.steps`; None waits for none.
        audio_bytes: how much it must have appended to the input buffer.
        at: when that was, in the recording's seconds.
    """

    step: int | None = None
    audio_bytes: int = 0
    at: float | None = None


@dataclass(slots=True)
class Script:
    """A recorded session, as a replay goes through it.

    Attributes:
        steps: what the client sent, appended audio apart.
        audio_before: how much audio it had appended before each of them.
        received: what it received, and what that waits for.
        made: the id of the item or the response that a step made, by the step's index.
        end: what the end of the connection waits for.
    """

    steps: list[RecordedFrame] = field(default_factory=list["RecordedFrame"])
    audio_before: list[int] = field(default_factory=list[int])
    received: list[tuple[RecordedFrame, Cause]] = field(
        default_factory=list[tuple["RecordedFrame", Cause]]
    )
    made: dict[int, str] = field(default_factory=dict[int, str])
    end: Cause = field(default_factory=Cause)


def script_of(session: RecordedSession) -> Script:
    """Find out what waits for what."""
    return _Reader(session).read()


def audio_bytes(event: Json) -> int:
    """How much audio an event appends; what cannot be decoded counts by its length."""
    text = event.get("audio")
    if not isinstance(text, str):
        return 0
    try:
        return len(b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return len(text)


def dig(value: object, *names: str) -> object:
    """What is in an object under a path of names, None where the path ends early."""
    for name in names:
        value = cast("Json", value).get(name) if isinstance(value, dict) else None
    return value


def dig_text(value: object, *names: str) -> str | None:
    """The same, None for what is no text."""
    found = dig(value, *names)
    return found if isinstance(found, str) else None


class _Reader:
    """Goes through a session once and keeps what later frames may refer to."""

    def __init__(self, session: RecordedSession) -> None:
        self._session = session
        self._script = Script()
        self._audio = 0
        self._audio_at: float | None = None
        self._unanswered: defaultdict[str, list[_Question]] = defaultdict(list)
        self._by_event_id: dict[str, Cause] = {}
        self._items: dict[str, Cause] = {}
        self._responses: dict[str, Cause] = {}
        self._last = Cause()
        self._response_of_item: dict[str, str] = {}
        self._interrupted: set[str] = set()  # responses that end because somebody speaks
        for frame in session.frames:
            if frame.direction == "received" and frame.data is not None:
                self._look_ahead(frame.data)

    def read(self) -> Script:
        """Go through it."""
        for frame in self._session.frames:
            if frame.direction == "sent":
                self._send(frame, frame.data or {})
            else:
                self._last = self._cause(frame.type, frame.data or {})
                self._script.received.append((frame, self._last))
        self._script.end = self._all_so_far()
        return self._script

    def _look_ahead(self, event: Json) -> None:
        response_id = _response_id(event)
        item_id = dig_text(event, "item", "id")
        if response_id is not None and item_id is not None:
            self._response_of_item[item_id] = response_id
        if dig(event, "response", "status_details", "reason") == "turn_detected":
            self._interrupted.add(response_id or "")

    # What the client sent

    def _send(self, frame: RecordedFrame, event: Json) -> None:
        if frame.type in APPENDS:
            self._audio += audio_bytes(event)
            self._audio_at = frame.at
            return
        cause = Cause(len(self._script.steps), at=frame.at)
        self._script.steps.append(frame)
        self._script.audio_before.append(self._audio)
        self._unanswered[frame.type].append(_Question(_named(frame.type, event), cause))
        if (event_id := dig_text(event, "event_id")) is not None:
            self._by_event_id[event_id] = cause
        if frame.type == "response.cancel":
            # What comes of a response after that need not have come without.
            named = dig_text(event, "response_id")
            for response_id in list(self._responses) if named is None else [named]:
                self._responses[response_id] = cause

    # What it received

    def _cause(self, kind: str, event: Json) -> Cause:
        if kind in _UNASKED:
            return Cause()
        if kind == "rate_limits.updated":
            return self._last
        if kind == "error":
            blamed = dig_text(event, "error", "event_id") or ""
            return self._by_event_id.get(blamed) or self._all_so_far()
        if kind in _HEARD:
            return self._heard(event)
        if kind == "input_audio_buffer.committed":
            by_client = self._answer_to("input_audio_buffer.commit")
            cause = self._items[dig_text(event, "item_id") or ""] = (
                by_client or self._audio_so_far()
            )
            return cause
        if kind in _IN_ORDER:
            return self._answer_to(_IN_ORDER[kind]) or self._all_so_far()
        response_id = _response_id(event)
        if response_id is not None:
            return self._of_response(response_id, event)
        item_id = dig_text(event, "item_id") or dig_text(event, "item", "id")
        if kind in _BY_ITEM:
            return self._answer_to(_BY_ITEM[kind], item_id) or self._all_so_far()
        return self._all_so_far() if item_id is None else self._of_item(item_id, event)

    def _heard(self, event: Json) -> Cause:
        cause = self._audio_so_far()
        self._items[dig_text(event, "item_id") or ""] = cause
        for response_id in self._interrupted & self._responses.keys():
            self._responses[response_id] = cause
        return cause

    def _of_response(self, response_id: str, event: Json) -> Cause:
        """What made a response: the request its metadata names, else the oldest one, else speech."""
        if response_id not in self._responses:
            asked = "response.create"
            name = _metadata_name(dig(event, "response", "metadata"))
            cause = self._answer_to(asked, name) or self._answer_to(asked, any_name=True)
            if cause is not None and cause.step is not None:
                self._script.made[cause.step] = response_id
            self._responses[response_id] = cause or self._audio_so_far()
        return self._responses[response_id]

    def _of_item(self, item_id: str, event: Json) -> Cause:
        response_id = self._response_of_item.get(item_id)
        if response_id is not None:
            return self._of_response(response_id, event)
        if item_id not in self._items:
            asked = "conversation.item.create"
            cause = self._answer_to(asked, item_id)
            if cause is None and (cause := self._answer_to(asked)) is not None:
                self._script.made[cause.step or 0] = item_id
            # Some servers have ids of their own, whatever the client chose.
            cause = cause or self._answer_to(asked, any_name=True)
            self._items[item_id] = cause or self._all_so_far()
        return self._items[item_id]

    def _answer_to(
        self, kind: str, name: str | None = None, *, any_name: bool = False
    ) -> Cause | None:
        """The oldest question of that kind and name, which is answered now."""
        for index, question in enumerate(waiting := self._unanswered[kind]):
            if any_name or question.name == name:
                return waiting.pop(index).cause
        return None

    def _audio_so_far(self) -> Cause:
        if not self._audio:  # it went another way, as WebRTC's does
            return self._all_so_far()
        return Cause(audio_bytes=self._audio, at=self._audio_at)

    def _all_so_far(self) -> Cause:
        steps = self._script.steps
        times = [self._audio_at, steps[-1].at if steps else None]
        known = [at for at in times if at is not None]
        return Cause(len(steps) - 1 if steps else None, self._audio, max(known, default=None))


class _Question(NamedTuple):
    """A step that waits for its answer, and by what the answer will name it."""

    name: str | None
    cause: Cause


def _named(kind: str, event: Json) -> str | None:
    if kind == "conversation.item.create":
        return dig_text(event, "item", "id")
    if kind == "response.create":
        return _metadata_name(dig(event, "response", "metadata"))
    return dig_text(event, "item_id")


def _metadata_name(metadata: object) -> str | None:
    return json.dumps(metadata, sort_keys=True) if metadata else None


def _response_id(event: Json) -> str | None:
    return dig_text(event, "response_id") or dig_text(event, "response", "id")
