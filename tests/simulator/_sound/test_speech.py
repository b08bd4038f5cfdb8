"""The tones that stand for speech."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import speak
from anyrealtime.simulator._sound._speech import BYTES_PER_MS, Sentences


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


def test_every_voice_has_its_own_pitch() -> None:
    assert speak("word", "alloy") == speak("word")
    assert speak("word", "marin") != speak("word", "alloy")


def test_speed() -> None:
    sentence = "This is a sentence of nine words, more or less."
    natural = len(speak(sentence))
    assert 0.6 < len(speak(sentence, "alloy", 1.5)) / natural < 0.7
    assert 1.9 < len(speak(sentence, "alloy", 0.5)) / natural < 2.1
    assert len(speak(sentence, "alloy", 0.37)) % 2 == 0


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_speed_is_above_zero(speed: float) -> None:
    with pytest.raises(ConfigurationError, match="speed: expected a number above 0"):
        speak("word", "alloy", speed)


def test_sentences() -> None:
    sentences = Sentences()
    assert sentences.add("Hello") == []
    assert sentences.add(" there! It is 3") == ["Hello there! "]
    assert sentences.add(".5 degrees, “he said.” Now\n\nwhat? Well") == [
        "It is 3.5 degrees, “he said.” ",
        "Now\n\n",
        "what? ",
    ]
    assert sentences.rest() == ["Well"]
    assert sentences.rest() == []


def test_who_never_stops_is_spoken_too() -> None:
    sentences = Sentences()
    spoken = sentences.add("on and " * 100)
    assert spoken
    assert all(240 <= len(breath) < 250 for breath in spoken)
    assert [len(breath) for breath in sentences.add("x" * 3_000)] == [1_000] * 3


@given(st.lists(st.text("ab .!?\n", max_size=300)))
def test_nothing_is_left_unspoken(texts: list[str]) -> None:
    sentences = Sentences()
    spoken = [breath for text in texts for breath in sentences.add(text)]
    assert "".join([*spoken, *sentences.rest()]) == "".join(texts)
