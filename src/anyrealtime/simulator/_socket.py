"""What a simulated connection asks of whatever carries its messages. Declarations only.

`_websocket` meets it over a byte stream; `anyrealtime.testing` meets it in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from anyrealtime.simulator._faults._steps import Step


@dataclass(frozen=True, slots=True)
class SocketMessage:
    """A whole message, however many fragments it came in."""

    data: bytes
    is_text: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """An HTTP response that is no upgrade."""

    status: int
    body: str
    headers: Sequence[tuple[str, str]] = ()


Look: TypeAlias = Callable[[str, Sequence[tuple[str, str]]], Refused | None]
"""Is told the target and the headers of a request; returns how it is refused, or None."""


class Socket(Protocol):
    """The server's end of one connection. One task calls `receive`, one `write`."""

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent: upgraded, and nobody has said CLOSE."""
        ...

    @property
    def close_code(self) -> int | None:
        """The code of the peer's CLOSE frame, None before and without one."""
        ...

    @property
    def close_reason(self) -> str:
        """The reason of the peer's CLOSE frame."""
        ...

    async def handshake(self, look: Look, /) -> bool:
        """Answer the upgrade request; False if there was none or it was turned down.

        Runs before everything else. Cancelling leaves the request unanswered.
        """
        ...

    async def receive(self) -> list[SocketMessage] | None:
        """Wait for messages; None when there will be no more. Cancelling loses nothing."""
        ...

    def do(self, step: Step) -> None:
        """Queue a step behind what is queued; nothing happens once the connection is over."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Queue a CLOSE frame behind what is queued; the peer's is still waited for."""
        ...

    async def drain(self, limit_bytes: int) -> None:
        """Wait until at most `limit_bytes` are queued. Cancelling leaves the queue as it is."""
        ...

    async def catch_up(self) -> None:
        """Wait while a step that takes time holds back what is queued, and not otherwise."""
        ...

    async def write(self) -> None:
        """Send what is queued, for as long as the connection lasts."""
        ...

    async def aclose(self) -> None:
        """Drop the connection without a word, whatever its state. Waits for nobody."""
        ...
