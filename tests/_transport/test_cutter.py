"""The cutter: the same messages and the same bytes passed on, however a stream is split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._transport._cutter import FrameCutter, _lengths, why_not_utf8
from tests._transport.raw_peer import BINARY, CONT, PING, PONG, TEXT, frame

Message = tuple[int, list[bytes]]

texts = st.text(max_size=70_000).map(str.encode)
pieces = st.lists(st.binary(max_size=300), min_size=1, max_size=4)
messages = st.lists(
    st.one_of(
        st.tuples(st.just(TEXT), st.lists(texts, min_size=1, max_size=1)),
        st.tuples(st.just(TEXT), st.lists(st.text(max_size=50).map(str.encode), min_size=2)),
        st.tuples(st.just(BINARY), pieces),
        st.tuples(st.sampled_from([PING, PONG]), st.lists(st.binary(max_size=125), min_size=1, max_size=1)),
    ),
    max_size=8,
)  # fmt: skip


def feed(cutter: FrameCutter, data: bytes) -> bytes:
    """Feed one read; return what was passed on."""
    passed = b""
    data, pos = cutter.begin(data), 0
    while (pos := cutter.cut(data, pos)) < len(data):
        stop = cutter.pass_on(data, pos)
        if stop == pos:
            break
        passed += data[pos:stop]
        pos = stop
    return passed


def written(sent: list[Message]) -> tuple[bytes, list[bytes], bytes]:
    """The frames of `sent`; the messages that are cut from them; the bytes that are passed on."""
    data, passed = b"", b""
    cut: list[bytes] = []
    for opcode, parts in sent:
        whole = opcode == TEXT and len(parts) == 1
        if whole:
            cut += parts
        for i, part in enumerate(parts):
            one = frame(part, opcode if i == 0 else CONT, fin=i == len(parts) - 1)
            data += one
            passed += b"" if whole else one
    return data, cut, passed


@given(sent=messages, cuts=st.lists(st.integers(0, 200_000), max_size=12))
def test_however_a_stream_is_split(sent: list[Message], cuts: list[int]) -> None:
    data, cut, passed = written(sent)
    edges = [0, *sorted({min(edge, len(data)) for edge in cuts}), len(data)]
    cutter = FrameCutter(10**6)
    got = b"".join(feed(cutter, data[start:end]) for start, end in pairwise(edges))
    assert (cutter.take(), got) == (cut, passed)
    others = [parts for opcode, parts in sent if opcode == BINARY or len(parts) > 1]
    assert cutter.passed_on == len(others)
    assert not cutter.too_long
    assert cutter.take() == []


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_byte_is_lost_or_made_up(reads: list[bytes]) -> None:
    cutter = FrameCutter(30)
    passed = b"".join(feed(cutter, read) for read in reads)
    cut = sum(map(len, cutter.messages))
    assert len(passed) + cut <= sum(map(len, reads))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_every_length_of_a_header_split_at_every_byte(size: int) -> None:
    data = frame("x" * size)
    for edge in range(15):
        cutter = FrameCutter(10**6)
        assert feed(cutter, data[:edge]) + feed(cutter, data[edge:]) == b""
        assert cutter.take() == [b"x" * size]


def test_a_length_met_before_is_held_against_the_bound_of_each_session() -> None:
    data = frame("x" * 200)
    for bound, cut in ((1000, [b"x" * 200]), (199, []), (200, [b"x" * 200])):
        cutter = FrameCutter(bound)
        assert feed(cutter, data) == (b"" if cut else data)
        assert (cutter.take(), cutter.too_long) == (cut, not cut)


def test_only_so_many_lengths_are_remembered() -> None:
    cutter = FrameCutter(10**6)
    sizes = [0, 125, 126, 8191, 8192, 65_535, 65_536]
    feed(cutter, b"".join(frame("x" * size) for size in sizes))
    assert list(map(len, cutter.take())) == sizes
    assert {126, 8191} <= set(_lengths.values()) <= set(range(126, 8192))


@pytest.mark.parametrize(
    ("data", "too_long"),
    [
        (frame("x" * 10), False),
        (frame("x" * 11), True),
        (frame("x" * 6, fin=False) + frame("x" * 5, CONT), True),
        (frame("x" * 6, fin=False) + frame("x" * 4, CONT) + frame("x" * 6, fin=False), False),
        (frame(b"x" * 11, PING), False),
    ],
    ids=["fits", "text", "fragments", "two messages", "control"],
)
def test_the_bound_counts_messages(data: bytes, too_long: bool) -> None:
    cutter = FrameCutter(10)
    feed(cutter, data)
    assert cutter.too_long is too_long


@pytest.mark.parametrize(
    "broken",
    [
        frame("", mask=b"1234"),
        frame("", rsv=4),
        frame("", 0x3),
        frame("", 0x8),
        frame("", CONT),
        frame("", PING, fin=False),
        frame("", PONG, rsv=1),
        frame("", PING, mask=b"1234"),
        frame("x" * 126, PING),
        frame("a", fin=False) + frame("b", fin=False),
    ],
)
def test_nothing_is_cut_behind_what_ends_the_connection(broken: bytes) -> None:
    cutter = FrameCutter(1000)
    assert feed(cutter, broken + frame("late")) == broken + frame("late")
    assert feed(cutter, frame("later")) == frame("later")
    assert cutter.take() == []


def test_text_that_is_no_utf8_is_cut_out_and_ends_the_cutting() -> None:
    cutter = FrameCutter(1000)
    data = frame("ok") + frame(b"\xc3\x28", TEXT) + frame("late")
    assert cutter.cut(data, 0) == len(data) - len(frame("late"))
    assert cutter.take() == [b"ok"]
    assert cutter.invalid == "invalid UTF-8 at position 0"


def test_a_split_text_that_is_no_utf8() -> None:
    cutter = FrameCutter(1000)
    data = frame("ü".encode()[:1] + b"x")
    feed(cutter, data[:3])
    assert not cutter.invalid
    cutter.cut(data[3:], 0)
    assert cutter.invalid


@given(st.binary(max_size=20))
def test_why_not_utf8_agrees_with_decoding(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        assert why_not_utf8(payload)
    else:
        assert why_not_utf8(payload) == ""
