"""Frames on their way into a socket, bounded where a peer could make them many.

Sans-I/O. What a program sends is bounded by who queues it; a PONG is queued by the peer's PING,
and a peer that asks and never reads must not fill our memory.
"""

from __future__ import annotations

from typing import Final

_PONG_BYTE: Final = 0x8A  # the first byte of a PONG frame
_MOST_PONGS: Final = 64  # that wait at the same time


class Unsent:
    """What is to be written, each entry a whole frame.

    Attributes:
        size_bytes: of everything that is not in the socket yet, what is being written included.
    """

    def __init__(self) -> None:
        self.size_bytes: int = 0
        self._frames: list[bytes] = []
        self._pongs = 0  # among those frames

    def __bool__(self) -> bool:
        return bool(self._frames)

    def put(self, frame: bytes) -> None:
        """Queue one frame; a PONG of too many takes the place of the one before it.

        RFC 6455, 5.5.3: of several PINGs only the last one has to be answered.
        """
        if frame and frame[0] == _PONG_BYTE:
            if self._pongs == _MOST_PONGS and self._frames[-1][0] == _PONG_BYTE:
                self.size_bytes -= len(self._frames.pop())
            elif self._pongs == _MOST_PONGS:
                return  # those before say that we live; this one would wait behind them
            else:
                self._pongs += 1
        self._frames.append(frame)
        self.size_bytes += len(frame)

    def take(self) -> bytes:
        """Everything queued, to be written in one go; counted until `written` says so."""
        data = b"".join(self._frames)
        self._frames.clear()
        self._pongs = 0
        return data

    def written(self, n_bytes: int) -> None:
        """So much of what was taken is in the socket."""
        self.size_bytes -= n_bytes

    def clear(self) -> None:
        """Forget everything: it can reach nobody."""
        self._frames.clear()
        self._pongs = self.size_bytes = 0
