"""The tones that stand for speech."""

from __future__ import annotations

import struct

from anyrealtime.simulator import speak
from anyrealtime.simulator._speech import BYTES_PER_MS


def test_the_same_word_sounds_the_same() -> None:
    assert speak("word") == speak(" Word\n")
    assert speak("one two") == speak("one") + speak("two")
    assert speak("one") != speak("two")


def test_it_lasts_as_long_as_speech() -> None:
    sentence = "This is a sentence of nine words, more or less."
    seconds = len(speak(sentence)) / BYTES_PER_MS / 1000
    assert 1.5 < seconds < 4
    assert len(speak("x" * 500)) < 500 * BYTES_PER_MS


def test_it_is_whole_samples_and_not_loud() -> None:
    sound = speak("Hello there, world! – ok 42")
    assert len(sound) % 2 == 0
    samples = [sample for (sample,) in struct.iter_unpack("<h", sound)]
    assert 3_000 < max(samples) < 10_000
    assert min(samples) < -3_000


def test_silence() -> None:
    assert speak("") == speak("  \n") == b""
    assert set(speak("--")) == {0}
