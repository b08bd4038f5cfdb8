"""Events of responses, and followers that write down what they are told. Nothing asserts here."""

from __future__ import annotations

import json
from typing import Any

from anyrealtime._protocol._responses import ResponseTracker
from anyrealtime._protocol._run import Phase, Run
from anyrealtime.events import (
    AnySession,
    ErrorEvent,
    ResponseOutputTextDelta,
    ServerEvent,
    decode_server,
)


def event(type_: str, /, **fields: object) -> ServerEvent:
    """A server event, by way of the wire."""
    return decode_server(json.dumps({"type": type_, **fields}))


def created(
    response_id: str | None = "r1", tag: str | None = None, /, **fields: object
) -> ServerEvent:
    """`response.created`; with a tag, from a server that echoes metadata."""
    return event("response.created", response=_response(response_id, tag, fields))


def done(
    response_id: str | None = "r1",
    status: str = "completed",
    /,
    tag: str | None = None,
    **fields: object,
) -> ServerEvent:
    """`response.done`."""
    told = _response(response_id, tag, {"status": status, **fields})
    return event("response.done", response=told)


def _response(
    response_id: str | None, tag: str | None, fields: dict[str, object]
) -> dict[str, object]:
    metadata = {"metadata": {"anyrealtime": tag}} if tag is not None else {}
    return {"id": response_id, "status": "in_progress", **metadata, **fields}


def delta(
    text: str = "x", response_id: str | None = "r1", item_id: str | None = "i1", index: int = 0
) -> ServerEvent:
    """`response.output_text.delta`."""
    return event(
        "response.output_text.delta",
        response_id=response_id,
        item_id=item_id,
        output_index=index,
        content_index=0,
        delta=text,
    )


def refusal(event_id: str | None, code: str = "invalid_value") -> ErrorEvent:
    """An `error` that blames `event_id`."""
    refused = event("error", error={"code": code, "message": "No.", "event_id": event_id})
    assert isinstance(refused, ErrorEvent)
    return refused


class Log:
    """A follower that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self.batches = 0
        self.phases: list[Phase] = []
        self.run: Run | None = None

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def deltas(self) -> list[str]:
        return [told.delta for told in self.events if isinstance(told, ResponseOutputTextDelta)]

    def follow(self, run: Run) -> None:
        self.run = run

    def on_event(self, event: ServerEvent, size: int) -> None:
        self.events.append(event)

    def on_batch_end(self) -> None:
        self.batches += 1

    def on_phase(self) -> None:
        if self.run is not None:
            self.phases.append(self.run.phase)


class Wire:
    """A tracker, and the connection it thinks it has.

    Attributes:
        cancels: the ids of the responses that were cancelled.
        strangers: the responses nobody asked for.
    """

    def __init__(self) -> None:
        self.tracker = ResponseTracker()
        self.tracker.host = self
        self.cancels: list[str] = []
        self.strangers: list[Run] = []
        self.changes = 0
        self.wants_uninvited = False
        self.session: AnySession | None = None

    def uninvited(self, run: Run) -> None:
        self.strangers.append(run)

    def send_cancel(self, response_id: str) -> str:
        self.cancels.append(response_id)
        return f"cancel_{response_id}"

    def changed(self) -> None:
        self.changes += 1

    def expect(self, tag: str = "t1", *, writes: bool = True, **options: Any) -> tuple[Run, Log]:
        log = Log()
        log.run = self.tracker.expect(tag, f"create_{tag}", log, writes=writes, **options)
        return log.run, log

    def tell(self, *events: ServerEvent) -> None:
        for told in events:
            if isinstance(told, ErrorEvent):
                self.tracker.refused(told)
            else:
                self.tracker.apply(told, 10)
        self.tracker.batch_ended()
