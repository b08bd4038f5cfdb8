"""The server's side of responses, on a transport in the test's hands. Nothing here asserts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from anyrealtime import Connection
from tests._runtime.peers import FakeTransport, arrived, frame, opened


class Server:
    """What the client asked for, and ways to answer it.

    Attributes:
        echoes: whether it returns metadata.
    """

    def __init__(self, wire: FakeTransport) -> None:
        self.wire = wire
        self.echoes = True

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.wire.events]

    @property
    def creates(self) -> list[dict[str, Any]]:
        return [event for event in self.wire.events if event["type"] == "response.create"]

    @property
    def cancels(self) -> list[str | None]:
        return [
            event.get("response_id")
            for event in self.wire.events
            if event["type"] == "response.cancel"
        ]

    def created(self, response_id: str, request: int | None = None, **fields: object) -> bytes:
        """`response.created`, for the request of this number if it is one's."""
        if request is not None and self.echoes:
            fields["metadata"] = self.creates[request]["response"]["metadata"]
        told = {"id": response_id, "status": "in_progress", **fields}
        return frame("response.created", response=told)

    async def tell(self, *frames: bytes) -> None:
        """Let frames arrive in one read, and be taken in."""
        self.wire.deliver(*frames)
        await arrived()

    async def begin(self, response_id: str, request: int | None = None) -> None:
        """Begin a response."""
        await arrived()
        await self.tell(self.created(response_id, request))

    async def turn(self, response_id: str) -> None:
        """The user has spoken, and turn detection begins a response."""
        item_id = f"item_of_{response_id}"
        await arrived()
        await self.tell(
            frame("input_audio_buffer.speech_started", item_id=item_id),
            frame("input_audio_buffer.speech_stopped", item_id=item_id),
            frame("input_audio_buffer.committed", item_id=item_id),
            self.created(response_id),
        )

    async def end(self, response_id: str, status: str = "completed", **fields: object) -> None:
        """End a response."""
        await self.tell(done(response_id, status, **fields))

    async def refuse(self, request: int, code: str | None = "invalid_value", **fields: Any) -> None:
        """Answer the request of this number by an error."""
        await arrived()
        blamed = self.creates[request]["event_id"]
        detail = {"type": "invalid_request_error", "message": "No.", "code": code, **fields}
        await self.tell(frame("error", error={**detail, "event_id": blamed}))


def done(response_id: str, status: str = "completed", **fields: object) -> bytes:
    """`response.done`."""
    return frame("response.done", response={"id": response_id, "status": status, **fields})


def said(
    text: str, response_id: str = "r1", item_id: str = "i1", index: int = 0, kind: str = "text"
) -> bytes:
    """A delta; of audio, in base64."""
    return frame(
        f"response.output_{kind}.delta",
        response_id=response_id,
        item_id=item_id,
        output_index=index,
        content_index=0,
        delta=text,
    )


def has_active() -> str:
    """The code of the race with turn detection."""
    return "conversation_already_has_active_response"


@asynccontextmanager
async def talking(**options: Any) -> AsyncGenerator[tuple[Connection, Server]]:
    """An open connection and its server."""
    async with opened(**options) as (connection, wire):
        yield connection, Server(wire)
