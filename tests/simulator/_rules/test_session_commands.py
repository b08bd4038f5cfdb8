"""What a session is told to be: announced, updated, refused as a whole."""

from __future__ import annotations

import pytest

from anyrealtime.simulator._rules._session import Kind
from tests.simulator.driver import Driver, kinds


def test_session_created_comes_first() -> None:
    [created] = Driver().opening
    assert created["type"] == "session.created"
    assert created["session"]["model"] == "gpt-realtime"
    assert created["session"]["expires_at"] == 1_700_000_000


def test_sideband_is_not_greeted() -> None:
    assert Driver(sideband=True).opening == []


def test_transcription_session_has_no_responses() -> None:
    driver = Driver(kind="transcription")
    assert driver.opening[0]["session"]["object"] == "realtime.transcription_session"
    assert driver.refused("response.create")["code"] == "invalid_value"
    updated = driver.tell(
        "session.update",
        session={
            "type": "transcription",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}},
        },
    )
    assert updated[0]["session"]["audio"]["input"]["transcription"]["model"] == "whisper-1"


def test_a_refused_update_is_discarded_whole() -> None:
    driver = Driver()
    error = driver.refused(
        "session.update",
        session={"type": "realtime", "instructions": "Sing.", "bogus_field": 1},
    )
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.bogus_field")
    [updated] = driver.tell("session.update", session={"type": "realtime"})
    assert updated["session"] == driver.opening[0]["session"]


def test_update_answers_with_the_whole_session() -> None:
    driver = Driver()
    [updated] = driver.tell(
        "session.update",
        session={
            "type": "realtime",
            "output_modalities": ["text"],
            "audio": {"input": {"turn_detection": None}},
        },
    )
    session = updated["session"]
    assert session["output_modalities"] == ["text"]
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert session["audio"]["output"]["voice"] == "alloy"


def test_voice_is_settled_once_the_assistant_was_heard() -> None:
    driver = Driver()
    change = {"type": "realtime", "audio": {"output": {"voice": "marin"}}}
    assert kinds(driver.tell("session.update", session=change)) == ["session.updated"]
    driver.answer("Hello.")
    change = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
    assert driver.refused("session.update", session=change)["code"] == "cannot_update_voice"


def test_the_model_of_a_session_stays() -> None:
    driver = Driver()
    same = {"type": "realtime", "model": "gpt-realtime"}
    assert kinds(driver.tell("session.update", session=same)) == ["session.updated"]
    change = {"type": "realtime", "model": "gpt-realtime-mini", "instructions": "Sing."}
    error = driver.refused("session.update", session=change)
    assert (error["code"], error["param"]) == ("invalid_value", "session.model")
    [updated] = driver.tell("session.update", session=same)
    assert updated["session"] == driver.opening[0]["session"]


def test_a_beta_transcription_has_an_event_of_its_own() -> None:
    driver = Driver(dialect="beta", kind="transcription")
    [created] = driver.opening
    assert created["type"] == "transcription_session.created"
    assert created["session"]["object"] == "realtime.transcription_session"
    [updated] = driver.tell(
        "transcription_session.update",
        session={
            "input_audio_format": "g711_ulaw",
            "input_audio_transcription": {"model": "whisper-1"},
            "turn_detection": None,
        },
    )
    assert updated["type"] == "transcription_session.updated"
    assert updated["session"]["input_audio_format"] == "g711_ulaw"
    assert updated["session"]["input_audio_transcription"]["model"] == "whisper-1"
    assert updated["session"]["turn_detection"] is None
    assert driver.refused("session.update", session={})["param"] == "type"


def test_a_beta_conversation_is_not_updated_as_a_transcription() -> None:
    error = Driver(dialect="beta").refused("transcription_session.update", session={})
    assert (error["code"], error["param"]) == ("invalid_value", "type")


@pytest.mark.parametrize(
    ("kind", "said"), [("conversation", "transcription"), ("transcription", "realtime")]
)
def test_the_type_of_a_session_stays(kind: Kind, said: str) -> None:
    error = Driver(kind=kind).refused("session.update", session={"type": said})
    assert (error["code"], error["param"]) == ("invalid_value", "session.type")
