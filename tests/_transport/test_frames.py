"""The frame reader, without a loop: what comes out of a byte stream, and how it ends.

The model is the library alone, fed byte by byte: the reader must give the same messages, the
same ending and the same answers, however the stream is split and whatever is in it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyrealtime._transport._base import TransportClosed
from tests._transport.frame_model import (
    MAX_BYTES,
    OUR_CLOSE,
    WHOLE_HEADERS,
    Outcome,
    answers,
    make_reader,
    read_by_library,
    read_by_reader,
    told,
)
from tests._transport.raw_peer import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame

LOST: Final = (1006, "the connection ended without a CLOSE frame", "network")


def in_full(ending: TransportClosed | None) -> tuple[int, str, str]:
    assert ending is not None
    return ending.code, ending.reason, ending.by


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


# Byte streams: frames that keep the rules, frames that break one, and noise.

payloads = st.one_of(
    st.text(max_size=30).map(str.encode),
    st.binary(max_size=30),
    st.integers(120, MAX_BYTES + 5).map(lambda size: b"x" * size),
)
texts = payloads.map(frame)
fragments = st.lists(payloads, min_size=2, max_size=4)
codes = st.one_of(st.none(), st.integers(0, 5000))


def fragmented(parts: list[bytes], opcode: int, between: bytes) -> bytes:
    last = len(parts) - 1
    return between.join(
        frame(part, CONT if index else opcode, fin=index == last)
        for index, part in enumerate(parts)
    )


lawful = st.one_of(
    texts,
    texts,
    st.builds(fragmented, fragments, st.sampled_from([TEXT, BINARY]), texts | st.just(b"")),
    st.builds(fragmented, fragments, st.just(TEXT), st.binary(max_size=9).map(lambda p: frame(p, PING))),
    st.builds(frame, st.binary(max_size=125), st.sampled_from([BINARY, PING, PONG])),
    st.builds(close_frame, codes, st.binary(max_size=10)),
)  # fmt: skip
any_frame = st.builds(
    frame,
    payloads,
    st.integers(0, 15),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 1, 4]),
    mask=st.sampled_from([None, None, None, b"mask"]),
    length=st.one_of(st.none(), st.integers(0, 2**64 - 1)),
)
streams = st.lists(st.one_of(lawful, lawful, any_frame, st.binary(max_size=20)), max_size=8).map(
    b"".join
)


@given(streams, st.lists(st.integers(0, 1000), max_size=12), st.booleans())
@example(fragmented([b"a", b"b"], TEXT, close_frame(1000)), [], False)
@example(frame(b"\xff") + frame("late"), [3], True)
def test_the_reader_agrees_with_the_library(stream: bytes, cuts: list[int], closing: bool) -> None:
    stream += WHOLE_HEADERS
    reads = split(stream, cuts)
    assert read_by_reader(reads, closing=closing) == read_by_library(stream, closing=closing)


@given(streams)
def test_one_read_or_a_byte_at_a_time(stream: bytes) -> None:
    whole = read_by_reader([stream])
    assert read_by_reader([bytes([byte]) for byte in stream]) == whole


@given(streams, st.lists(st.binary(max_size=20), max_size=3))
def test_nothing_counts_behind_the_ending(stream: bytes, later: list[bytes]) -> None:
    reader, protocol = make_reader()
    reader.feed(stream)
    ended, messages = reader.ending, reader.take()
    protocol.data_to_send()
    if ended is not None:
        for data in later:
            reader.feed(data)
        assert reader.take() == []
        assert protocol.data_to_send() == []
    reader.feed_eof()
    assert reader.messages == []
    assert messages == read_by_reader([stream]).messages
    assert in_full(reader.ending) == (LOST if ended is None else in_full(ended))


@pytest.mark.parametrize(
    "message",
    [b"", b"{}", b"x" * 125, b"x" * 126, b"x" * MAX_BYTES, "ü".encode() * 100],
    ids=lambda message: f"{len(message)} bytes",
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_is_all_of_its_bytes(message: bytes, opcode: int) -> None:
    one = frame(message, opcode)
    for cut in range(len(one)):
        assert read_by_reader([one[:cut], one[cut:] + one]).messages == [message, message]


def test_what_was_taken_is_gone() -> None:
    reader, _ = make_reader()
    reader.feed(frame("one") + frame("two", BINARY))
    assert reader.messages == [b"one", b"two"]
    assert reader.take() == [b"one", b"two"]
    assert reader.take() == []
    reader.feed(frame("three"))
    assert reader.take() == [b"three"]


def test_pings_are_answered_in_their_order_among_whole_and_cut_texts() -> None:
    stream = frame("a") + frame("1", PING) + frame("b") + frame("2", PING) + frame("c")
    for cut in range(len(stream)):
        outcome = read_by_reader(split(stream, [cut]))
        assert outcome == Outcome([b"a", b"b", b"c"], None, [(PONG, b"1"), (PONG, b"2")])


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (close_frame(1000, "bye"), (1000, "bye", "server")),
        (close_frame(1001), (1001, "", "server")),
        (close_frame(4000, "ü"), (4000, "ü", "server")),
        (close_frame(), (1005, "", "server")),
    ],
    ids=["reason", "no reason", "umlaut", "empty"],
)
def test_the_servers_close_is_taken_at_its_word_and_echoed(
    said: bytes, heard: tuple[int, str, str]
) -> None:
    reader, protocol = make_reader()
    reader.feed(frame("last") + said + frame("late"))
    assert reader.take() == [b"last"]
    assert in_full(reader.ending) == heard
    assert answers(protocol) == [(CLOSE, said[2:])]


def test_our_own_close_is_ours_whatever_the_server_answers() -> None:
    for said in (close_frame(*OUR_CLOSE), close_frame(1011, "no, mine"), close_frame()):
        reader, _ = make_reader(closing=True)
        reader.feed(frame("on its way") + said)
        assert reader.take() == [b"on its way"]
        assert in_full(reader.ending) == (*OUR_CLOSE, "client")


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (frame("x", mask=b"1234"), 1002),
        (frame("x", rsv=4), 1002),
        (frame("x", 3), 1002),
        (frame("x", CONT), 1002),
        (frame("x", fin=False) + frame("y"), 1002),
        (frame("x", PING, fin=False), 1002),
        (frame("x" * 126, PING), 1002),
        (close_frame(999), 1002),
        (frame("1", CLOSE), 1002),
        (close_frame(1000, b"\xff"), 1007),
        (frame(b"\xc3\x28"), 1007),
        (frame("ü".encode()[:1], fin=False) + frame("x", CONT), 1007),
        (frame("x" * (MAX_BYTES + 1)), 1009),
        (frame("x" * (MAX_BYTES + 1), BINARY), 1009),
        (frame("", length=2**63), 1009),
        (frame("x" * MAX_BYTES, fin=False) + frame("x", CONT), 1009),
    ],
)
def test_a_server_that_breaks_a_rule_is_told_so(broken: bytes, code: int) -> None:
    for cut in range(len(broken)):
        reader, protocol = make_reader()
        reader.feed(frame("before") + broken[:cut])
        reader.feed(broken[cut:] + frame("late"))
        assert reader.take() == [b"before"]
        assert told(reader) == (code, "client")
        [(opcode, said)] = answers(protocol)
        assert (opcode, said[:2]) == (CLOSE, code.to_bytes(2, "big"))


def test_a_character_may_be_split_between_fragments() -> None:
    both = "ü".encode()
    stream = frame(both[:1], fin=False) + frame("?", PING) + frame(both[1:], CONT)
    assert read_by_reader([stream]) == Outcome([both], None, [(PONG, b"?")])


def test_bytes_need_not_be_text() -> None:
    stream = frame(b"\xff", BINARY, fin=False) + frame(b"\xfe", CONT)
    assert read_by_reader([stream]).messages == [b"\xff\xfe"]


def test_bad_text_while_we_are_closing_is_told_to_nobody() -> None:
    reader, protocol = make_reader(closing=True)
    protocol.data_to_send()
    reader.feed(frame(b"\xff") + close_frame(1000))
    assert told(reader) == (1007, "client")
    assert protocol.data_to_send() == []


def test_a_loss_behind_our_close_is_our_close() -> None:
    reader, _ = make_reader(closing=True)
    reader.feed_eof()
    assert in_full(reader.ending) == (*OUR_CLOSE, "client")


def test_the_first_ending_stands() -> None:
    reader, _ = make_reader()
    reader.end(1006, "reset")
    reader.end(1006, "and again")
    reader.feed_eof()
    reader.feed_eof()
    assert in_full(reader.ending) == (1006, "reset", "network")
