"""What is answered in a translation session."""

from __future__ import annotations

import base64

import pytest

from anyrealtime.simulator._sound._interpreter import Translation, TranslationFrame
from tests.simulator.driver import Driver, kinds
from tests.simulator.schemas import Json

FRAME = bytes([1, 2]) * 4_800


def append(driver: Driver, audio: bytes) -> list[Json]:
    text = base64.b64encode(audio).decode()
    return driver.tell("session.input_audio_buffer.append", audio=text)


def test_the_session_is_shown_as_a_translation() -> None:
    [created] = Driver(kind="translation").opening
    assert created["type"] == "session.created"
    assert created["session"] == {
        "type": "translation",
        "id": created["session"]["id"],
        "model": "gpt-realtime",
        "expires_at": 1_700_000_000,
        "audio": {
            "input": {"transcription": None, "noise_reduction": None},
            "output": {"language": "en"},
        },
    }


@pytest.mark.parametrize("type_", [{}, {"type": "translation"}])
def test_an_update_changes_what_it_names(type_: Json) -> None:
    driver = Driver(kind="translation")
    audio = {"input": {"transcription": {"model": "m"}}, "output": {"language": "es"}}
    [updated] = driver.tell("session.update", session={**type_, "audio": audio})
    assert updated["session"]["audio"] == {
        "input": {"transcription": {"model": "m"}, "noise_reduction": None},
        "output": {"language": "es"},
    }
    [updated] = driver.tell("session.update", session={"audio": {"input": {"transcription": None}}})
    assert updated["session"]["audio"]["input"]["transcription"] is None
    assert updated["session"]["audio"]["output"] == {"language": "es"}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": "realtime"}, "invalid_value", "session.type"),
        ({"model": "other"}, "unknown_parameter", "session.model"),
        (
            {"audio": {"output": {"language": "es", "voice": "alloy"}}},
            "unknown_parameter",
            "session.audio.output.voice",
        ),
        (
            {"audio": {"input": {"transcription": {}}}},
            "missing_required_parameter",
            "session.audio.input.transcription.model",
        ),
    ],
)
def test_a_wrong_update_is_discarded_whole(session: Json, code: str, param: str) -> None:
    driver = Driver(kind="translation")
    error = driver.refused("session.update", session=session)
    assert (error["code"], error["param"]) == (code, param)
    [updated] = driver.tell("session.update", session={})
    assert updated["session"] == driver.opening[0]["session"]


def test_sound_is_translated_in_frames_of_200_ms() -> None:
    driver = Driver(kind="translation")
    assert append(driver, FRAME[:-2]) == []
    transcript, audio = append(driver, FRAME[-2:])
    assert transcript["type"] == "session.output_transcript.delta"
    assert (transcript["delta"], transcript["elapsed_ms"]) == (" en-word1", 200)
    assert base64.b64decode(audio.pop("delta")) == FRAME
    audio.pop("event_id")
    assert audio == {
        "type": "session.output_audio.delta",
        "sample_rate": 24_000,
        "channels": 1,
        "format": "pcm16",
        "elapsed_ms": 200,
    }
    events = append(driver, FRAME * 2)
    texts = [event["delta"] for event in events if event["type"].endswith("transcript.delta")]
    assert texts == [" en-word2", " en-word3"]


def test_silence_takes_time_and_says_nothing() -> None:
    driver = Driver(kind="translation")
    assert append(driver, bytes(9_600)) == []
    assert append(driver, FRAME)[0]["elapsed_ms"] == 400


def test_the_source_is_transcribed_where_asked_for() -> None:
    driver = Driver(kind="translation")
    audio = {"input": {"transcription": {"model": "m"}}}
    driver.tell("session.update", session={"audio": audio})
    heard, *_ = append(driver, FRAME)
    assert heard["type"] == "session.input_transcript.delta"
    assert (heard["delta"], heard["elapsed_ms"]) == (" word1", 200)


def test_close_translates_the_rest_and_hangs_up() -> None:
    driver = Driver(kind="translation")
    append(driver, FRAME[:100])
    events = driver.tell("session.close")
    assert kinds(events) == [
        "session.output_transcript.delta",
        "session.output_audio.delta",
        "session.closed",
    ]
    assert base64.b64decode(events[1]["delta"]) == FRAME[:100].ljust(9_600, b"\0")
    assert driver.hung_up


def test_an_interpreter_is_told_the_language() -> None:
    heard: list[TranslationFrame] = []

    def interpret(frame: TranslationFrame) -> Translation:
        heard.append(frame)
        return Translation()

    driver = Driver(kind="translation", interpret=interpret)
    driver.tell("session.update", session={"audio": {"output": {"language": "fr"}}})
    assert append(driver, FRAME) == []
    assert heard == [TranslationFrame(audio=FRAME, elapsed_ms=200, language="fr")]


@pytest.mark.parametrize(
    "kind", ["response.create", "input_audio_buffer.append", "conversation.item.create"]
)
def test_conversations_are_held_elsewhere(kind: str) -> None:
    error = Driver(kind="translation").refused(kind)
    assert (error["code"], error["param"]) == ("invalid_value", "type")
