"""What each step must leave behind: on the wire, and in what the client showed its user."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from anyrealtime.simulator import Frame
from interop.roster import Step

Report: TypeAlias = dict[str, Any]
Wire: TypeAlias = Sequence[tuple[str, dict[str, Any]]]
"""Direction, as the client sees it, and event, in order."""

GREETING: Final = "Hello there! It is good to hear from you."
ANSWER: Final = "get_weather answered: 21 degrees"
LONG: Final = "A conversation over a wire is a stream of small promises."
HEARD: Final = "I heard "
REFUSED: Final = {
    "type": "invalid_request_error",
    "code": "item_delete_invalid_item_id",
    "message": "Error: cannot delete the item with id 'item_nobody', it does not exist.",
    "param": "item_id",
}


def wire_of(frames: Sequence[Frame]) -> Wire:
    """The events of a connection's record."""
    return [(frame.direction, json.loads(frame.data)) for frame in frames]


def judge(step: Step, wire: Wire, report: Report) -> None:
    """Raise AssertionError where a step did not go as it should."""
    errors = [event["error"] for event in received(wire, "error")]
    assert [error["code"] for error in errors] == ([REFUSED["code"]] if step == "error" else [])
    assert report.get("invalid", []) == []
    _JUDGES[step](wire, report)


def received(wire: Wire, kind: str) -> list[dict[str, Any]]:
    """What the client was sent of that type, beta's names being GA's without `output_`."""
    return [
        event
        for direction, event in wire
        if direction == "received" and event["type"].replace("output_", "") == kind
    ]


def sent(wire: Wire, kind: str) -> list[dict[str, Any]]:
    """What the client sent of that type."""
    return [event for direction, event in wire if direction == "sent" and event["type"] == kind]


def endings(wire: Wire) -> list[tuple[str, str | None]]:
    """Status and reason of every response that ended."""
    found: list[tuple[str, str | None]] = []
    for event in received(wire, "response.done"):
        details: dict[str, Any] = event["response"]["status_details"] or {}
        found.append((event["response"]["status"], details.get("reason")))
    return found


COMPLETED: Final = ("completed", None)


def _text(wire: Wire, report: Report) -> None:
    assert endings(wire) == [COMPLETED]
    assert report["text"] == GREETING


def _function(wire: Wire, report: Report) -> None:
    assert endings(wire) == [COMPLETED, COMPLETED]
    assert [(name, _object(given)) for name, given in report["calls"]] == [
        ("get_weather", {"city": "Paris"})
    ]
    # Some send what a function returns as JSON, a text in quotes then.
    assert report["text"].replace('"', "") == ANSWER


def _object(given: str | Mapping[str, object]) -> object:
    return json.loads(given) if isinstance(given, str) else given


def _error(wire: Wire, report: Report) -> None:
    (asked,) = sent(wire, "conversation.item.delete")
    (refused,) = received(wire, "error")
    assert refused["error"] == REFUSED | {"event_id": asked.get("event_id")}
    shown = report["error"]
    # Some show the details, some no more than a sentence made of them.
    for name in REFUSED.keys() & shown.keys() - {"message"}:
        assert shown[name] == REFUSED[name]
    assert REFUSED["message"] in shown["message"]


def _cancel(wire: Wire, report: Report) -> None:
    assert endings(wire) == [("cancelled", "client_cancelled"), COMPLETED]
    assert report.get("cancelled", True)
    assert report["said"]
    assert LONG.startswith(report["said"][: len(LONG)])
    assert report["text"] == GREETING


def _vad(wire: Wire, report: Report) -> None:
    assert endings(wire) == [COMPLETED]
    assert _turn_events(wire) == _TURN
    assert sent(wire, "input_audio_buffer.commit") == sent(wire, "response.create") == []
    assert report["text"].startswith(HEARD)
    assert report["audio_bytes"] > 0


def _interruption(wire: Wire, report: Report) -> None:
    assert endings(wire) == [("cancelled", "turn_detected"), COMPLETED]
    assert _turn_events(wire) == _TURN * 2
    assert sent(wire, "response.cancel") == sent(wire, "response.create") == []
    assert report["interrupted"]
    assert report["audio_bytes"] > 0


_TURN: Final = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "response.created",
]


def _turn_events(wire: Wire) -> list[str]:
    kinds = [event["type"] for direction, event in wire if direction == "received"]
    return [kind for kind in kinds if kind in _TURN]


_JUDGES: Final[Mapping[Step, Callable[[Wire, Report], None]]] = {
    "text": _text,
    "function": _function,
    "error": _error,
    "cancel": _cancel,
    "vad": _vad,
    "interruption": _interruption,
}
