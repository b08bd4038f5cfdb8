"""The simulator's end of a connection in memory: what `_memory` joins, as `simulator` wants it.

No WebSocket frames: a goodbye is over the moment it is said, and a fault that only frames can
show (pieces, an opcode there is not) is not seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import anyio
from anyio.lowlevel import checkpoint

from anyrealtime._transport._base import ABNORMAL, TransportClosed
from anyrealtime.simulator._faults._steps import Freeze, Goodbye, Pause, Say, Sever, Step, Throttle
from anyrealtime.simulator._socket import Look, SocketMessage
from anyrealtime.testing._memory import Link

_NO_CODE = 1005  # RFC 6455, 7.1.5: a CLOSE frame without a code


class MemorySocket:
    """Meets `anyrealtime.simulator.Socket`."""

    def __init__(self, link: Link, target: str, headers: Sequence[tuple[str, str]]) -> None:
        self._link = link
        self._target = target
        self._headers = headers
        self._due: deque[Step] = deque()
        self._told = anyio.Event()
        self._done = anyio.Event()
        self._seconds_per_byte = 0.0
        self._frozen = False

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
        await self._do_what_is_due()
        if refused is not None:
            self._link.end(ABNORMAL, f"HTTP {refused.status} {refused.body}".strip(), "server")
        return self.is_open

    async def receive(self) -> list[SocketMessage] | None:
        """Wait for messages; None when there will be no more. Cancelling loses nothing."""
        lane = self._link.to_server
        try:
            await self._link.wait_for_messages(lane)
        except TransportClosed:
            return None
        if self._frozen:
            await anyio.sleep_forever()
        return [SocketMessage(message, is_text=True) for message in lane.take_all()]

    def do(self, step: Step) -> None:
        """Do a step, at once unless it takes time or is behind one that does."""
        if self._due or self._seconds_per_byte or isinstance(step, Pause | Throttle | Freeze):
            self._frozen |= isinstance(step, Freeze)
            self._due.append(step)
            self._told.set()
        else:
            self._do_now(step)

    def _do_now(self, step: Step) -> None:
        if not self.is_open:
            return
        match step:
            case Say(data=data):
                self._link.to_client.add([data])
            case Goodbye(code=code, reason=reason):
                self._link.end(_NO_CODE if code is None else code, reason, "server")
            case Sever():
                self._link.end(ABNORMAL, "", "network")
            case _:
                pass  # there are no frames to scribble in

    async def _do_what_is_due(self) -> None:
        while self._due and self.is_open:
            match self._due[0]:
                case Pause(seconds=seconds):
                    await anyio.sleep(seconds)
                case Throttle(bytes_per_second=rate):
                    self._seconds_per_byte = 1 / rate
                case Freeze():
                    await anyio.sleep_forever()
                case step:
                    if isinstance(step, Say):
                        await anyio.sleep(len(step.data) * self._seconds_per_byte)
                    self._do_now(step)
            self._due.popleft()
            self._done.set()
            self._done = anyio.Event()

    def close(self, code: int, reason: str) -> None:
        """End the connection; the client can still read what was sent."""
        self._link.end(code, reason, "server")

    async def drain(self, limit_bytes: int) -> None:
        """Wait until the client has at most `limit_bytes` unread. Cancelling changes nothing."""
        lane = self._link.to_client
        while lane.unread_bytes > limit_bytes and self.is_open:
            await lane.wait()

    async def catch_up(self) -> None:
        """Wait while a step that takes time holds back what is due, and not otherwise."""
        while self._due and self.is_open and not self._frozen:
            await self._done.wait()

    async def write(self) -> None:
        """Do what takes time; all else has been done when it was said."""
        while self.is_open:
            await self._told.wait()
            self._told = anyio.Event()
            await self._do_what_is_due()

    async def aclose(self) -> None:
        """Drop the connection."""
        self._link.end(ABNORMAL, "", "network")
        await checkpoint()
