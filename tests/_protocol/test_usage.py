from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._protocol._usage import RateLimits, SessionUsage, TokenUsage, UsageTotals
from anyrealtime.events import InvalidEvent, RateLimit, decode_server
from tests._protocol.recorded import Tree, each_recording, event, needs_recordings, received

USED: Tree = {
    "total_tokens": 150,
    "input_tokens": 100,
    "output_tokens": 50,
    "input_token_details": {
        "text_tokens": 60,
        "audio_tokens": 30,
        "image_tokens": 10,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 50, "audio_tokens": 10, "image_tokens": 4},
    },
    "output_token_details": {"text_tokens": 20, "audio_tokens": 30, "reasoning_tokens": 5},
}
COUNTED = TokenUsage(
    total_tokens=150,
    input_tokens=100,
    input_text_tokens=60,
    input_audio_tokens=30,
    input_image_tokens=10,
    cached_tokens=64,
    cached_text_tokens=50,
    cached_audio_tokens=10,
    cached_image_tokens=4,
    output_tokens=50,
    output_text_tokens=20,
    output_audio_tokens=30,
    reasoning_tokens=5,
)
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


def used(*done: Tree) -> UsageTotals:
    totals = UsageTotals()
    for fields in done:
        totals.apply(event("response.done", **fields))
    return totals


def done(response_id: str | None, usage: object) -> Tree:
    return {"response": {"id": response_id, "usage": usage}}


def test_a_response_is_counted_by_kind() -> None:
    totals = used(done("resp_1", USED))
    assert totals.response("resp_1") == COUNTED
    assert totals.response("resp_2") is None
    assert totals.session.responses == 1
    assert totals.session.input_audio_tokens == 30
    assert totals.session.reasoning_tokens == 5


def test_cached_tokens_are_among_the_input_tokens() -> None:
    assert COUNTED.uncached_input_tokens == 36
    totals = used(done("resp_1", USED), done("resp_2", USED))
    assert totals.session.uncached_input_tokens == 72


def test_no_more_can_be_cached_than_went_in() -> None:
    usage = {"input_tokens": 10, "input_token_details": {"cached_tokens": 64}}
    assert used(done("resp_1", usage)).session.uncached_input_tokens == 0


def test_responses_add_up() -> None:
    session = used(done("resp_1", USED), done("resp_2", USED)).session
    assert session.responses == 2
    for name in TokenUsage.__struct_fields__:
        assert getattr(session, name) == 2 * cast("int", getattr(COUNTED, name))


def test_a_response_that_is_done_twice_is_counted_once() -> None:
    totals = used(done("resp_1", USED), done("resp_1", USED))
    assert totals.session.responses == 1
    assert totals.session.total_tokens == 150


def test_a_repetition_may_say_what_the_first_did_not() -> None:
    totals = used(done("resp_1", {}), done("resp_1", USED), done("resp_1", USED))
    assert totals.session.responses == 1
    assert totals.session.total_tokens == 150
    assert totals.response("resp_1") == COUNTED


def test_responses_without_an_id_are_all_counted() -> None:
    assert used(done(None, USED), done(None, USED)).session.total_tokens == 300


def test_usage_beside_the_response() -> None:
    totals = used({"response": {"id": "resp_1", "usage": {}}, "usage": USED})
    assert totals.response("resp_1") == COUNTED


def test_the_id_beside_the_response() -> None:
    frame: Tree = {"response": {"usage": USED}, "response_id": "resp_1"}
    assert used(frame, frame).session.total_tokens == 150


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"total_tokens": None},
        {"input_token_details": "elided"},
        {"input_tokens": -5, "output_token_details": {"text_tokens": -1}},
    ],
)
def test_usage_that_says_nothing_counts_zero(usage: object) -> None:
    assert used(done("resp_1", usage)).session == SessionUsage(responses=1)


def test_a_total_that_is_not_told_is_added_up() -> None:
    assert used(done("resp_1", {"input_tokens": 3, "output_tokens": 4})).session.total_tokens == 7


def test_transcriptions_are_counted_apart() -> None:
    totals = UsageTotals()
    usage = {
        "type": "tokens",
        "total_tokens": 24,
        "input_tokens": 16,
        "input_token_details": {"text_tokens": 2, "audio_tokens": 14},
        "output_tokens": 8,
    }
    totals.apply(event(TRANSCRIBED, item_id="item_1", content_index=0, usage=usage))
    assert totals.session == SessionUsage(
        transcriptions=1,
        transcription_total_tokens=24,
        transcription_input_tokens=16,
        transcription_input_text_tokens=2,
        transcription_input_audio_tokens=14,
        transcription_output_tokens=8,
    )


