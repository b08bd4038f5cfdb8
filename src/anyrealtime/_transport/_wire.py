"""The byte stream below `trio-websocket`, as that library sees it.

Bytes pass through in both directions; the answer to the upgrade, the lengths of messages and
CLOSE frames are looked at on the way, for what the library does not tell. No import of Trio
is needed: the library wants an object with `send_all`, `receive_some` and `aclose`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from wsproto.frame_protocol import FrameProtocol

from anyrealtime._transport._http import HEAD_END, MAX_HEAD_BYTES, Head, parse_head

READ_BYTES: Final = 256 * 2**10  # the library's own 4 KiB cost a system call per event

_TOO_BIG: Final = 1009  # RFC 6455, 7.4.1
_CLOSE_BYTE: Final = 0x88  # the first byte of a CLOSE frame


class Wire:
    """An AnyIO byte stream as the library sees it.

    Sending only queues, for the library's reader must not wait for a peer that does not read;
    `flush` writes. Every byte that comes counts as a sign of life. The answer to the upgrade
    and the lengths of messages are looked at in passing.
    """

    def __init__(
        self, stream: ByteStream, max_message_bytes: int, on_unsent: Callable[[], None]
    ) -> None:
        self.stream = stream
        self.last_heard = anyio.current_time()
        self.unsent = 0  # bytes
        self.head: Head | None = None  # of the answer to the upgrade
        self.body: bytes | None = b""  # of a refusal; None once the upgrade was accepted
        self.on_refusal: Callable[[], None] = lambda: None
        self.answered_close = False  # the library has, as it does to a CLOSE of the peer
        self.fault: tuple[int, str] | None = None  # of the peer: the code and reason it is told
        self.lost = ""  # what the network said
        self._lengths = _Lengths(max_message_bytes)
        self._on_unsent = on_unsent
        self._queue: list[bytes] = []
        self._mute = False  # nothing may follow a CLOSE, or can follow an error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        is_close = data[0] == _CLOSE_BYTE  # the library sends one frame a call
        self.answered_close = self.answered_close or is_close
        self._put(bytes(data))
        self._mute = self._mute or is_close

    def say_close(self, code: int, reason: str) -> None:
        """Queue a CLOSE of our own. The library does not learn of it."""
        self._put(bytes(FrameProtocol(client=True, extensions=[]).close(code, reason)))
        self._mute = True

    def fail(self, code: int, reason: str) -> None:
        """Tell the peer what is wrong with it, and hear no more of it."""
        self.fault = (code, reason)
        self.say_close(code, reason)

    def _put(self, data: bytes) -> None:
        if not self._mute:
            self._queue.append(data)
            self.unsent += len(data)
            self._on_unsent()

    async def flush(self) -> None:
        """Write what is queued. A broken socket is not told here: what came before is read first."""
        data = b"".join(self._queue)
        self._queue.clear()
        if not data:
            return
        try:
            await self.stream.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            self._mute = True
            self._queue.clear()
            self.unsent = 0
        else:
            self.unsent -= len(data)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.fault is not None or len(self.body or b"") > MAX_HEAD_BYTES:
            return b""
        try:
            data = await self.stream.receive(max_bytes or READ_BYTES)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as exc:
            self.lost = str(exc.__cause__ or exc) or type(exc).__name__
            return b""
        self.last_heard = anyio.current_time()
        begin = 0 if self.body is None else self._note_answer(data)
        excess = self._lengths.find_excess(data, begin)
        if excess is not None:
            self.fail(_TOO_BIG, "the message is too long")
            data = data[:excess]
        return data

    def _note_answer(self, data: bytes) -> int:
        """Keep a copy of the answer; return how much of `data` belongs to it."""
        answer = (self.body or b"") + data
        if self.head is None:
            head, mark, rest = answer.partition(HEAD_END)
            self.head = parse_head(head) if mark else None
            if self.head is not None and self.head.status == 101:
                self.body = None
                return len(data) - len(rest)
            if self.head is not None:
                self.on_refusal()
                answer = rest
        self.body = answer
        return len(data)

    async def drain(self) -> None:
        """Read to the end, and forget."""
        try:
            while True:
                await self.stream.receive(READ_BYTES)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            pass

    async def aclose(self) -> None:
        """Nothing: the library closes early, before its last frame is out."""
        await checkpoint()


class _Lengths:
    """Follows the headers of incoming frames, to find a message that is too long when it begins."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._header = b""  # of a frame cut within its header
        self._passing = 0  # bytes of a payload still to come
        self._message_bytes = 0
        self._blind = False  # after a CLOSE, or a frame the library will refuse

    def find_excess(self, data: bytes, pos: int) -> int | None:
        """Where in `data` the frame begins with which a message becomes too long."""
        while pos < len(data) and not self._blind:
            if self._passing:
                step = min(self._passing, len(data) - pos)
                self._passing -= step
                pos += step
                continue
            begin = pos - len(self._header)
            head = self._header + data[pos : begin + 10]
            size = {126: 4, 127: 10}.get(head[1], 2) if len(head) > 1 else 2
            if len(head) < size:
                self._header = head
                return None
            self._header = b""
            opcode, fin = head[0] & 0x7F, head[0] & 0x80
            self._blind = head[1] & 0x80 != 0 or opcode not in {0, 1, 2, 9, 10}
            self._passing = int.from_bytes(head[2:size], "big") if size > 2 else head[1]
            pos = begin + size
            if opcode > 2 or self._blind:
                continue
            self._message_bytes += self._passing
            if self._message_bytes > self._max_bytes:
                return max(begin, 0)
            if fin:
                self._message_bytes = 0
        return None
