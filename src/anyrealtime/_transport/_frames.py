"""Incoming bytes to messages: the fast path for whole text frames, the library for the rest.

Sans-I/O: bytes in, messages and an ending out; no socket, no task, no clock. A frame that is
unmasked, final, text and unfragmented is cut straight from the read buffer. Every other frame
goes byte for byte to the state machine of `websockets`, which also answers PING and CLOSE.
"""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode

from anyrealtime._transport._base import ABNORMAL, TransportClosed

_FINAL_TEXT = 0x81  # FIN set, RSV clear, opcode 1
_MASKED = 0x80  # the mask bit of the second byte: a server must not set it
_INVALID_DATA = 1007


class FrameReader:
    """What one connection has received.

    Attributes:
        messages: complete messages not yet taken; the owner replaces the list.
        ending: why no more will come, once that is known.
    """

    def __init__(self, protocol: ClientProtocol, max_message_bytes: int) -> None:
        self.messages: list[bytes] = []
        self.ending: TransportClosed | None = None
        self._protocol = protocol
        self._max_bytes = max_message_bytes
        self._header = b""  # of a frame cut within its header
        self._cut: list[bytes] = []  # pieces of a text payload cut by the end of a read
        self._missing = 0  # bytes of that payload still to come
        self._passing = 0  # bytes of a frame that the library is reading still to come
        self._fragments: list[bytes] | None = None  # of a fragmented message under way
        self._fragments_are_text = False

    def feed(self, data: bytes) -> None:
        """Take what one read brought."""
        if self._header:
            data = self._header + data
            self._header = b""
        pos, end = 0, len(data)
        while pos < end:
            if self.ending is not None:
                self._protocol.receive_data(data[pos:])  # it discards, and watches for the end
                return
            if self._missing:
                pos = self._continue_cut_text(data, pos)
            elif self._passing:
                pos = self._pass_on(data, pos)
            elif self._fragments is None:
                pos = self._cut_texts(data, pos, end)
                if pos < end and not self._missing and self.ending is None:
                    pos = self._begin_other(data, pos, end)
            else:
                pos = self._begin_other(data, pos, end)

    def feed_eof(self) -> None:
        """Take the end of the byte stream."""
        self._protocol.receive_eof()
        self.end(ABNORMAL, "the connection ended without a CLOSE frame")

    def end(self, code: int, reason: str) -> None:
        """Record a loss, unless an end is known already."""
        if self.ending is None:
            sent = self._protocol.close_sent
            if sent is not None:
                self.ending = TransportClosed(sent.code, sent.reason, "client")
            else:
                self.ending = TransportClosed(code, reason, "network")

    def _cut_texts(self, data: bytes, pos: int, end: int) -> int:
        """Cut whole text frames from `data`; return where the first other thing begins."""
        append = self.messages.append
        max_bytes = self._max_bytes
        while end - pos >= 2 and data[pos] == _FINAL_TEXT:
            length = data[pos + 1]
            if length < 126:
                start = pos + 2
            elif length == 126:
                if end - pos < 4:
                    break
                length = data[pos + 2] << 8 | data[pos + 3]
                start = pos + 4
            elif length == 127:
                if end - pos < 10:
                    break
                length = int.from_bytes(data[pos + 2 : pos + 10], "big")
                start = pos + 10
            else:
                break
            if length > max_bytes:
                break
            stop = start + length
            if stop > end:
                self._cut.append(data[start:end])
                self._missing = stop - end
                return end
            payload = data[start:stop]
            if not payload.isascii() and not self._valid_utf8(payload):
                return stop
            append(payload)
            pos = stop
        return pos

    def _continue_cut_text(self, data: bytes, pos: int) -> int:
        piece = data[pos : pos + self._missing]
        self._cut.append(piece)
        self._missing -= len(piece)
        if not self._missing:
            payload = b"".join(self._cut)
            self._cut.clear()
            if payload.isascii() or self._valid_utf8(payload):
                self.messages.append(payload)
        return pos + len(piece)

    def _begin_other(self, data: bytes, pos: int, end: int) -> int:
        """Begin a frame for the library: find its length, so that it gets exactly its bytes."""
        head = data[pos : pos + 14]
        size = _header_size(head)
        if size is None:
            self._header = data[pos:end]
            return end
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(head[2:4], "big")
        elif length == 127:
            length = int.from_bytes(head[2:10], "big")
        self._passing = size + length
        return self._pass_on(data, pos)

    def _pass_on(self, data: bytes, pos: int) -> int:
        piece = data[pos : pos + self._passing]
        self._passing -= len(piece)
        self._protocol.receive_data(piece)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._on_frame(event)
        error = self._protocol.parser_exc
        if error is not None and self.ending is None:
            sent = self._protocol.close_sent
            code, reason = (sent.code, sent.reason) if sent else (ABNORMAL, str(error))
            self.ending = TransportClosed(code, reason, "client")
        return pos + len(piece)

    def _on_frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._on_close()
        elif opcode is Opcode.TEXT or opcode is Opcode.BINARY or opcode is Opcode.CONT:
            if opcode is not Opcode.CONT:
                self._fragments = []
                self._fragments_are_text = opcode is Opcode.TEXT
            assert self._fragments is not None  # the library refuses a stray continuation
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments = None
                if not self._fragments_are_text or message.isascii() or self._valid_utf8(message):
                    self.messages.append(message)

    def _on_close(self) -> None:
        sent, received = self._protocol.close_sent, self._protocol.close_rcvd
        assert received is not None
        if self._protocol.close_rcvd_then_sent:
            self.ending = TransportClosed(received.code, received.reason, "server")
        elif sent is not None:
            self.ending = TransportClosed(sent.code, sent.reason, "client")

    def _valid_utf8(self, payload: bytes) -> bool:
        """Whether text is UTF-8; if not, the connection fails with 1007 (RFC 6455, 8.1)."""
        try:
            payload.decode()
        except UnicodeDecodeError as exc:
            reason = f"invalid UTF-8 at position {exc.start}"
            if self._protocol.close_sent is None:
                self._protocol.fail(_INVALID_DATA, reason)
            self.ending = TransportClosed(_INVALID_DATA, reason, "client")
            return False
        return True


def _header_size(head: bytes) -> int | None:
    """How many bytes the frame header at the start of `head` takes; None if it is cut."""
    if len(head) < 2:
        return None
    second = head[1]
    size = 2 + {126: 2, 127: 8}.get(second & 0x7F, 0) + (4 if second & _MASKED else 0)
    return size if len(head) >= size else None
