"""What is answered to the sound a client sends."""

from __future__ import annotations

import base64

import pytest

from anyrealtime.simulator._rules._audio import encoded
from anyrealtime.simulator._rules._grammar import MOST_APPEND_BYTES, Pcma, Pcmu
from anyrealtime.simulator._sound._detectors import EnergyDetector
from anyrealtime.simulator._sound._speech import speak
from tests.simulator.driver import Driver, finish, kinds
from tests.simulator.schemas import Dialect, Json
from tests.simulator.sounds import silence, tone

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


# What is heard


TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
SPOKEN = silence(1_000) + tone(500) + silence(400)


def listening(driver: Driver, **turn_detection: object) -> None:
    """Have turns detected this way."""
    detection = {"type": "server_vad", **turn_detection}
    heard: Json = {"turn_detection": detection}
    session: Json = {"type": "realtime", "audio": {"input": heard}}
    if driver.rules.opening.beta:
        session = heard
    [event] = driver.tell("session.update", session=session)
    assert event["type"] == "session.updated", event


@pytest.mark.parametrize("chunk_ms", [None, 20, 33, 500])
def test_a_turn_is_heard_and_answered(chunk_ms: int | None) -> None:
    driver = Driver()
    previous = driver.say("Hi")["id"]
    events = driver.hear(SPOKEN, chunk_ms)
    assert kinds(events) == [*TURN, "response.created"]
    started, stopped, committed, added, done, _ = events
    assert started["audio_start_ms"] == 700
    assert stopped["audio_end_ms"] == 1_700
    item_id = started["item_id"]
    assert item_id == stopped["item_id"] == committed["item_id"] == added["item"]["id"]
    assert committed["previous_item_id"] == added["previous_item_id"] == previous
    assert done["item"] == added["item"]
    assert [entry.id for entry in driver.started[-1].context] == [previous, item_id]


def test_the_message_holds_the_turn_and_nothing_before_or_behind_it() -> None:
    driver = Driver()
    events = driver.hear(SPOKEN)
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=events[0]["item_id"])
    sound = base64.b64decode(retrieved["item"]["content"][0]["audio"])
    assert sound == SPOKEN[700 * 48 : 1_700 * 48]
    rest = driver.tell("input_audio_buffer.commit")[0]["item_id"]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=rest)
    assert base64.b64decode(retrieved["item"]["content"][0]["audio"]) == SPOKEN[1_700 * 48 :]


def test_two_turns_in_one_event_are_two() -> None:
    driver = Driver()
    listening(driver, create_response=False)
    events = driver.hear(SPOKEN + SPOKEN)
    assert [event["type"] for event in events] == TURN + TURN
    times = [event.get("audio_start_ms", event.get("audio_end_ms")) for event in events]
    assert [ms for ms in times if ms is not None] == [700, 1_700, 2_600, 3_600]
    assert events[7]["previous_item_id"] == events[0]["item_id"] != events[5]["item_id"]


def test_the_padding_does_not_reach_into_the_turn_before() -> None:
    driver = Driver()
    listening(driver, create_response=False, prefix_padding_ms=10_000)
    events = driver.hear(SPOKEN + SPOKEN)
    assert [event["audio_start_ms"] for event in events if "audio_start_ms" in event] == [0, 1_700]


def test_without_create_response_nobody_answers() -> None:
    driver = Driver()
    listening(driver, create_response=False)
    assert kinds(driver.hear(SPOKEN)) == TURN
    assert driver.started == []


def test_without_turn_detection_nobody_listens() -> None:
    driver = Driver()
    change = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    driver.tell("session.update", session=change)
    assert driver.hear(SPOKEN) == []
    committed = driver.tell("input_audio_buffer.commit")
    assert kinds(committed) == TURN[2:]


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
def test_g711_is_heard(form: str) -> None:
    driver = Driver()
    change = {"type": "realtime", "audio": {"input": {"format": {"type": form}}}}
    driver.tell("session.update", session=change)
    started, stopped, *_ = driver.hear(encoded(SPOKEN, Pcmu() if form.endswith("u") else Pcma()))
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 1_700)


