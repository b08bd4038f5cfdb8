"""Who else sees the frames: the protocol of a tap, and the transport that tells it.

A connection without a tap has nothing of this in its way. Knows text, not events; what a tap
makes of the frames is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anyrealtime._transport._base import ABNORMAL, Transport, TransportClosed
from anyrealtime._transport._endpoint import Endpoint, masked_url, secrets_of
from anyrealtime.errors import ClosedBy


class ConnectionTap(Protocol):
    """Is shown the frames of one connection, in the order in which they cross.

    Its methods are called in the tasks that read and write: they must not wait, and what one
    of them raises ends the connection as an InternalError.
    """

    def sent(self, frames: Sequence[bytes]) -> None:
        """The client sends `frames`; told just before, so that no answer precedes its question.

        Those of the last call may not have left, if the connection ended in it.
        """
        ...

    def received(self, frames: Sequence[bytes]) -> None:
        """`frames` have come; told before anything is made of them."""
        ...

    def closed(self, code: int, reason: str, by: ClosedBy) -> None:
        """The connection is over; told once. The code is that of CLOSE, 1006 without one."""
        ...


class Tap(Protocol):
    """What `open_realtime(tap=...)` takes: is told of each connection that is opened with it."""

    def opened(self, url: str, secrets: Sequence[str]) -> ConnectionTap:
        """A connection is open and nothing has crossed it; what is returned sees what will.

        Args:
            url: where to, with secrets masked; empty for a transport that was handed in.
            secrets: what must not be written anywhere: the key, and headers that may hold one.
        """
        ...


class TappedTransport:
    """A transport whose frames a tap is shown."""

    def __init__(self, transport: Transport, tap: Tap, endpoint: Endpoint | None) -> None:
        self._transport = transport
        url, secrets = ("", ()) if endpoint is None else _describe(endpoint)
        self._tap = tap.opened(url, secrets)
        self._is_over = False

    @property
    def raw(self) -> object:
        """The connection object of the library underneath."""
        return self._transport.raw

    async def receive(self) -> list[bytes]:
        """Wait for messages and return all that have arrived. Cancelling loses none.

        Raises:
            TransportClosed: the connection is over, and every message was returned before.
        """
        try:
            frames = await self._transport.receive()
        except TransportClosed as exc:
            self._over(exc.code, exc.reason, exc.by)
            raise
        self._tap.received(frames)
        return frames

    async def send(self, frames: Sequence[bytes]) -> None:
        """Send each of `frames`. Cancelling leaves all of them sent or none.

        Raises:
            TransportClosed: the connection is over; nothing of `frames` was sent.
        """
        if not self._is_over:
            self._tap.sent(frames)
        await self._transport.send(frames)

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Send what is queued, then CLOSE, and wait for the peer's. Under cancellation it aborts."""
        try:
            await self._transport.aclose(code, reason)
        finally:
            self._over(code, reason, "client")

    def abort(self) -> None:
        """Drop the connection now, without a word to the peer."""
        self._transport.abort()
        self._over(ABNORMAL, "", "client")

    def _over(self, code: int, reason: str, by: ClosedBy) -> None:
        if not self._is_over:
            self._is_over = True
            self._tap.closed(code, reason, by)


def _describe(endpoint: Endpoint) -> tuple[str, tuple[str, ...]]:
    return masked_url(endpoint.url), tuple(filter(None, secrets_of(endpoint)))
