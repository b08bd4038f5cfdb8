"""Audio that is kept on request, and never more of it than was asked for.

Knows bytes and what they belong to; neither formats nor durations.
"""

from __future__ import annotations

from collections import deque


class KeptAudio:
    """The newest audio of a conversation. When it is too much, the oldest pieces go first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._parts: dict[tuple[str, int], deque[bytes]] = {}
        self._ages: deque[tuple[str, int]] = deque()  # of each piece held, its part

    def add(self, item_id: str, content_index: int, audio: bytes) -> None:
        """Keep another piece of a part."""
        part = (item_id, content_index)
        self._parts.setdefault(part, deque()).append(audio)
        self._ages.append(part)
        self._held_bytes += len(audio)
        while self._held_bytes > self._max_bytes:
            self._drop_oldest()

    def get(self, item_id: str, content_index: int) -> bytes:
        """What is kept of a part: all of it, its end, or nothing."""
        return b"".join(self._parts.get((item_id, content_index), ()))

    def forget(self, item_id: str) -> None:
        """Drop all parts of an item."""
        gone = {part for part in self._parts if part[0] == item_id}
        for part in gone:
            self._held_bytes -= sum(map(len, self._parts.pop(part)))
        if gone:
            self._ages = deque(part for part in self._ages if part not in gone)

    def _drop_oldest(self) -> None:
        part = self._ages.popleft()
        pieces = self._parts[part]
        self._held_bytes -= len(pieces.popleft())
        if not pieces:
            del self._parts[part]
