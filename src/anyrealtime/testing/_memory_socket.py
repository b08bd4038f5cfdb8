"""The simulator's end of a connection in memory: what `_memory` joins, as `simulator` wants it.

No WebSocket frames: a goodbye is over the moment it is said, and nothing is ever half-open.
"""

from __future__ import annotations

from collections.abc import Sequence

from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import ABNORMAL, TransportClosed
from anyrealtime.simulator._socket import Look, SocketMessage
from anyrealtime.testing._memory import Link


class MemorySocket:
    """Meets `anyrealtime.simulator.Socket`."""

    def __init__(self, link: Link, target: str, headers: Sequence[tuple[str, str]]) -> None:
        self._link = link
        self._target = target
        self._headers = headers

    @property
    def is_open(self) -> bool:
        """Whether nobody has ended it."""
        return self._link.ending is None

    @property
    def close_code(self) -> int | None:
        """What it was ended with, by either side: the other one agrees at once."""
        code = ABNORMAL if self._link.ending is None else self._link.ending[0]
        return None if code == ABNORMAL else code

    @property
    def close_reason(self) -> str:
        """What goes with the code."""
        return "" if self._link.ending is None else self._link.ending[1]

    async def handshake(self, look: Look, /) -> bool:
        """Show the request; who is refused finds the connection ended, with the reason."""
        await checkpoint()
        refused = look(self._target, self._headers)
        if refused is not None:
            self._link.end(ABNORMAL, refused, "server")
        return self.is_open

    async def receive(self) -> list[SocketMessage] | None:
        """Wait for messages; None when there will be no more. Cancelling loses nothing."""
        lane = self._link.to_server
        try:
            await self._link.wait_for_messages(lane)
        except TransportClosed:
            return None
        return [SocketMessage(message, is_text=True) for message in lane.take_all()]

    def send_text(self, data: bytes) -> None:
        """Hand a message over; nothing happens once it is ended."""
        if self.is_open:
            self._link.to_client.add([data])

    def close(self, code: int, reason: str) -> None:
        """End the connection; the client can still read what was sent."""
        self._link.end(code, reason, "server")

    async def drain(self, limit_bytes: int) -> None:
        """Wait until the client has at most `limit_bytes` unread. Cancelling changes nothing."""
        lane = self._link.to_client
        while lane.unread_bytes > limit_bytes and self.is_open:
            await lane.wait()

    async def write(self) -> None:
        """Return: what is sent has arrived."""
        await checkpoint()

    async def aclose(self) -> None:
        """Drop the connection."""
        self._link.end(ABNORMAL, "", "network")
        await checkpoint()
