"""Frames on their way out: bounded by bytes, written by one task, several at a time.

A frame is taken whole or not at all, whatever is cancelled. Knows transports, not events.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from anyrealtime._transport._base import Transport, TransportClosed

_MAX_BYTES = 2**20  # about 16 s of PCM16 in base64: enough to be busy, little to be behind


class Outbox:
    """The queue between the program and the transport.

    Args:
        raise_if_over: raises once the connection is over.
    """

    def __init__(self, raise_if_over: Callable[[], None]) -> None:
        self._raise_if_over = raise_if_over
        self._frames: list[bytes] = []
        self._queued_bytes = 0
        self._arrival: anyio.Event | None = None
        self._change: anyio.Event | None = None  # room was made, or the connection is over
        self._turn = anyio.Lock(fast_acquire=True)  # first come, first served, small or large
        self._closed = False

    async def put(self, frame: bytes) -> None:
        """Queue a frame; wait while the queue is full. Cancelling queues nothing.

        A frame larger than the queue waits until the queue is empty.
        """
        await checkpoint_if_cancelled()
        self._raise_if_over()
        if self._turn.locked() or self._is_too_full_for(frame):
            async with self._turn:
                self._raise_if_over()
                while self._is_too_full_for(frame):
                    await self._wait_for_change()
                    self._raise_if_over()
        self.put_nowait(frame)

    def _is_too_full_for(self, frame: bytes) -> bool:
        return bool(self._queued_bytes) and self._queued_bytes + len(frame) > _MAX_BYTES

    def put_nowait(self, frame: bytes) -> None:
        """Queue a small frame even if the queue is full: it may exceed its bound by that.

        Of no effect once the connection is over.
        """
        if self._closed:
            return
        self._frames.append(frame)
        self._queued_bytes += len(frame)
        if self._arrival is not None:
            self._arrival.set()
            self._arrival = None

    async def drained(self) -> None:
        """Wait until everything queued was handed to the transport, or nothing can be any more."""
        while self._queued_bytes and not self._closed:
            await self._wait_for_change()

    def close(self) -> None:
        """The connection is over: wake whoever waits."""
        self._closed = True
        self._changed()

    def _changed(self) -> None:
        if self._change is not None:
            self._change.set()
            self._change = None

    async def run(self, transport: Transport) -> None:
        """Write what is queued until the transport closes; the reader learns why it did."""
        while True:
            if not self._frames:
                self._arrival = anyio.Event()
                await self._arrival.wait()
            frames, self._frames = self._frames, []
            size = sum(map(len, frames))
            try:
                await transport.send(frames)
            except TransportClosed:
                return
            self._queued_bytes -= size
            self._changed()

    async def _wait_for_change(self) -> None:
        if self._change is None:
            self._change = anyio.Event()
        await self._change.wait()
