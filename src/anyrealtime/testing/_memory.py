"""A transport without sockets, and the server's end of it.

Messages cross between two tasks of one event loop: no WebSocket frames, no handshake, no
clock, no background task. The client's end meets the contract in `_transport/_base.py` and
runs through the same tests as the transports that have sockets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import ABNORMAL, TransportClosed
from anyrealtime.errors import ClosedBy


def memory_transport_pair(*, max_messages: int = 256) -> tuple[MemoryTransport, MemoryPeer]:
    """Make the two ends of a connection that is open already.

    Args:
        max_messages: how many unread messages each direction holds before sending waits.
    """
    if max_messages < 1:
        raise ValueError(f"max_messages must be positive, not {max_messages}")
    link = Link(max_messages)
    return MemoryTransport(link), MemoryPeer(link)


class Lane:
    """One direction: messages nobody has taken yet."""

    def __init__(self, max_messages: int) -> None:
        self.messages: deque[bytes] = deque()
        self.unread_bytes: int = 0
        self._max_messages = max_messages
        self._changed = anyio.Event()

    @property
    def full(self) -> bool:
        return len(self.messages) >= self._max_messages

    def add(self, messages: Sequence[bytes]) -> None:
        self.messages.extend(messages)
        self.unread_bytes += sum(map(len, messages))
        self.wake()

    def take(self) -> bytes:
        message = self.messages.popleft()
        self.unread_bytes -= len(message)
        self.wake()
        return message

    def take_all(self) -> list[bytes]:
        messages = list(self.messages)
        self.messages.clear()
        self.unread_bytes = 0
        self.wake()
        return messages

    def wake(self) -> None:
        """Let everyone who waits look again."""
        self._changed.set()
        self._changed = anyio.Event()

    async def wait(self) -> None:
        await self._changed.wait()


class Link:
    """Both directions, and the one end that both sides learn of. The first end stands."""

    def __init__(self, max_messages: int) -> None:
        self.to_client: Lane = Lane(max_messages)
        self.to_server: Lane = Lane(max_messages)
        self.ending: tuple[int, str, ClosedBy] | None = None

    def end(self, code: int, reason: str, by: ClosedBy) -> None:
        if self.ending is None:
            self.ending = (code, reason, by)
            self.to_client.wake()
            self.to_server.wake()

    def raise_if_over(self) -> None:
        if self.ending is not None:
            raise TransportClosed(*self.ending)

    async def put(self, lane: Lane, messages: Sequence[bytes]) -> None:
        """Add `messages` in one step, once there is room for the first of them."""
        await checkpoint()
        self.raise_if_over()
        while lane.full:
            await lane.wait()
            self.raise_if_over()
        lane.add(messages)

    async def wait_for_messages(self, lane: Lane) -> None:
        """Return when `lane` holds something. Nothing is awaited between that and the taking."""
        await checkpoint()
        while not lane.messages:
            self.raise_if_over()
            await lane.wait()


class MemoryTransport:
    """The client's end: give it to `open_realtime(transport=...)`, or use it as it is."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def raw(self) -> object:
        """This object: there is no library underneath."""
        return self

    async def receive(self) -> list[bytes]:
        """Wait for messages and return all that the peer has sent. Cancelling loses none.

        Raises:
            TransportClosed: the connection is over, and every message was returned before.
        """
        lane = self._link.to_client
        await self._link.wait_for_messages(lane)
        return lane.take_all()

    async def send(self, frames: Sequence[bytes]) -> None:
        """Send `frames`, waiting while the peer has too many unread. Cancelling sends none.

        Raises:
            TransportClosed: the connection is over; nothing of `frames` was sent.
        """
        await self._link.put(self._link.to_server, frames)

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """End the connection; the peer can still read what was sent. Under cancellation, abort."""
        try:
            await checkpoint()
            self._link.end(code, reason, "client")
        finally:
            self.abort()  # of no effect on what has ended

    def abort(self) -> None:
        """End the connection without a close code."""
        self._link.end(ABNORMAL, "", "client")


class MemoryPeer:
    """The server's end, for the test to play. Its methods raise what the client's end raises."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def receive(self) -> bytes:
        """Wait for the client's next message. Cancelling loses none.

        Raises:
            TransportClosed: the connection is over, and every message was returned before.
        """
        lane = self._link.to_server
        await self._link.wait_for_messages(lane)
        return lane.take()

    async def send(self, frame: bytes | str) -> None:
        """Send one message, waiting while the client has too many unread. Cancelling sends none.

        Raises:
            TransportClosed: the connection is over; the message was not sent.
        """
        message = frame.encode() if isinstance(frame, str) else frame
        await self._link.put(self._link.to_client, [message])

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection as a CLOSE frame from the server does; 1005 stands for no code."""
        self._link.end(code, reason, "server")

    def drop(self) -> None:
        """End the connection as the loss of the network does."""
        self._link.end(ABNORMAL, "", "network")
