"""What faults do to a frame, byte by byte."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from anyrealtime.simulator._faults._frames import cut_off, drifted, not_text, on_the_wire, type_of

FRAME = '{"type":"a","list":[{"word":"grün"},2],"none":null}'.encode()
EVENTS = st.dictionaries(st.text(), st.text() | st.integers() | st.none(), min_size=1).map(
    lambda event: json.dumps(event, ensure_ascii=False).encode(errors="surrogatepass")
)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'{"delta": 1, "type": "x"}', "x"),
        (b"{}", ""),
        (b"[]", ""),
        (b'{"type": 5}', ""),
        (b'{"type": ', ""),
        (b"\xff", ""),
        (b'{"type": "\xff"}', ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_type(frame: bytes, kind: str) -> None:
    assert type_of(frame) == kind


@pytest.mark.parametrize(
    ("field", "value", "then"),
    [
        ("type", "b", {"type": "b", "list": [{"word": "grün"}, 2], "none": None}),
        ("none", UNSET, {"type": "a", "list": [{"word": "grün"}, 2]}),
        ("none", [1], {"type": "a", "list": [{"word": "grün"}, 2], "none": [1]}),
        ("list.0.word", 3, {"type": "a", "list": [{"word": 3}, 2], "none": None}),
        ("list.1", UNSET, {"type": "a", "list": [{"word": "grün"}], "none": None}),
        ("list", None, {"type": "a", "list": None, "none": None}),
    ],
)
def test_a_field_drifts(field: str, value: object, then: dict[str, object]) -> None:
    assert json.loads(drifted(FRAME, field, value)) == then


@pytest.mark.parametrize("field", ["no", "list.2", "list.word", "type.x", "none.x", "list.0.no"])
def test_without_the_field_nothing_drifts(field: str) -> None:
    assert drifted(FRAME, field, 1) is FRAME


@pytest.mark.parametrize("frame", [b"", b"{", b"\xff", b"[]"])
def test_what_is_no_event_does_not_drift(frame: bytes) -> None:
    assert drifted(frame, "type", 1) == frame


@given(EVENTS, st.randoms())
def test_a_cut_frame_is_text_and_no_json(frame: bytes, random: Random) -> None:
    rest = cut_off(frame, random)
    assert frame.startswith(rest)
    text = rest.decode(errors="surrogatepass")
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


@given(EVENTS, st.randoms())
def test_a_broken_text_is_none(frame: bytes, random: Random) -> None:
    broken = not_text(frame, random)
    assert len(broken) == len(frame)
    with pytest.raises(UnicodeDecodeError):
        broken.decode()


def test_frames_on_the_wire() -> None:
    assert on_the_wire(b"{}") == b"\x81\x02{}"
    assert on_the_wire(b"{}", opcode="unheard of") == b"\x83\x02{}"
    assert on_the_wire(b"x" * 200)[:4] == b"\x81\x7e\x00\xc8"
