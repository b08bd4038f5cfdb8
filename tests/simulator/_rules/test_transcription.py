"""How the words of what was said aloud are told: pieces, segments, what they cost, doubts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.driver import Driver, kinds
from tests.simulator.schemas import Json

KIND = "conversation.item.input_audio_transcription."


def transcribed(words: str | None, model: str, **session: Any) -> list[Json]:
    """Have two seconds of sound made out as `words`."""
    driver = Driver(kind="transcription")
    driver.words = words
    heard = {"transcription": {"model": model}, "turn_detection": None}
    update = {"type": "transcription", "audio": {"input": heard}, **session}
    driver.tell("session.update", session=update)
    driver.hear(bytes(2_000 * 48))
    events = driver.tell("input_audio_buffer.commit")
    assert kinds(events)[:3] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    return events[3:]


def test_words_come_as_they_are_made_out() -> None:
    *deltas, completed = transcribed("One two. Three.", "gpt-4o-transcribe")
    assert [delta["delta"] for delta in deltas] == ["One", " two.", " Three."]
    assert completed["transcript"] == "One two. Three."
    assert completed["usage"] == {
        "type": "tokens",
        "total_tokens": 25,
        "input_tokens": 20,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 20},
        "output_tokens": 5,
    }
    assert "logprobs" not in completed


def test_the_oldest_model_writes_at_once_and_is_paid_by_time() -> None:
    delta, completed = transcribed("One two. Three.", "whisper-1")
    assert delta["delta"] == "One two. Three."
    assert completed["usage"] == {"type": "duration", "seconds": 2.0}


def test_speakers_are_told_apart_in_segments() -> None:
    events = transcribed("One two. Three!", "gpt-4o-transcribe-diarize")
    segments = [event for event in events if event["type"] == f"{KIND}segment"]
    assert [segment["text"] for segment in segments] == ["One two.", "Three!"]
    assert len({segment["id"] for segment in segments}) == 2
    assert [(segment["start"], segment["end"]) for segment in segments] == [
        (0.0, 1.067),
        (1.2, 2.0),
    ]
    assert events[-1]["type"] == f"{KIND}completed"


def test_doubts_are_told_where_they_are_asked_for() -> None:
    include = ["item.input_audio_transcription.logprobs"]
    *deltas, completed = transcribed("One two.", "gpt-4o-transcribe", include=include)
    assert [delta["logprobs"][0]["token"] for delta in deltas] == ["One", " two."]
    assert [doubt["token"] for doubt in completed["logprobs"]] == ["One", " two."]
    assert completed["logprobs"][0]["bytes"] == [79, 110, 101]


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe-diarize"])
def test_without_words_the_length_is_told(model: str) -> None:
    events = transcribed(None, model)
    assert events[-1]["transcript"] == "(2.0 seconds of audio)"


def test_nothing_is_transcribed_unasked() -> None:
    driver = Driver(kind="transcription")
    driver.hear(bytes(9_600))
    assert len(driver.tell("input_audio_buffer.commit")) == 3
