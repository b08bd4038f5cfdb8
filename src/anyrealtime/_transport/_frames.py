"""Incoming bytes to messages and an ending, by the cutter and the state machine of `websockets`.

Sans-I/O: no socket, no task, no clock. Whole text frames are the cutter's. Every other frame
goes byte for byte to the library, which also answers PING and CLOSE.
"""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode

from anyrealtime._transport._base import ABNORMAL, TransportClosed
from anyrealtime._transport._cutter import INVALID_DATA, FrameCutter, why_not_utf8


class FrameReader:
    """What one connection has received.

    Attributes:
        ending: why no more will come, once that is known.
    """

    def __init__(self, protocol: ClientProtocol, max_message_bytes: int) -> None:
        self.ending: TransportClosed | None = None
        self._protocol = protocol
        self._cutter = FrameCutter(max_message_bytes)
        self._fragments: list[bytes] = []  # of the message that the library is reading
        self._is_text = False

    @property
    def messages(self) -> list[bytes]:
        """Complete messages, in order, that were not taken yet."""
        return self._cutter.messages

    def take(self) -> list[bytes]:
        """The messages received since the last call."""
        return self._cutter.take()

    def feed(self, data: bytes) -> None:
        """Take what one read brought."""
        cutter = self._cutter
        data = cutter.begin(data)
        pos, end = 0, len(data)
        while self.ending is None:
            pos = cutter.cut(data, pos)
            if cutter.invalid:
                self._fail(cutter.invalid)
            elif pos == end:
                return
            else:
                stop = cutter.pass_on(data, pos)
                if stop == pos:
                    return
                self._receive(data[pos:stop])
                pos = stop
        self._protocol.receive_data(data[pos:])  # it discards, and watches for the end

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

    def _receive(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            assert isinstance(event, Frame)  # the response to the upgrade was taken before
            self._on_frame(event)
        error = self._protocol.parser_exc
        if error is not None and self.ending is None:
            sent = self._protocol.close_sent
            code, reason = (sent.code, sent.reason) if sent else (ABNORMAL, str(error))
            self.ending = TransportClosed(code, reason, "client")

    def _on_frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._on_close()
        elif opcode is Opcode.TEXT or opcode is Opcode.BINARY or opcode is Opcode.CONT:
            if opcode is not Opcode.CONT:
                self._is_text = opcode is Opcode.TEXT
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments.clear()
                why = why_not_utf8(message) if self._is_text else ""
                if why:
                    self._fail(why)
                else:
                    self.messages.append(message)

    def _on_close(self) -> None:
        sent, received = self._protocol.close_sent, self._protocol.close_rcvd
        assert received is not None
        if self._protocol.close_rcvd_then_sent:
            self.ending = TransportClosed(received.code, received.reason, "server")
        else:
            assert sent is not None  # the library answers a CLOSE that it has not asked for
            self.ending = TransportClosed(sent.code, sent.reason, "client")

    def _fail(self, why: str) -> None:
        if self._protocol.close_sent is None:
            self._protocol.fail(INVALID_DATA, why)
        self.ending = TransportClosed(INVALID_DATA, why, "client")
