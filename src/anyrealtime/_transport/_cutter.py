"""Cuts whole text messages out of a WebSocket byte stream, for every transport.

Sans-I/O and without a library: a frame that is unmasked, final, text and unfragmented is cut
straight from the read buffer. All other bytes belong to whatever reads the rest of the
protocol; here it is only said where their frames begin and end.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

INVALID_DATA: Final = 1007  # RFC 6455, 7.4.1

_TEXT: Final = 0x81  # the first byte: FIN set, RSV clear, opcode 1
_FIN: Final = 0x80
_RSV: Final = 0x70
_MASKED: Final = 0x80  # the mask bit of the second byte: a server must not set it
_COMMON_HEADER_BYTES: Final = 4  # of a text of 126 to 65,535 bytes, as nearly all events are
_MAX_HEADER_BYTES: Final = 14
_CONTINUATION: Final = 0
_DATA: Final = frozenset({0, 1, 2})
_PING_PONG: Final = frozenset({9, 10})
_MAX_CONTROL_BYTES: Final = 125

_MOST_KNOWN_BYTES: Final = 8192  # which bounds the table below to so many entries
# The length that each common header means, as they are met: quicker than reading it again.
_lengths: Final[dict[bytes, int]] = {}


class FrameCutter:
    """Cuts text messages out of a byte stream, and finds where other frames begin and end.

    Attributes:
        messages: those cut and not yet taken.
        passed_on: how many complete messages were passed on instead.
        too_long: whether a message that was passed on is longer than allowed.
        invalid: why the last text is not UTF-8 (RFC 6455, 8.1); nothing more is cut then.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self.messages: list[bytes] = []
        self.passed_on = 0
        self.too_long = False
        self.invalid = ""
        self._max_bytes = max_message_bytes
        self._header = b""  # of a frame cut within its header
        self._cut: list[bytes] = []  # pieces of a text payload cut by the end of a read
        self._missing = 0  # bytes of that payload still to come
        self._passing = 0  # bytes still to come of a frame that is being passed on
        self._completes = False  # that frame ends a message
        self._fragmented = False  # a message is to be continued: a text in between is an error
        self._message_bytes = 0  # of the message that is being passed on, so far
        self._over = False  # after a CLOSE or a frame that is against the rules: nothing counts

    def take(self) -> list[bytes]:
        """The messages that were cut; they are the caller's then."""
        messages, self.messages = self.messages, []
        return messages

    def begin(self, data: bytes) -> bytes:
        """Take what a read brought: the same, behind what the last one left over."""
        if self._header:
            data = self._header + data
            self._header = b""
        return data

    def cut(self, data: bytes, pos: int) -> int:
        """Cut texts from `pos` on; return where another frame begins, or the end of `data`."""
        if self._missing:
            pos = self._continue(data, pos)
        if self._missing or self._passing or self._fragmented:
            return pos
        if self._over or self.invalid:
            return pos
        append, max_bytes, known = self.messages.append, self._max_bytes, _lengths.get
        source = BytesIO(data)  # no copy; reading on takes half the time of slicing
        source.seek(pos)
        read = source.read
        while head := read(_COMMON_HEADER_BYTES):
            length = known(head)
            if length is None or length > max_bytes:
                pos = source.tell() - len(head)
                place = self._find_text(data, pos)
                if place is None:
                    return pos
                start, length = place
                source.seek(start)
            payload = read(length)
            if len(payload) < length:
                self._cut.append(payload)
                self._missing = length - len(payload)
            elif payload.isascii() or self._is_utf8(payload):
                append(payload)
            else:
                return source.tell()
        return len(data)

    def _find_text(self, data: bytes, pos: int) -> tuple[int, int] | None:
        """Where the text of the frame at `pos` begins and how long it is; None if it is not cut."""
        head = data[pos : pos + _MAX_HEADER_BYTES]
        size = _header_size(head)
        if size is None or head[0] != _TEXT or head[1] & _MASKED:
            return None
        length = _payload_length(head)
        if length > self._max_bytes:
            return None
        if size == _COMMON_HEADER_BYTES and length < _MOST_KNOWN_BYTES:
            _lengths[head[:size]] = length
        return pos + size, length

    def pass_on(self, data: bytes, pos: int) -> int:
        """Return the end of the bytes at `pos` that belong to one frame that was not cut.

        A frame that is cut within its header is kept for the next read: then it is `pos`.
        """
        if self._over and not self._passing:
            return len(data)
        if not self._passing:
            head = data[pos : pos + _MAX_HEADER_BYTES]
            size = _header_size(head)
            if size is None:
                self._header = data[pos:]
                return pos
            length = _payload_length(head)
            self._passing = size + length
            self._note(head[0], head[1] & _MASKED, length)
        end = min(pos + self._passing, len(data))
        self._passing -= end - pos
        if self._completes and not self._passing:
            self._completes = False
            self.passed_on += 1
        return end

    def _note(self, first: int, masked: int, length: int) -> None:
        """Follow the fragments of a message, and see when nothing that follows counts any more."""
        opcode, fin = first & 0x0F, bool(first & _FIN)
        lawful = not masked and not first & _RSV
        if lawful and opcode in _DATA and (opcode == _CONTINUATION) == self._fragmented:
            self._message_bytes = length + (self._message_bytes if self._fragmented else 0)
            self.too_long = self.too_long or self._message_bytes > self._max_bytes
            self._completes, self._fragmented = fin, not fin
        elif not (lawful and opcode in _PING_PONG and fin and length <= _MAX_CONTROL_BYTES):
            self._over = True

    def _continue(self, data: bytes, pos: int) -> int:
        piece = data[pos : pos + self._missing]
        self._cut.append(piece)
        self._missing -= len(piece)
        if not self._missing:
            payload = b"".join(self._cut)
            self._cut.clear()
            if payload.isascii() or self._is_utf8(payload):
                self.messages.append(payload)
        return pos + len(piece)

    def _is_utf8(self, payload: bytes) -> bool:
        self.invalid = why_not_utf8(payload)
        return not self.invalid


def why_not_utf8(payload: bytes) -> str:
    """Empty if `payload` is UTF-8, as text must be (RFC 6455, 8.1)."""
    try:
        payload.decode()
    except UnicodeDecodeError as exc:
        return f"invalid UTF-8 at position {exc.start}"
    return ""


def _header_size(head: bytes) -> int | None:
    """How many bytes the frame header at the start of `head` takes; None if it is cut."""
    if len(head) < 2:
        return None
    second = head[1]
    size = 2 + {126: 2, 127: 8}.get(second & 0x7F, 0) + (4 if second & _MASKED else 0)
    return size if len(head) >= size else None


def _payload_length(head: bytes) -> int:
    """What the frame header at the start of `head` says of its payload. It is complete."""
    length = head[1] & 0x7F
    if length < 126:
        return length
    return int.from_bytes(head[2 : 4 if length == 126 else 10], "big")
