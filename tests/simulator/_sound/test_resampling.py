"""Sound at another rate keeps its length and its shape."""

from __future__ import annotations

import math
import struct

import pytest

from anyrealtime.simulator._sound import _resampling
from anyrealtime.simulator._sound._resampling import resampled


def tone(rate_hz: int, seconds: float = 0.1, pitch_hz: int = 300) -> bytes:
    turn = 2 * math.pi * pitch_hz / rate_hz
    wave = [round(8_000 * math.sin(turn * at)) for at in range(round(rate_hz * seconds))]
    return struct.pack(f"<{len(wave)}h", *wave)


def nothing(_: str) -> None:
    """What is found where nothing is installed."""


@pytest.fixture(params=["lines", "soxr"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to do it, the second where it is installed."""
    if request.param == "soxr":
        pytest.importorskip("soxr")
    else:
        monkeypatch.setattr(_resampling, "find_spec", nothing)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22_050, 24_000), (24_000, 16_000), (8_000, 24_000)]
)
def test_a_tone_stays_the_tone(from_hz: int, to_hz: int) -> None:
    made, wanted = resampled(tone(from_hz), from_hz, to_hz), tone(to_hz)
    assert abs(len(made) - len(wanted)) <= 4
    pairs = zip(struct.iter_unpack("<h", made), struct.iter_unpack("<h", wanted), strict=False)
    # The ends apart, where a filter has nothing to go by.
    inner = list(pairs)[100:-100]
    assert max(abs(mine - theirs) for (mine,), (theirs,) in inner) < 300


@pytest.mark.usefixtures("_way")
def test_nothing_stays_nothing() -> None:
    assert resampled(b"", 8_000, 24_000) == b""


def test_the_same_rate_is_the_same_sound() -> None:
    sound = tone(24_000)
    assert resampled(sound, 24_000, 24_000) is sound
