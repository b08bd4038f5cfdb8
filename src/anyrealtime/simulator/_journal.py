"""What a connection remembers of its messages, and tells whoever watches. No rule, no socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import anyio

from anyrealtime.events import ClientEvent, decode_client
from anyrealtime.simulator._watch import Notice, Watch


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of a connection's record.

    Attributes:
        at: seconds since the upgrade.
        direction: as the client sees it, as in recordings.
        data: the message as it was on the wire.
    """

    at: float
    direction: Literal["sent", "received"]
    data: bytes


class Journal:
    """The messages of one connection, in order; see `SimulatedConnection` and `Notice`."""

    def __init__(self, client: int, *, record: bool, watch: Watch | None) -> None:
        self.received_frames: list[bytes] = []
        self.sent_frames: list[bytes] = []
        self.frames: list[Frame] = []
        self._client = client
        self._record = record
        self._watch = watch
        self._began_at = 0.0
        self._decoded: list[ClientEvent] = []

    @property
    def received(self) -> list[ClientEvent]:
        """What the client sent, decoded; each message once."""
        done = len(self._decoded)
        self._decoded += (decode_client(frame) for frame in self.received_frames[done:])
        return list(self._decoded)

    def begin(self, path: str) -> None:
        """Note that the client has come in; the seconds of the frames count from now."""
        self._began_at = anyio.current_time()
        self.tell("arrived", path)

    def end(self, code: int | None, reason: str) -> None:
        """Note that the client has left, and with which CLOSE."""
        self.tell("left", "without CLOSE" if code is None else f"{code} {reason}".strip())

    def heard(self, message: bytes) -> None:
        """Note what the client sent."""
        if self._record:
            self.received_frames.append(message)
            self._note("sent", message)
        if self._watch is not None:
            self._watch(Notice("heard", self._client, message=message))

    def said(self, message: bytes) -> None:
        """Note what the client was sent."""
        if self._record:
            self.sent_frames.append(message)
            self._note("received", message)
        if self._watch is not None:
            self._watch(Notice("said", self._client, message=message))

    def tell(self, what: Literal["arrived", "refused", "fault", "left"], text: str) -> None:
        """Tell whoever watches something that is no message."""
        if self._watch is not None:
            self._watch(Notice(what, self._client, text))

    def _note(self, direction: Literal["sent", "received"], data: bytes) -> None:
        self.frames.append(Frame(anyio.current_time() - self._began_at, direction, data))
