"""What is answered to the sound a client sends."""

from __future__ import annotations

import base64

from anyrealtime.simulator._grammar import MOST_APPEND_BYTES
from tests.simulator.driver import Driver, kinds

TENTH_OF_A_SECOND = base64.b64encode(bytes(4_800)).decode()


def test_append_is_not_acknowledged_and_commit_is() -> None:
    driver = Driver()
    previous = driver.say("Hi")["id"]
    assert driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND) == []
    committed, added, done = driver.tell("input_audio_buffer.commit")
    assert committed["type"] == "input_audio_buffer.committed"
    assert committed["previous_item_id"] == added["previous_item_id"] == previous
    assert committed["item_id"] == added["item"]["id"] == done["item"]["id"]
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=committed["item_id"])
    assert retrieved["item"]["content"][0]["audio"] == TENTH_OF_A_SECOND


def test_an_event_carries_only_so_much() -> None:
    driver = Driver()
    most = base64.b64encode(bytes(MOST_APPEND_BYTES)).decode()
    assert driver.tell("input_audio_buffer.append", audio=most) == []
    more = base64.b64encode(bytes(MOST_APPEND_BYTES + 1)).decode()
    error = driver.refused("input_audio_buffer.append", audio=more)
    assert (error["code"], error["param"]) == ("string_above_max_length", "audio")


def test_a_short_commit_is_refused_and_keeps_the_sound() -> None:
    driver = Driver()
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    half = base64.b64encode(bytes(2_400)).decode()
    driver.tell("input_audio_buffer.append", audio=half)
    error = driver.refused("input_audio_buffer.commit")
    assert "only has 50.00ms" in error["message"]
    driver.tell("input_audio_buffer.append", audio=half)
    assert driver.tell("input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_clear_forgets_the_sound() -> None:
    driver = Driver()
    driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND)
    assert kinds(driver.tell("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert driver.refused("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"


def test_a_transcript_comes_where_transcription_is_on() -> None:
    driver = Driver(obfuscate=True)
    change = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    driver.tell("session.update", session=change)
    driver.tell("input_audio_buffer.append", audio=TENTH_OF_A_SECOND)
    *_, delta, completed = driver.tell("input_audio_buffer.commit")
    assert delta["type"] == "conversation.item.input_audio_transcription.delta"
    assert "obfuscation" in delta
    assert completed["type"] == "conversation.item.input_audio_transcription.completed"
    assert delta["delta"] == completed["transcript"] == "(0.1 seconds of audio)"
    assert completed["usage"] == {"type": "duration", "seconds": 0.1}
