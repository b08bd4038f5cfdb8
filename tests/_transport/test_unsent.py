"""What waits for the socket: in order, counted until it is written, and bounded against the peer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._transport._unsent import _MOST_PONGS, Unsent

PONG = b"\x8a"
TEXT = b"\x81"

frames = st.lists(
    st.tuples(st.sampled_from([PONG, PONG, TEXT]), st.binary(max_size=4)).map(b"".join),
    max_size=4 * _MOST_PONGS,
)


@given(frames)
def test_only_pongs_of_too_many_are_left_out(given_frames: list[bytes]) -> None:
    unsent = Unsent()
    kept: list[bytes] = []
    for frame in given_frames:
        pongs = [index for index, one in enumerate(kept) if one[:1] == PONG]
        if frame[:1] == PONG and len(pongs) == _MOST_PONGS:
            if pongs[-1] == len(kept) - 1:
                kept[-1] = frame
        else:
            kept.append(frame)
        unsent.put(frame)
    assert unsent.size_bytes == sum(map(len, kept))
    assert bool(unsent) == bool(kept)
    assert unsent.take() == b"".join(kept)
    assert not unsent


def test_what_was_taken_counts_until_it_is_written() -> None:
    unsent = Unsent()
    unsent.put(TEXT)
    assert unsent.take() == TEXT
    unsent.put(TEXT + TEXT)
    assert unsent.size_bytes == 3
    unsent.written(1)
    assert unsent.size_bytes == 2
    unsent.clear()
    assert (unsent.size_bytes, unsent.take()) == (0, b"")


def test_pongs_that_were_taken_make_room_for_others() -> None:
    unsent = Unsent()
    for number in range(2 * _MOST_PONGS):
        unsent.put(PONG + bytes([number]))
    assert len(unsent.take()) == 2 * _MOST_PONGS
    unsent.put(PONG)
    unsent.put(TEXT)
    assert unsent.take() == PONG + TEXT


def test_a_pong_too_many_is_left_out_behind_a_text() -> None:
    unsent = Unsent()
    pongs = [PONG + bytes([number]) for number in range(_MOST_PONGS)]
    for frame in (*pongs, TEXT, PONG):
        unsent.put(frame)
    assert unsent.take() == b"".join([*pongs, TEXT])
