"""What `websockets` alone makes of a byte stream, for comparison with our frame reader.

Plain functions, for the property tests and for `fuzz/fuzz_frames.py`. The library is fed byte
by byte; whether text is UTF-8 it leaves to its caller, which is done here in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from anyrealtime._transport._frames import FrameReader
from tests._transport.raw_peer import CLOSE

MAX_BYTES: Final = 200
OUR_CLOSE: Final = (1000, "enough")
# A header cut off at the end of a stream is wrong to the library as soon as its first bytes are,
# and to the reader once it is whole. Behind these bytes every header is.
WHOLE_HEADERS: Final = bytes(14)

Answer = tuple[int, bytes]


@dataclass
class Outcome:
    """What a client makes of a byte stream. An ending is a code and who closed.

    Of a CLOSE among the answers only the code counts: its reason is everybody's own words.
    """

    messages: list[bytes]
    ending: tuple[int, str] | None
    answers: list[Answer]


def open_protocol(*, closing: bool = False) -> ClientProtocol:
    """The state machine after its handshake; `closing` if we have said CLOSE."""
    protocol = ClientProtocol(parse_uri("ws://peer/"), state=State.OPEN, max_size=MAX_BYTES)
    if closing:
        protocol.send_close(*OUR_CLOSE)
    return protocol


def make_reader(*, closing: bool = False) -> tuple[FrameReader, ClientProtocol]:
    protocol = open_protocol(closing=closing)
    return FrameReader(protocol, MAX_BYTES), protocol


def answers(protocol: ClientProtocol) -> list[Answer]:
    """The frames that were to be sent, up to CLOSE."""
    server = ServerProtocol(state=State.OPEN)
    server.receive_data(b"".join(protocol.data_to_send()))
    events = server.events_received()
    return [(int(event.opcode), bytes(event.data)) for event in events if isinstance(event, Frame)]


def without_reason(sent: list[Answer]) -> list[Answer]:
    return [(opcode, data[:2] if opcode == CLOSE else data) for opcode, data in sent]


def read_by_reader(reads: list[bytes], *, closing: bool = False) -> Outcome:
    reader, protocol = make_reader(closing=closing)
    messages: list[bytes] = []
    for data in reads:
        reader.feed(data)
        messages += reader.take()
    return Outcome(messages, told(reader), without_reason(answers(protocol)))


def read_by_library(data: bytes, *, closing: bool = False) -> Outcome:
    """What `websockets` alone makes of it. Whether text is UTF-8 it leaves to its caller."""
    protocol = open_protocol(closing=closing)
    messages: list[bytes] = []
    parts: list[Frame] = []
    ending: tuple[int, str] | None = None
    for byte in data:
        protocol.receive_data(bytes([byte]))
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                parts.append(event)
            if parts and parts[-1].fin:
                message = b"".join(bytes(part.data) for part in parts)
                if parts[0].opcode is Opcode.TEXT and not is_utf8(message):
                    protocol.fail(1007, "told by the caller")
                    ending = (1007, "client")
                else:
                    messages.append(message)
                parts.clear()
        sent, received = protocol.close_sent, protocol.close_rcvd
        if ending is None and (protocol.parser_exc is not None or received is not None):
            by_server = protocol.parser_exc is None and protocol.close_rcvd_then_sent
            close = received if by_server else sent
            assert close is not None
            ending = (close.code, "server" if by_server else "client")
        if ending is not None:
            break
    return Outcome(messages, ending, without_reason(answers(protocol)))


def is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def told(reader: FrameReader) -> tuple[int, str] | None:
    return None if reader.ending is None else (reader.ending.code, reader.ending.by)
