"""Turns in synthetic sound: where they begin and end, to a frame, however the sound is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrealtime.simulator._rules._audio import bytes_per_ms, encoded
from anyrealtime.simulator._rules._grammar import (
    Format,
    Pcm,
    Pcma,
    Pcmu,
    SemanticVad,
    ServerVad,
    TurnDetection,
)
from anyrealtime.simulator._rules._turns import (
    Fact,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    as_server_vad,
)
from anyrealtime.simulator._sound._detectors import EnergyDetector
from anyrealtime.simulator._sound._speech import speak
from tests.simulator.sounds import mixed, noise, silence, tone

FRAME_MS = EnergyDetector.frame_ms
FORMATS: list[Format] = [Pcm(), Pcmu(), Pcma()]
each_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: type(form).__name__)


def facts(
    pcm: bytes,
    vad: TurnDetection | None = None,
    *,
    form: Format | None = None,
    cuts: list[int] | None = None,
) -> list[Fact]:
    """What is heard in `pcm`, put in `form` and cut at these bytes."""
    form = form or Pcm()
    turns = TurnDetector(EnergyDetector(), form, 0)
    sound = encoded(pcm, form)
    edges = [0, *sorted(cut % (len(sound) + 1) for cut in cuts or []), len(sound)]
    limits = as_server_vad(vad or ServerVad())
    return [fact for start, end in pairwise(edges) for fact in turns.hear(sound[start:end], limits)]


def test_silence_is_nothing() -> None:
    assert facts(silence(3_000)) == []


@each_format
def test_a_turn_has_the_padding_before_it_and_the_silence_behind_it(form: Format) -> None:
    sound = silence(1_000) + tone(500) + silence(400)
    assert facts(sound, form=form) == [SpeechStarted(1_000 - 300), SpeechStopped(1_500 + 200)]


@each_format
def test_speech_at_once_begins_at_zero(form: Format) -> None:
    assert facts(tone(300) + silence(300), form=form) == [SpeechStarted(0), SpeechStopped(500)]


def test_settings() -> None:
    sound = silence(1_000) + tone(500) + silence(900)
    vad = ServerVad(prefix_padding_ms=0, silence_duration_ms=640)
    assert facts(sound, vad) == [SpeechStarted(1_000), SpeechStopped(2_140)]
    vad = ServerVad(prefix_padding_ms=5_000, silence_duration_ms=0)
    assert facts(sound, vad) == [SpeechStarted(0), SpeechStopped(1_520)]
    assert facts(sound, ServerVad(silence_duration_ms=5_000)) == [SpeechStarted(700)]


def test_a_silence_that_is_no_whole_number_of_frames_lasts_a_frame_longer() -> None:
    sound = tone(500) + silence(900)
    assert facts(sound, ServerVad(silence_duration_ms=401))[1] == SpeechStopped(920)


def test_a_pause_shorter_than_the_silence_ends_nothing() -> None:
    sound = tone(300) + silence(180) + tone(300) + silence(200)
    assert facts(sound) == [SpeechStarted(0), SpeechStopped(980)]
    assert len(facts(sound, ServerVad(silence_duration_ms=100))) == 4


def test_the_silence_behind_the_shortest_speech_is_as_long() -> None:
    assert facts(tone(60) + silence(500)) == [SpeechStarted(0), SpeechStopped(260)]


def test_a_click_is_no_speech() -> None:
    assert facts(silence(500) + tone(8, loud=20_000) + silence(500)) == []


def test_the_threshold_is_how_loud_one_must_be() -> None:
    quiet = silence(500) + tone(500, loud=600) + silence(500)
    assert len(facts(quiet, ServerVad(threshold=0.5))) == 2
    assert len(facts(quiet, ServerVad(threshold=0.9))) == 0
    whisper = silence(500) + tone(500, loud=150) + silence(500)
    assert len(facts(whisper, ServerVad(threshold=0.5))) == 0
    assert len(facts(whisper, ServerVad(threshold=0.1))) == 2


@pytest.mark.parametrize(
    ("eagerness", "silence_ms"), [("low", 2_000), ("medium", 1_000), ("auto", 1_000), ("high", 500)]
)
def test_a_semantic_vad_waits_longer(eagerness: str, silence_ms: int) -> None:
    vad = SemanticVad(eagerness=eagerness)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sound = silence(400) + tone(400) + silence(2_500)
    assert facts(sound, vad) == [SpeechStarted(100), SpeechStopped(800 + silence_ms)]
    kept = as_server_vad(SemanticVad(create_response=False, interrupt_response=False))
    assert not kept.create_response
    assert not kept.interrupt_response


def test_the_sound_may_begin_late_in_the_session() -> None:
    turns = TurnDetector(EnergyDetector(), Pcm(), 7_000)
    heard = turns.hear(silence(100) + tone(200) + silence(200), ServerVad(prefix_padding_ms=50))
    assert heard == [SpeechStarted(7_050), SpeechStopped(7_500)]


def test_settings_change_in_mid_turn() -> None:
    turns = TurnDetector(EnergyDetector(), Pcm(), 0)
    assert turns.hear(tone(400) + silence(300), ServerVad(silence_duration_ms=600)) == [
        SpeechStarted(0)
    ]
    assert turns.hear(silence(20), ServerVad(silence_duration_ms=100)) == [SpeechStopped(720)]


def test_a_spoken_sentence_is_one_turn() -> None:
    said = speak("Hello there. What a day it is, is it not?")
    started, stopped = facts(silence(500) + said + silence(500))
    assert started == SpeechStarted(200)
    assert isinstance(stopped, SpeechStopped)
    assert 0 <= 500 + len(said) // 48 + 200 - stopped.end_ms < 240  # it ends in a pause


onsets = st.integers(300, 1_500)
lengths = st.integers(100, 900)


@settings(max_examples=40)
@given(onset=onsets, length=lengths, hiss=st.sampled_from([0, 60, 250]))
def test_right_to_a_frame_in_noise_too(onset: int, length: int, hiss: int) -> None:
    voice = silence(onset) + tone(length) + silence(600)
    sound = mixed(voice, noise(len(voice) // 48, loud=hiss)) if hiss else voice
    started, stopped = facts(sound, ServerVad(prefix_padding_ms=0, silence_duration_ms=200))
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert abs(started.start_ms - onset) <= FRAME_MS
    assert abs(stopped.end_ms - (onset + length + 200)) <= FRAME_MS


SOUND = silence(330) + tone(170) + silence(250) + noise(210, loud=9_000) + silence(333)


@settings(max_examples=60)
@given(form=st.sampled_from(FORMATS), cuts=st.lists(st.integers(0, 10**6), max_size=60))
def test_any_cutting_of_the_same_sound_gives_the_same_facts(form: Format, cuts: list[int]) -> None:
    whole = facts(SOUND, form=form)
    assert len(whole) == 4
    assert facts(SOUND, form=form, cuts=cuts) == whole


def test_one_byte_at_a_time() -> None:
    sound = SOUND[: 700 * bytes_per_ms(Pcmu()) * 3]
    every_byte = list(range(len(encoded(sound, Pcmu()))))
    assert facts(sound, form=Pcmu(), cuts=every_byte) == facts(sound, form=Pcmu())
