"""The stream below trio-websocket: what it sees in passing, and that sending never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._transport._wire import Wire, _Lengths
from tests._transport.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\n\r\n"


class Scripted(ByteStream):
    """A stream that gives `pieces`, then the end; and keeps what is sent, until it breaks."""

    def __init__(self, *pieces: bytes, end: Exception | None = None) -> None:
        self.sent: list[bytes] = []
        self.broken = False
        self._pieces = list(pieces)
        self._end = end or anyio.EndOfStream()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await checkpoint()
        if not self._pieces:
            raise self._end
        return self._pieces.pop(0)

    async def send(self, item: bytes) -> None:
        await checkpoint()
        if self.broken:
            raise anyio.BrokenResourceError
        self.sent.append(item)

    async def send_eof(self) -> None:
        raise AssertionError("never half-closed")

    async def aclose(self) -> None:
        raise AssertionError("not the wire's to close")

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {}


def make(stream: ByteStream, *, max_message_bytes: int = 100) -> Wire:
    return Wire(stream, max_message_bytes, lambda: None)


async def opened(*pieces: bytes, end: Exception | None = None) -> tuple[Wire, Scripted]:
    """A wire after an upgrade that was accepted."""
    stream = Scripted(ACCEPTED, *pieces, end=end)
    wire = make(stream)
    assert await wire.receive_some() == ACCEPTED
    return wire, stream


async def read_all(wire: Wire) -> bytes:
    received = b""
    while data := await wire.receive_some():
        received += data
    return received


# The answer to the upgrade


async def test_an_accepted_upgrade_cut_at_every_byte() -> None:
    first = frame("one") + frame("two")
    for cut in range(1, len(ACCEPTED) + len(first)):
        whole = ACCEPTED + first
        wire = make(Scripted(whole[:cut], whole[cut:]), max_message_bytes=3)
        assert await read_all(wire) == whole
        assert wire.head is not None
        assert (wire.head.status, wire.fault) == (101, None)


async def test_a_message_too_long_in_the_piece_of_the_answer() -> None:
    wire = make(Scripted(ACCEPTED + frame("ok") + frame("long")), max_message_bytes=3)
    assert await read_all(wire) == ACCEPTED + frame("ok")
    assert wire.fault is not None


async def test_a_refusal_is_told_once_and_its_body_kept() -> None:
    told: list[str] = []
    wire = make(Scripted(REFUSED[:30], REFUSED[30:] + b"be", b"cause"))
    wire.on_refusal = lambda: told.append("refused")
    assert await read_all(wire) == REFUSED + b"because"
    assert told == ["refused"]
    assert wire.head is not None
    assert (wire.head.status, wire.head.headers) == (403, {"x-why": "because"})
    assert wire.body == b"because"


@pytest.mark.parametrize("start", [b"", REFUSED], ids=["head", "body"])
async def test_an_answer_without_end_is_not_read_on(start: bytes) -> None:
    wire = make(Scripted(start + b"x", *[b"x" * 50_000] * 10))
    assert 50_000 < len(await read_all(wire)) < 200_000


# Reading


async def test_every_byte_is_a_sign_of_life() -> None:
    wire, _ = await opened(b"\x81")
    wire.last_heard = 0.0
    assert await wire.receive_some() == b"\x81"
    assert wire.last_heard > 0.0


async def test_the_end_says_nothing() -> None:
    wire, _ = await opened()
    assert await wire.receive_some() == b""
    assert wire.lost == ""


@pytest.mark.parametrize("why", ["Connection reset by peer", ""])
async def test_a_loss_is_an_end_that_says_why(why: str) -> None:
    loss = anyio.BrokenResourceError()
    loss.__cause__ = OSError(why) if why else None
    wire, _ = await opened(end=loss)
    assert await wire.receive_some() == b""
    assert wire.lost == (why or "BrokenResourceError")


async def test_after_a_fault_nothing_is_heard() -> None:
    wire, stream = await opened(frame("late"))
    wire.fail(1002, "wrong")
    assert await wire.receive_some() == b""
    await wire.drain()
    await wire.flush()
    assert stream.sent[0][0] == 0x80 | CLOSE


@pytest.mark.parametrize("end", [anyio.EndOfStream(), anyio.BrokenResourceError(), OSError()])
async def test_draining_ends_with_the_stream(end: Exception) -> None:
    wire, _ = await opened(b"1", b"2", end=end)
    await wire.drain()
    assert await wire.receive_some() == b""


# Sending


async def test_sending_only_queues_and_wakes_the_writer() -> None:
    woken: list[int] = []
    stream = Scripted()
    wire = Wire(stream, 100, lambda: woken.append(1))
    await wire.send_all(b"\x81one")
    await wire.send_all(bytearray(b"\x81two"))
    assert (stream.sent, wire.unsent, len(woken)) == ([], 8, 2)
    await wire.flush()
    assert (stream.sent, wire.unsent) == ([b"\x81one\x81two"], 0)
    await wire.flush()
    assert len(stream.sent) == 1


async def test_nothing_follows_our_close() -> None:
    stream = Scripted()
    wire = make(stream)
    wire.say_close(1000, "")
    await wire.send_all(b"\x8apong")
    wire.say_close(1001, "again")
    await wire.send_all(b"\x88echo")
    await wire.flush()
    [sent] = stream.sent
    assert len(sent) == 8  # one CLOSE: header, mask, code
    assert wire.answered_close


async def test_the_librarys_close_is_noticed_and_is_the_last() -> None:
    stream = Scripted()
    wire = make(stream)
    await wire.send_all(b"\x88echo")
    await wire.send_all(b"\x8apong")
    await wire.flush()
    assert (stream.sent, wire.answered_close) == ([b"\x88echo"], True)


async def test_a_broken_socket_takes_everything_and_tells_nobody() -> None:
    stream = Scripted()
    wire = make(stream)
    await wire.send_all(b"\x81one")
    stream.broken = True
    await wire.flush()
    assert wire.unsent == 0
    await wire.send_all(b"\x81two")
    assert wire.unsent == 0


async def test_the_librarys_aclose_does_nothing() -> None:
    await make(Scripted()).aclose()


# Lengths of messages

Message = tuple[int, list[bytes]]

messages = st.lists(
    st.one_of(
        st.tuples(st.just(TEXT), st.lists(st.binary(max_size=300), min_size=1, max_size=4)),
        st.tuples(st.just(BINARY), st.lists(st.binary(max_size=300), min_size=1, max_size=4)),
        st.tuples(st.sampled_from([PING, PONG]), st.lists(st.binary(max_size=125), min_size=1, max_size=1)),
    ),
    max_size=8,
)  # fmt: skip


def written(sent: list[Message], limit: int) -> tuple[bytes, int | None]:
    """The frames of `sent`, and where the first begins that is too much."""
    data, excess = b"", None
    for opcode, pieces in sent:
        size = 0
        for i, piece in enumerate(pieces):
            size += len(piece) if opcode in {TEXT, BINARY} else 0
            if size > limit and excess is None:
                excess = len(data)
            data += frame(piece, opcode if i == 0 else CONT, fin=i == len(pieces) - 1)
    return data, excess


@given(sent=messages, limit=st.integers(1, 400), cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_the_first_frame_too_much_is_found_however_the_bytes_are_cut(
    sent: list[Message], limit: int, cuts: list[int]
) -> None:
    data, excess = written(sent, limit)
    edges = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    lengths = _Lengths(limit)
    found: int | None = None
    for start, end in pairwise(edges):
        at = lengths.find_excess(data[start:end], 0)
        if at is not None:
            assert found is None
            found = start + at
            # What is cut off begins at the frame, or where its header was cut.
            assert excess is not None
            assert found == max(excess, start)
            break
    assert (found is None) == (excess is None)


@pytest.mark.parametrize(
    "unseen",
    [
        close_frame(1000),
        frame("", mask=b"1234"),
        frame("", rsv=4),
        frame("", 0x3),
        frame("", 0xB),
    ],
)
def test_behind_a_close_or_a_broken_frame_nothing_is_measured(unseen: bytes) -> None:
    lengths = _Lengths(10)
    assert lengths.find_excess(unseen + frame("x" * 11), 0) is None
    assert lengths.find_excess(frame("x" * 11), 0) is None


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_can_be_measured(pieces: list[bytes]) -> None:
    lengths = _Lengths(10)
    for piece in pieces:
        at = lengths.find_excess(piece, 0)
        assert at is None or 0 <= at <= len(piece)