def test_beta_hears_too() -> None:
    driver = Driver(dialect="beta")
    driver.tell("session.update", session={"input_audio_format": "g711_ulaw"})
    assert kinds(driver.hear(encoded(SPOKEN, Pcmu()))) == [
        *TURN[:3],
        "conversation.item.created",
        "response.created",
        "rate_limits.updated",
    ]


def test_a_transcription_session_hears_and_does_not_answer() -> None:
    driver = Driver(kind="transcription")
    transcription = {"transcription": {"model": "whisper-1"}}
    driver.tell(
        "session.update", session={"type": "transcription", "audio": {"input": transcription}}
    )
    transcribed = "conversation.item.input_audio_transcription"
    events = driver.hear(SPOKEN)
    assert kinds(events) == [*TURN, f"{transcribed}.delta", f"{transcribed}.completed"]
    assert events[-1]["usage"] == {"type": "duration", "seconds": 1.0}


def test_the_answer_begins_before_the_transcript_comes() -> None:
    driver = Driver()
    change = {"type": "realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    driver.tell("session.update", session=change)
    assert kinds(driver.hear(SPOKEN))[5:7] == [
        "response.created",
        "conversation.item.input_audio_transcription.delta",
    ]


def test_each_session_has_a_detector_of_its_own_for_all_of_its_turns() -> None:
    made: list[EnergyDetector] = []

    def new() -> EnergyDetector:
        made.append(EnergyDetector())
        return made[-1]

    first, second = Driver(detector=new), Driver(detector=new)
    assert made == []
    first.hear(SPOKEN)
    first.tell("input_audio_buffer.clear")
    first.hear(SPOKEN)
    assert len(made) == 1
    second.hear(SPOKEN)
    assert len(made) == 2


# Barge-in


def test_who_speaks_interrupts_the_answer() -> None:
    driver = Driver()
    driver.say("Tell me a story")
    run, _ = driver.start()
    apart, _ = driver.start(conversation="none")
    finish(run.say("Once upon a time", 1))
    driver.take()
    events = driver.hear(silence(500) + tone(100))
    assert kinds(events)[0] == "input_audio_buffer.speech_started"
    [done] = [event for event in events if event["type"] == "response.done"]
    assert done["response"]["id"] == run.id
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert driver.stopped == [run.id]
    assert not apart.closed
    assert kinds(driver.hear(silence(400))) == [*TURN[1:], "response.created"]


def test_an_answer_that_may_not_be_interrupted_goes_on_and_leaves_no_room_for_another() -> None:
    driver = Driver()
    listening(driver, interrupt_response=False)
    run, _ = driver.start()
    *heard, error = driver.hear(SPOKEN)
    assert kinds(heard) == TURN
    assert error["error"]["code"] == "conversation_already_has_active_response"
    assert error["error"]["event_id"] is None
    assert not run.closed


# By hand, while turns are detected


def test_a_commit_while_somebody_speaks_splits_the_turn() -> None:
    driver = Driver()
    [started] = driver.hear(silence(500) + tone(300))
    committed, added, _ = driver.tell("input_audio_buffer.commit")
    assert committed["item_id"] == added["item"]["id"] == started["item_id"]
    stopped, second, *rest = driver.hear(tone(300) + silence(400))
    assert stopped["item_id"] == second["item_id"] != started["item_id"]
    assert stopped["audio_end_ms"] == 1_300
    assert kinds(rest)[-1] == "response.created"
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=second["item_id"])
    assert len(base64.b64decode(retrieved["item"]["content"][0]["audio"])) == 500 * 48


