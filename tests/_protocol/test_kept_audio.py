from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._protocol._kept_audio import KeptAudio


def test_audio_is_kept_by_part() -> None:
    kept = KeptAudio(100)
    kept.add("a", 0, b"12")
    kept.add("a", 1, b"34")
    kept.add("a", 0, b"56")
    assert kept.get("a", 0) == b"1256"
    assert kept.get("a", 1) == b"34"
    assert kept.get("b", 0) == b""


def test_the_oldest_makes_room() -> None:
    kept = KeptAudio(6)
    kept.add("a", 0, b"12")
    kept.add("b", 0, b"34")
    kept.add("a", 0, b"56")
    kept.add("b", 0, b"7")
    assert kept.get("a", 0) == b"56"
    assert kept.get("b", 0) == b"347"
    kept.add("c", 0, b"12345678")  # more than there is room for
    assert [kept.get(item_id, 0) for item_id in "abc"] == [b"", b"", b""]


def test_what_is_forgotten_makes_room() -> None:
    kept = KeptAudio(6)
    kept.add("a", 0, b"12")
    kept.add("b", 0, b"34")
    kept.add("a", 1, b"56")
    kept.forget("a")
    kept.forget("never")
    assert kept.get("a", 0) == kept.get("a", 1) == b""
    kept.add("c", 0, b"7890")
    assert kept.get("b", 0) == b"34"


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.none() | st.binary(max_size=8))
    ),
    st.integers(1, 20),
)
def test_the_end_of_everything_is_kept(
    pieces: list[tuple[str, int, bytes | None]], max_bytes: int
) -> None:
    kept = KeptAudio(max_bytes)
    everything: list[tuple[str, int, bytes]] = []
    for item_id, index, audio in pieces:
        if audio is None:
            kept.forget(item_id)
            everything = [piece for piece in everything if piece[0] != item_id]
        else:
            kept.add(item_id, index, audio)
            everything.append((item_id, index, audio))
        while sum(len(piece[2]) for piece in everything) > max_bytes:
            del everything[0]
    for part in {(item_id, index) for item_id, index, _ in pieces}:
        assert kept.get(*part) == b"".join(piece[2] for piece in everything if piece[:2] == part)
