"""What a response says: pieces, function calls, limits, failures, filler, formats."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.simulator._rules._responses import argument_pieces, pieces
from tests.simulator.driver import Driver, call, finish, kinds


@given(st.text(), st.integers(1, 4))
def test_pieces_join_to_the_text(text: str, words: int) -> None:
    assert "".join(pieces(text, words)) == text
    assert "".join(pieces(text, None)) == text


def test_pieces_are_words() -> None:
    assert pieces("One two,\n\nthree ", 1) == ["One", " two,", "\n\nthree", " "]
    assert pieces("One two three", 2) == ["One two", " three"]
    assert pieces("One two three", None) == ["One two three"]
    assert pieces("", None) == []


def test_a_function_call_in_order() -> None:
    driver = Driver()
    question = driver.say("How warm is it?")
    run, _ = driver.start()
    finish(call(run, "get_weather", '{"city": "London"}'))
    run.complete()
    events = driver.take()
    assert kinds(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    item_added, added = events[:2]
    assert item_added["item"] == added["item"]
    assert added["item"]["arguments"] == ""
    assert added["previous_item_id"] == question["id"]
    [done] = [event for event in events if event["type"].endswith("arguments.done")]
    assert done["name"] == "get_weather"
    assert done["arguments"] == '{"city": "London"}'
    [item] = events[-2]["response"]["output"]
    assert item["status"] == "completed"
    assert item["call_id"] == done["call_id"]
    output = {"type": "function_call_output", "call_id": item["call_id"], "output": "12"}
    assert driver.tell("conversation.item.create", item=output)[0]["previous_item_id"] == item["id"]


def test_text_and_calls_in_one_response() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    finish(run.say("Let me look.", 1))
    finish(call(run, "f", "{}", "call_1"))
    finish(call(run, "f", "{}", "call_2"))
    finish(run.say("There.", 1))
    run.complete()
    output = driver.take()[-2]["response"]["output"]
    assert [item["type"] for item in output] == [
        "message",
        "function_call",
        "function_call",
        "message",
    ]
    assert len({item["id"] for item in output}) == 4


def test_arguments_come_token_by_token() -> None:
    text = '{"city":"New York","days":[1,2]}'
    assert "".join(argument_pieces(text, 1)) == text
    assert argument_pieces(text, 1)[:6] == ['{"', "city", '":"', "New", " ", "York"]
    assert argument_pieces(text, None) == [text]
    assert argument_pieces("", None) == argument_pieces("", 1) == []


def test_two_messages_in_one_response() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    finish(run.say("One.", 1))
    run.begin_message()
    run.begin_message()
    finish(run.say("Two.", 1))
    run.complete()
    output = driver.take()[-2]["response"]["output"]
    assert [item["content"][0]["text"] for item in output] == ["One.", "Two."]


def test_sound_and_words_come_apart() -> None:
    driver = Driver()
    run, _ = driver.start()
    finish(run.sound(b"\1\2\3"))
    finish(run.say("Hm.", 1))
    finish(run.sound(b"\4\5"))
    run.complete()
    events = driver.take()
    [first, second] = [event for event in events if event["type"].endswith("audio.delta")]
    assert base64.b64decode(first["delta"]) == b"\1\2"
    assert base64.b64decode(second["delta"]) == b"\3\4"
    item_id = events[0]["item"]["id"]
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item_id)
    [part] = retrieved["item"]["content"]
    assert (part["transcript"], base64.b64decode(part["audio"])) == ("Hm.", b"\1\2\3\4")


def test_sound_in_pieces_is_the_sound() -> None:
    def heard(*pieces: bytes) -> bytes:
        driver = Driver()
        run, _ = driver.start(audio={"output": {"format": {"type": "audio/pcmu"}}})
        for piece in pieces:
            finish(run.sound(piece))
        run.complete()
        deltas = (event.get("delta", "") for event in driver.take())
        return b"".join(base64.b64decode(delta) for delta in deltas)

    sound = bytes(range(240))
    assert len(heard(sound)) == 40
    assert heard(*(sound[start : start + 7] for start in range(0, 240, 7))) == heard(sound)


def test_a_text_has_no_room_for_sound() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    assert finish(run.sound(bytes(100))) == 0
    run.complete()
    assert driver.take()[0]["response"]["output"] == []


def test_a_cancelled_call_is_incomplete() -> None:
    driver = Driver()
    run, _ = driver.start()
    steps = call(run, "f", '{"a": 1}', "call_1")
    next(steps)
    events = driver.tell("response.cancel")
    [item] = events[-2]["response"]["output"]
    assert (item["status"], item["arguments"]) == ("incomplete", '{"')
    assert finish(steps) == 0
    assert finish(call(run, "f", "{}")) == 0


def test_a_cancelled_word_is_not_spoken_on() -> None:
    driver = Driver()
    run, _ = driver.start()
    finish(run.say("Word", 1))
    steps = run.sound(bytes(48_000))
    for _ in range(2):
        next(steps)
    driver.take()
    events = driver.tell("response.cancel")
    assert "response.output_audio.delta" not in kinds(events)
    assert finish(steps) == 0
    assert driver.take() == []


def test_the_limit_of_tokens_makes_it_incomplete() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"], max_output_tokens=2)
    finish(run.say("One two three four", 1))
    assert run.closed
    response = driver.take()[-2]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["content"][0]["text"] == "One two"
    assert response["usage"]["output_tokens"] == 2


def test_a_failed_response_says_why() -> None:
    driver = Driver()
    run, _ = driver.start()
    run.fail("invalid_request_error", "insufficient_quota", "No money.")
    response = driver.take()[0]["response"]
    assert response["status"] == "failed"
    assert response["output"] == []
    assert response["usage"] is None
    assert response["status_details"]["error"] == {
        "type": "invalid_request_error",
        "code": "insufficient_quota",
        "message": "No money.",
    }


def test_nothing_said_is_a_completed_response_of_nothing() -> None:
    driver = Driver()
    assert kinds(driver.answer()) == ["response.created", "response.done", "rate_limits.updated"]


def test_an_item_truncated_while_it_is_spoken_stays_truncated() -> None:
    driver = Driver()
    run, _ = driver.start()
    finish(run.say("Hello there!", 1))
    steps = run.sound(bytes(24_000))
    for _ in range(2):
        next(steps)
    item_id = driver.take()[0]["item"]["id"]
    [truncated] = driver.tell(
        "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=100
    )
    assert truncated["audio_end_ms"] == 100
    driver.tell("response.cancel")
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item_id)
    assert retrieved["item"]["status"] == "incomplete"
    assert retrieved["item"]["content"][0]["transcript"] is None


@pytest.mark.parametrize(
    ("kind", "per_second"), [("audio/pcm", 48_000), ("audio/pcmu", 8_000), ("audio/pcma", 8_000)]
)
def test_sound_comes_in_the_format_that_was_asked_for(kind: str, per_second: int) -> None:
    driver = Driver()
    events = driver.answer("Hello there, old friend.", audio={"output": {"format": {"type": kind}}})
    sizes = [
        len(base64.b64decode(event["delta"]))
        for event in events
        if event["type"] == "response.output_audio.delta"
    ]
    assert 1 < sum(sizes) / per_second < 2
    assert events[0]["response"]["audio"]["output"]["format"]["type"] == kind


def test_a_filter_ends_it_as_incomplete() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    finish(run.say("Well,", 1))
    run.cut("content_filter")
    response = driver.take()[-2]["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "content_filter"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["usage"]["output_tokens"] == 2


def test_thinking_counts_against_the_limit() -> None:
    driver = Driver()
    run, _ = driver.start(max_output_tokens=3)
    run.think("one two three four")
    assert run.closed
    assert driver.take()[-2]["response"]["status_details"]["reason"] == "max_output_tokens"


def test_what_is_thought_is_paid_for_and_not_shown() -> None:
    driver = Driver()
    run, _ = driver.start(output_modalities=["text"])
    run.think("Hm, hm.")
    run.complete()
    response = driver.take()[0]["response"]
    assert response["output"] == []
    assert response["usage"]["output_tokens"] == 4
    run.think("too late")
    assert driver.take() == []