def test_a_transcription_that_repeats_is_counted_once() -> None:
    totals = UsageTotals()
    usage = {"type": "duration", "seconds": 1.5}
    totals.apply(event(TRANSCRIBED, item_id="item_1", content_index=0))  # xAI: no usage
    for index in (0, 0, 1, 0):
        totals.apply(event(TRANSCRIBED, item_id="item_1", content_index=index, usage=usage))
    totals.apply(event(TRANSCRIBED, usage=usage))
    assert totals.session == SessionUsage(transcriptions=3, transcription_seconds=4.5)


def test_the_totals_of_before_do_not_change() -> None:
    totals = used(done("resp_1", USED))
    before = totals.session
    totals.apply(event("response.done", **done("resp_2", USED)))
    assert before.total_tokens == 150
    assert totals.session.total_tokens == 300


def test_other_events_count_nothing() -> None:
    totals = UsageTotals()
    other = event("response.created", **done("resp_1", USED))
    totals.apply(other)
    assert type(other) not in totals.relevant
    assert totals.session == SessionUsage()


@needs_recordings
@each_recording
def test_recording(path: Path) -> None:
    totals, limits = UsageTotals(), RateLimits()
    told: dict[str, int] = {}
    named: dict[str, object] = {}
    for frame in received(path):
        decoded = event(str(frame["type"]), **{k: v for k, v in frame.items() if k != "type"})
        totals.apply(decoded)
        limits.apply(decoded)
        if frame["type"] == "response.done":
            response = cast("Tree", frame["response"])
            usage = cast("dict[str, int]", response.get("usage") or frame.get("usage") or {})
            told[str(response["id"])] = usage.get("total_tokens", 0)
        for limit in cast("list[Tree]", frame.get("rate_limits") or []):
            named[str(limit["name"])] = limit["remaining"]
    assert totals.session.responses == len(told)
    assert totals.session.total_tokens == sum(told.values())
    assert {name: limit.remaining for name, limit in limits.items()} == named


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.dictionaries(
        st.sampled_from([*USED, "seconds", "text_tokens", "cached_tokens"]), inner
    ),
)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), WHATEVER)))
def test_no_usage_is_too_strange(responses: list[tuple[str | None, object]]) -> None:
    totals = UsageTotals()
    for response_id, usage in responses:
        totals.apply(event("response.done", **done(response_id, usage)))
        totals.apply(event(TRANSCRIBED, item_id=response_id, usage=usage))
    session = totals.session
    assert all(getattr(session, name) >= 0 for name in session.__struct_fields__)
    assert session.uncached_input_tokens >= 0


def test_rate_limits_are_the_latest_by_name() -> None:
    limits = RateLimits()
    requests = {"name": "requests", "limit": 10, "remaining": 9, "reset_seconds": 1.5}
    limits.apply(
        event("rate_limits.updated", rate_limits=[requests, {"name": "tokens", "remaining": 5}])
    )
    limits.apply(event("rate_limits.updated", rate_limits=[{"name": "tokens", "remaining": 4}, {}]))
    assert dict(limits) == {
        "requests": RateLimit(name="requests", limit=10, remaining=9, reset_seconds=1.5),
        "tokens": RateLimit(name="tokens", remaining=4),
    }
    assert len(limits) == 2
    assert "RateLimit(name='tokens', remaining=4)" in repr(limits)


def test_limits_may_change_while_somebody_looks() -> None:
    limits = RateLimits()
    limits.apply(event("rate_limits.updated", rate_limits=[{"name": "tokens"}]))
    for name in limits:
        limits.apply(event("rate_limits.updated", rate_limits=[{"name": f"more {name}"}]))
    assert set(limits) == {"tokens", "more tokens"}


def test_other_events_are_no_limits() -> None:
    limits = RateLimits()
    drifted = event("rate_limits.updated", rate_limits="all of them")
    assert isinstance(drifted, InvalidEvent)
    limits.apply(drifted)
    assert not limits
    assert type(drifted) not in limits.relevant


def test_a_response_whose_end_drifted_is_not_free() -> None:
    totals = UsageTotals()
    response = {"id": "r1", "status": 7, "usage": {"input_tokens": 3, "output_tokens": 4}}
    event = decode_server(json.dumps({"type": "response.done", "response": response}))
    assert isinstance(event, InvalidEvent)
    totals.apply(event)
    assert (totals.session.responses, totals.session.total_tokens) == (1, 7)
