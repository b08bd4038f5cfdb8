"""What can be done to the wire, in the order in which it is to be done. Declarations only.

`_plan` says it, `_connection` hands it on, `_websocket` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Say:
    """Send a text message, in frames of at most `size_bytes` where that is given."""

    data: bytes
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Scribble:
    """Send these bytes as they are, whatever WebSocket has to say about them."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Say CLOSE."""

    code: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Throttle:
    """Send no faster than this from now on."""

    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """Neither read nor write any more, and leave the socket open."""


@dataclass(frozen=True, slots=True)
class Sever:
    """End the stream without CLOSE: with FIN, or with RST."""

    reset: bool


Step: TypeAlias = Say | Scribble | Goodbye | Pause | Throttle | Freeze | Sever
