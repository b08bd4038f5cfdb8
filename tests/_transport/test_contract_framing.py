"""The transports' contract: a server that breaks RFC 6455 is told so, and the connection ends.

What came before the fault is delivered, the server gets a CLOSE with the right code, and
`receive` raises the same code as ended by us.
"""

from __future__ import annotations

import pytest

from tests._transport.raw_peer import BINARY, CLOSE, CONT, PING, TEXT, close_frame, frame
from tests._transport.transports import (
    SOCKETS,
    SocketKind,
    connected,
    receive,
    receive_to_end,
    told,
)

PROTOCOL_ERROR = 1002
INVALID_DATA = 1007
MASK = b"\x01\x02\x03\x04"

PROTOCOL_FAULTS = {
    "masked text": frame("masked", mask=MASK),
    "masked empty text": frame("", mask=MASK),
    "masked ping": frame("masked", PING, mask=MASK),
    "rsv1": frame("compressed?", rsv=4),
    "rsv2": frame("rsv", rsv=2),
    "rsv3": frame("rsv", rsv=1),
    "rsv1 on ping": frame("rsv", PING, rsv=4),
    "opcode 3": frame("what", 0x3),
    "opcode 15": frame("what", 0xF),
    "fragmented ping": frame("half", PING, fin=False),
    "fragmented close": frame(b"\x03\xe8", CLOSE, fin=False),
    "long ping": frame("x" * 126, PING),
    "stray continuation": frame("more", CONT),
    "text within fragments": frame("one", fin=False) + frame("two"),
    "binary within fragments": frame("one", fin=False) + frame(b"two", BINARY),
    "close of one byte": frame(b"\x03", CLOSE),
    "close with code 999": close_frame(999),
    "close with code 1005": close_frame(1005),
    "close with code 1006": close_frame(1006),
}

INVALID_TEXTS = {
    "a stray byte": frame(b"ab\xff"),
    "cut at the end": frame("é".encode()[:1]),
    "overlong": frame(b"\xc0\xaf"),
    "surrogate": frame(b"\xed\xa0\x80"),
    "above unicode": frame(b"\xf4\x90\x80\x80"),
    "long": frame(b"a" * 70_000 + b"\x80"),
    "in a fragment": frame(b"ok", TEXT, fin=False) + frame(b"\xff", CONT),
    "cut at the last fragment": frame("🙂".encode()[:2], fin=False)
    + frame("🙂".encode()[2:3], CONT),
    "reason of a close": close_frame(1000, b"\xff"),
}


@SOCKETS
@pytest.mark.parametrize("fault", PROTOCOL_FAULTS.values(), ids=PROTOCOL_FAULTS.keys())
async def test_a_broken_frame_is_a_protocol_error(kind: SocketKind, fault: bytes) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame("before") + fault + frame("after"))
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) == (PROTOCOL_ERROR, "client")
        assert (await peer.ended())[0] == PROTOCOL_ERROR


@SOCKETS
@pytest.mark.parametrize("fault", INVALID_TEXTS.values(), ids=INVALID_TEXTS.keys())
async def test_invalid_utf8_is_invalid_data(kind: SocketKind, fault: bytes) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame("before") + fault + frame("after"))
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) == (INVALID_DATA, "client")
        assert (await peer.ended())[0] == INVALID_DATA


@SOCKETS
async def test_invalid_utf8_cut_by_a_read(kind: SocketKind) -> None:
    """A character cut by the end of a read is whole, an invalid one found in the next read."""
    whole, broken = frame("…🙂"), frame(b"\xe2\x80 \xff")
    async with connected(kind) as (transport, peer):
        await peer.write(frame("first") + whole[:7])
        assert await receive(transport, 1) == [b"first"]
        await peer.write(whole[7:] + broken[:3])
        assert await receive(transport, 1) == ["…🙂".encode()]
        await peer.write(broken[3:])
        assert told((await receive_to_end(transport))[1]) == (INVALID_DATA, "client")


@SOCKETS
async def test_a_fault_in_the_segment_of_the_101(kind: SocketKind) -> None:
    data = frame("before") + frame("masked", mask=MASK)
    async with connected(kind, after_101=data) as (transport, peer):
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) == (PROTOCOL_ERROR, "client")
        assert (await peer.ended())[0] == PROTOCOL_ERROR


@SOCKETS
async def test_a_fault_ends_sending_too(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame("masked", mask=MASK))
        _, ending = await receive_to_end(transport)
        with pytest.raises(type(ending)) as raised:
            await transport.send([b"too late"])
        assert told(raised.value) == (PROTOCOL_ERROR, "client")
        assert (await peer.ended())[0] == PROTOCOL_ERROR
