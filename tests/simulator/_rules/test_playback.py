"""What a client that watches a call is told of its sound."""

from __future__ import annotations

from tests.simulator.driver import Driver, finish, kinds
from tests.simulator.sounds import silence, tone


def test_sound_is_played_on_the_call_and_not_sent() -> None:
    driver = Driver(sideband=True)
    events = driver.answer("Hello there!")
    assert "response.output_audio.delta" not in kinds(events)
    assert kinds(events).count("output_audio_buffer.started") == 1
    assert kinds(events)[-3:] == [
        "response.done",
        "output_audio_buffer.stopped",
        "rate_limits.updated",
    ]
    ids = {event["response_id"] for event in events if event["type"].startswith("output_audio_b")}
    assert ids == {events[-3]["response"]["id"]}


def test_a_text_response_plays_nothing() -> None:
    events = Driver(sideband=True).answer("Hello.", output_modalities=["text"])
    assert not any(kind.startswith("output_audio_buffer") for kind in kinds(events))


def test_who_speaks_into_it_has_it_cut_by_the_service() -> None:
    driver = Driver(sideband=True)
    run, _ = driver.start()
    finish(run.say("Hello", 1))
    finish(run.sound(bytes(48 * 300)))
    item_id = driver.take()[0]["item"]["id"]
    started, cleared, truncated, *rest = driver.hear(silence(500) + tone(100))
    assert started["type"] == "input_audio_buffer.speech_started"
    assert (cleared["type"], cleared["response_id"]) == ("output_audio_buffer.cleared", run.id)
    assert (truncated["item_id"], truncated["audio_end_ms"]) == (item_id, 300)
    assert "output_audio_buffer.stopped" not in kinds(rest)
    assert rest[-2]["response"]["status_details"]["reason"] == "turn_detected"


def test_a_client_clears_what_is_played() -> None:
    driver = Driver(sideband=True)
    run, _ = driver.start()
    finish(run.sound(bytes(4_800)))
    driver.take()
    [cleared] = driver.tell("output_audio_buffer.clear")
    assert cleared["response_id"] == run.id
    [cleared] = driver.tell("output_audio_buffer.clear")
    assert cleared["response_id"] == ""
