"""The voices that have a name."""

from __future__ import annotations

from anyrealtime.simulator import speak
from anyrealtime.simulator._voices import named_voice


def test_tones_and_ones_own() -> None:
    def silent(text: str, voice: str, speed: float, /) -> bytes:
        return b""

    assert named_voice("tones") is speak
    assert named_voice(silent) is silent
