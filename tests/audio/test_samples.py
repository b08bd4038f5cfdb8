"""PCM and numbers, on machines of both byte orders."""

from __future__ import annotations

from array import array

import pytest

from anyrealtime.audio._samples import to_pcm, to_samples
from anyrealtime.errors import ConfigurationError


def test_the_wire_is_little_endian() -> None:
    assert to_samples(b"\x01\x00\xff\xff\x00\x80") == array("h", [1, -1, -32_768])
    assert to_pcm([1, -1, -32_768]) == b"\x01\x00\xff\xff\x00\x80"


def test_the_other_byte_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pcm = b"\x01\x02\x03\x04"
    here = to_samples(pcm)
    # Whatever this machine is, it is told to be the other one once.
    for order in ("big", "little"):
        monkeypatch.setattr("sys.byteorder", order)
        assert to_pcm(to_samples(pcm)) == pcm
    here.byteswap()
    monkeypatch.setattr("sys.byteorder", "big")
    assert to_samples(pcm) == here


def test_a_cut_sample() -> None:
    with pytest.raises(ConfigurationError, match=r"^pcm: 3 bytes"):
        to_samples(b"abc")
