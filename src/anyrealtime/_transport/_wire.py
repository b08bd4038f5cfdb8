"""The byte stream below `trio-websocket`, as that library sees it.

Whole text messages are cut out on the way in and never reach the library, which takes 30 us for
each; all other bytes pass through in both directions. The answer to the upgrade, the lengths of
messages and CLOSE frames are looked at in passing, for what the library does not tell. No import
of Trio is needed: the library wants an object with `send_all`, `receive_some` and `aclose`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from wsproto.frame_protocol import FrameProtocol

from anyrealtime._transport._cutter import INVALID_DATA, FrameCutter
from anyrealtime._transport._http import HEAD_END, MAX_HEAD_BYTES, Head, parse_head
from anyrealtime._transport._tcp import READ_BYTES
from anyrealtime._transport._unsent import Unsent

_TOO_BIG: Final = 1009  # RFC 6455, 7.4.1
_CLOSE_BYTE: Final = 0x88  # the first byte of a CLOSE frame


class Wire:
    """An AnyIO byte stream as the library sees it.

    Sending only queues, for the library's reader must not wait for a peer that does not read;
    `flush` writes. Every byte that comes counts as a sign of life.

    Args:
        max_message_bytes: a longer message fails the connection.
        deliver: takes the messages that were cut, in order.
        turn: waits until there is room for more, and until as many messages came out of the
            library as its argument says went in: order is kept that way. False at the end.
        on_unsent: called when there is something to flush.
    """

    def __init__(
        self,
        stream: ByteStream,
        max_message_bytes: int,
        *,
        deliver: Callable[[list[bytes]], None],
        turn: Callable[[int], Awaitable[bool]],
        on_unsent: Callable[[], None],
    ) -> None:
        self.stream = stream
        self.last_heard = anyio.current_time()
        self.unsent = Unsent()
        self.head: Head | None = None  # of the answer to the upgrade
        self.body: bytes | None = b""  # of a refusal; None once the upgrade was accepted
        self.on_refusal: Callable[[], None] = lambda: None
        self.answered_close = False  # the library has, as it does to a CLOSE of the peer
        self.fault: tuple[int, str] | None = None  # of the peer: the code and reason it is told
        self.lost = ""  # what the network said
        self._cutter = FrameCutter(max_message_bytes)
        self._data = b""  # received and from `_pos` on not looked at yet
        self._pos = 0
        self._deliver = deliver
        self._turn = turn
        self._on_unsent = on_unsent
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
            self.unsent.put(data)
            self._on_unsent()

    async def flush(self) -> None:
        """Write what is queued. A broken socket is not told here: what came before is read first."""
        data = self.unsent.take()
        if not data:
            return
        try:
            await self.stream.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            self._mute = True
            self.unsent.clear()
        else:
            self.unsent.written(len(data))

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - the library's signature
        """The next bytes for the library; empty at the end, or what we make the end."""
        cutter = self._cutter
        while self.fault is None and len(self.body or b"") <= MAX_HEAD_BYTES:
            if self._pos == len(self._data):
                data = await self._read()
                begin = 0 if self.body is None or not data else self._note_answer(data)
                self._data, self._pos = cutter.begin(data[begin:]), 0
                if begin or not data:
                    return data[:begin]
            if not await self._turn(cutter.passed_on):  # the library has ended the connection
                rest, self._data = self._data[self._pos :], b""
                self._pos = 0
                return rest
            pos = cutter.cut(self._data, self._pos)
            if cutter.messages:
                self._deliver(cutter.take())
            self._pos = cutter.pass_on(self._data, pos) if pos < len(self._data) else pos
            if cutter.invalid:
                self.fail(INVALID_DATA, cutter.invalid)
            elif cutter.too_long:
                self.fail(_TOO_BIG, "the message is too long")
            elif self._pos > pos:
                return self._data[pos : self._pos]
            else:  # all of it was cut, or a header that is cut off waits for the rest
                self._data, self._pos = b"", 0
        return b""

    async def _read(self) -> bytes:
        try:
            data = await self.stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as exc:
            self.lost = str(exc.__cause__ or exc) or type(exc).__name__
            return b""
        self.last_heard = anyio.current_time()
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