def test_a_clear_forgets_the_turn() -> None:
    driver = Driver()
    [started] = driver.hear(tone(300))
    assert kinds(driver.tell("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert driver.hear(silence(700)) == []
    assert driver.tell("input_audio_buffer.commit")[0]["item_id"] != started["item_id"]
    [again] = driver.hear(tone(100))
    assert again["item_id"] != started["item_id"]
    assert again["audio_start_ms"] == 1_000  # and not 300 earlier: what was committed is gone


def test_turn_detection_can_be_turned_off_in_mid_turn() -> None:
    driver = Driver()
    [started] = driver.hear(tone(300))
    change = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    driver.tell("session.update", session=change)
    assert driver.hear(silence(700)) == []
    committed = driver.tell("input_audio_buffer.commit")
    assert kinds(committed) == TURN[2:]
    assert committed[0]["item_id"] != started["item_id"]
    listening(driver)
    assert driver.hear(tone(300))[0]["audio_start_ms"] == 1_000


def test_a_new_format_is_heard_from_where_the_old_one_ended() -> None:
    driver = Driver()
    driver.hear(silence(500) + tone(300))
    change = {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}
    driver.tell("session.update", session=change)
    started, stopped, *_ = driver.hear(encoded(SPOKEN, Pcmu()))
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (1_500, 2_500)


def test_settings_may_change_in_mid_turn() -> None:
    driver = Driver()
    assert kinds(driver.hear(tone(300) + silence(180))) == TURN[:1]
    listening(driver, silence_duration_ms=100)
    assert driver.hear(silence(20))[0]["audio_end_ms"] == 500


def test_an_hour_of_silence_takes_no_room() -> None:
    driver = Driver()
    for _ in range(40):
        assert driver.hear(silence(1_000)) == []
    committed = driver.tell("input_audio_buffer.commit")[0]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=committed["item_id"])
    assert len(base64.b64decode(retrieved["item"]["content"][0]["audio"])) == 30_300 * 48


# Idle


def test_who_says_nothing_is_spoken_to() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000)
    driver.answer("Hello there")
    playing_ms = len(speak("Hello") + speak(" there")) // 48
    assert driver.alarms_ms == [playing_ms]
    driver.hear(silence(1_000))
    assert driver.ring() == []
    assert driver.alarms_ms == [playing_ms, 6_000]
    driver.hear(silence(6_016))
    events = driver.ring()
    triggered, committed, added, *_ = events
    assert kinds(events) == ["input_audio_buffer.timeout_triggered", *TURN[2:], "response.created"]
    assert (triggered["audio_start_ms"], triggered["audio_end_ms"]) == (1_000, 7_016)
    assert triggered["item_id"] == committed["item_id"] == added["item"]["id"]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=triggered["item_id"])
    assert len(base64.b64decode(retrieved["item"]["content"][0]["audio"])) == 6_016 * 48
    assert driver.ring() == []


def test_a_client_that_sends_no_sound_is_spoken_to_as_well() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000, create_response=False)
    driver.answer("Hello", output_modalities=["text"])
    driver.ring()
    events = driver.ring()
    assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (0, 0)
    assert kinds(events)[-1] == "response.created"
    driver.started[-1].run.complete()
    driver.take()
    assert driver.alarms_ms == [0, 6_000, 0]


def test_speech_and_answers_end_the_wait() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000, create_response=False)
    driver.answer("Hello")
    driver.ring()
    driver.hear(SPOKEN)
    assert driver.ring() == []
    driver.answer("Hello again")
    driver.ring()
    driver.start()
    assert driver.ring() == []


def test_an_answer_that_is_not_of_the_conversation_is_not_waited_for() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000)
    driver.answer("Hello", conversation="none")
    assert driver.alarms_ms == []


def test_who_interrupts_is_not_waited_for() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000)
    driver.start()
    driver.hear(tone(200))
    assert driver.alarms_ms == []


def test_a_committed_turn_is_not_waited_for() -> None:
    driver = Driver()
    listening(driver, idle_timeout_ms=6_000)
    driver.answer("Hello")
    driver.ring()
    driver.hear(silence(200))
    driver.tell("input_audio_buffer.commit")
    assert driver.ring() == []


def test_a_timeout_set_later_counts_from_then() -> None:
    driver = Driver()
    driver.answer("Hello")
    assert driver.alarms_ms == []
    listening(driver, idle_timeout_ms=5_000)
    assert driver.alarms_ms == [0]


@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_only_ga_has_the_timeout(dialect: Dialect) -> None:
    driver = Driver(dialect=dialect)
    listening(driver, idle_timeout_ms=5_000)
    driver.answer("Hello")
    assert len(driver.alarms_ms) == (dialect == "ga")
