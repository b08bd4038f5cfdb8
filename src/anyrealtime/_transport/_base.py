"""The contract every transport meets, and the one exception it raises.

No library is imported here. What a transport must do is written in the docstrings below
and tested by one suite for all of them; the runtime relies on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from anyrealtime.errors import ClosedBy

if TYPE_CHECKING:
    import ssl

ABNORMAL = 1006  # RFC 6455, 7.1.5: the connection ended without a CLOSE frame


class TransportClosed(Exception):
    """The connection is over. `code` is 1006 where the peer sent no CLOSE frame."""

    def __init__(self, code: int, reason: str, by: ClosedBy) -> None:
        super().__init__(f"{code} {reason} (by {by})")
        self.code = code
        self.reason = reason
        self.by: ClosedBy = by

    def again(self) -> TransportClosed:
        """A fresh copy to raise: one exception object must not gather many tracebacks."""
        return TransportClosed(self.code, self.reason, self.by)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """What a transport needs to know beside the endpoint. Durations in seconds.

    Attributes:
        max_message_bytes: a longer incoming message ends the connection with 1009.
        ping_interval: how long the socket may be silent before PING is sent; None never sends one.
        ping_timeout: how long after that PING any byte must have arrived; None never gives up.
        close_timeout: how long `aclose` waits for the peer.
        ssl_context: for wss; None makes a default one.
        proxy: a URL (http, https, socks5, socks5h, socks4, socks4a); None asks the environment, False dials directly.
    """

    max_message_bytes: int = 64 * 2**20
    ping_interval: float | None = 20.0
    ping_timeout: float | None = 20.0
    close_timeout: float = 1.0
    ssl_context: ssl.SSLContext | None = None
    proxy: str | Literal[False] | None = field(default=None, repr=False)  # may hold a password


@runtime_checkable
class Transport(Protocol):
    """A WebSocket connection that is open, as the runtime sees it.

    A transport is opened with a task group that outlives it and starts its tasks there,
    never in a group of its own. They end through `aclose` or `abort`, one of which the owner
    must call. Exactly one task calls `receive`, one calls `send`; `aclose` and `abort` may come
    from anywhere.
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
