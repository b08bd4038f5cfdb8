"""The stream below trio-websocket: what it sees in passing, and that sending never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint

from anyrealtime._transport._wire import Wire
from tests._transport.raw_peer import BINARY, CLOSE, CONT, PING, TEXT, close_frame, frame

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


class Above:
    """What is above a wire: the messages it cut, and how often it asked for its turn."""

    def __init__(self) -> None:
        self.cut: list[bytes] = []
        self.turns: list[int] = []
        self.woken = 0
        self.over = False

    def deliver(self, messages: list[bytes]) -> None:
        self.cut += messages

    async def turn(self, passed_on: int) -> bool:
        await checkpoint()
        self.turns.append(passed_on)
        return not self.over

    def wake(self) -> None:
        self.woken += 1


def make(stream: ByteStream, above: Above | None = None, *, max_message_bytes: int = 100) -> Wire:
    above = above or Above()
    return Wire(
        stream, max_message_bytes, deliver=above.deliver, turn=above.turn, on_unsent=above.wake
    )


async def opened(
    *pieces: bytes, end: Exception | None = None, above: Above | None = None
) -> tuple[Wire, Scripted]:
    """A wire after an upgrade that was accepted."""
    stream = Scripted(ACCEPTED, *pieces, end=end)
    wire = make(stream, above)
    assert await wire.receive_some() == ACCEPTED
    return wire, stream


async def read_all(wire: Wire) -> bytes:
    received = b""
    while data := await wire.receive_some():
        received += data
    return received


# The answer to the upgrade


async def test_an_accepted_upgrade_cut_at_every_byte() -> None:
    whole = ACCEPTED + frame("one") + frame("two")
    for cut in range(1, len(whole)):
        above = Above()
        wire = make(Scripted(whole[:cut], whole[cut:]), above, max_message_bytes=3)
        assert await read_all(wire) == ACCEPTED
        assert wire.head is not None
        assert (wire.head.status, wire.fault, above.cut) == (101, None, [b"one", b"two"])


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
    wire, _ = await opened(b"\x89", b"\x00")
    wire.last_heard = 0.0
    assert await wire.receive_some() == b"\x89\x00"
    assert wire.last_heard > 0.0


async def test_texts_are_cut_and_everything_else_is_passed_on() -> None:
    above = Above()
    ping, binary = frame("", PING), frame(b"\x00\x01", BINARY)
    wire, _ = await opened(
        frame("one") + ping + frame("two") + binary + frame("three"), above=above
    )
    assert await wire.receive_some() == ping
    assert above.cut == [b"one"]
    assert await wire.receive_some() == binary
    assert above.cut == [b"one", b"two"]
    assert await wire.receive_some() == b""
    assert above.cut == [b"one", b"two", b"three"]


async def test_order_is_kept_by_waiting_for_what_was_passed_on() -> None:
    above = Above()
    wire, _ = await opened(frame(b"1", BINARY) + frame("two"), above=above)
    await read_all(wire)
    assert above.turns[0] == 0
    assert above.turns[-1] == 1  # before the text is cut


async def test_nothing_is_cut_once_the_library_is_done() -> None:
    above = Above()
    late = frame("late")
    wire, _ = await opened(late, above=above)
    above.over = True
    assert await read_all(wire) == late
    assert above.cut == []


async def test_a_fragmented_text_is_the_librarys() -> None:
    above = Above()
    first, ping, last = frame("on", fin=False), frame("", PING), frame("e", CONT)
    wire, _ = await opened(first + ping + last + frame("two"), above=above)
    assert await read_all(wire) == first + ping + last
    assert above.cut == [b"two"]


@pytest.mark.parametrize(
    ("long", "before"),
    [
        (frame("x" * 101), b""),
        (frame(b"x" * 101, BINARY), b""),
        (frame("x" * 60, fin=False) + frame("x" * 41, CONT), frame("x" * 60, fin=False)),
        (frame("", length=2**40), b""),
    ],
    ids=["text", "binary", "fragments", "only claimed"],
)
async def test_a_message_too_long_never_reaches_the_library(long: bytes, before: bytes) -> None:
    above = Above()
    wire, stream = await opened(frame("ok") + long + frame("late"), above=above)
    assert await read_all(wire) == before
    assert above.cut == [b"ok"]
    assert wire.fault == (1009, "the message is too long")
    await wire.flush()
    assert stream.sent[0][0] == 0x80 | CLOSE


async def test_text_that_is_no_utf8_is_a_fault() -> None:
    above = Above()
    wire, _ = await opened(frame("ok") + frame(b"\xff", TEXT) + frame("late"), above=above)
    assert await read_all(wire) == b""
    assert above.cut == [b"ok"]
    assert wire.fault is not None
    assert wire.fault[0] == 1007


@pytest.mark.parametrize(
    "last",
    [close_frame(1000), frame("", mask=b"1234"), frame("", rsv=4), frame("", 0x3), frame("", CONT)],
    ids=["close", "masked", "rsv", "opcode", "stray continuation"],
)
async def test_behind_a_close_or_a_broken_frame_nothing_is_cut(last: bytes) -> None:
    above = Above()
    wire, _ = await opened(last + frame("late"), frame("later"), above=above)
    assert await read_all(wire) == last + frame("late") + frame("later")
    assert above.cut == []


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
    above = Above()
    stream = Scripted()
    wire = make(stream, above)
    await wire.send_all(b"\x81one")
    await wire.send_all(bytearray(b"\x81two"))
    assert (stream.sent, wire.unsent.size_bytes, above.woken) == ([], 8, 2)
    await wire.flush()
    assert (stream.sent, wire.unsent.size_bytes) == ([b"\x81one\x81two"], 0)
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
    assert wire.unsent.size_bytes == 0
    await wire.send_all(b"\x81two")
    assert wire.unsent.size_bytes == 0


async def test_the_librarys_aclose_does_nothing() -> None:
    await make(Scripted()).aclose()
