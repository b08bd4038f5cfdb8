"""The contract every transport meets, and the one exception it raises.

No library is imported here. What a transport must do is written in the docstrings below
and tested by one suite for all of them; the runtime relies on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from anyrealtime.errors import ClosedBy

ABNORMAL = 1006  # RFC 6455, 7.1.5: the connection ended without a CLOSE frame


class TransportClosed(Exception):  # noqa: N818 - it says that something ended, not that it is wrong
    """The connection is over. `code` is 1006 where the peer sent no CLOSE frame."""

    def __init__(self, code: int, reason: str, by: ClosedBy) -> None:
        super().__init__(f"{code} {reason} (by {by})")
        self.code = code
        self.reason = reason
        self.by: ClosedBy = by


@runtime_checkable
class Transport(Protocol):
    """A WebSocket connection that is open, as the runtime sees it.

    A transport is opened with a task group that outlives it and starts its tasks there,
    never in a group of its own. Exactly one task calls `receive`, one calls `send`;
    `aclose` and `abort` may come from anywhere.
    """

    @property
    def raw(self) -> object:
        """The library's own connection object."""
        ...

    async def receive(self) -> list[bytes]:
        """Wait for messages and return all that have arrived, at least one, in order.

        Text and binary messages alike, as bytes. PING is answered in here, whatever the
        backlog. Cancelling loses no message.

        Raises:
            TransportClosed: the connection is over, and every message was returned before.
        """
        ...

    async def send(self, frames: Sequence[bytes]) -> None:
        """Send each of `frames` as one text message, in order.

        Returns when they are handed over, which waits while the peer does not read.
        Cancelling leaves all of them sent or none.

        Raises:
            TransportClosed: the connection is over; nothing of `frames` was sent.
        """
        ...

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Send what is queued, then CLOSE, wait for the peer's for the close timeout, then abort.

        Never raises for a slow or silent peer; a second call returns at once or waits with
        the first. Under cancellation it aborts.
        """
        ...

    def abort(self) -> None:
        """Drop the connection now, without a word to the peer. Wakes whoever waits on it."""
        ...
