"""Which event is whose, and who writes to the conversation: rules by example."""

from __future__ import annotations

import json

import pytest

from anyrealtime import ConnectionClosed, RequestError
from anyrealtime._protocol._run import Run
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    InvalidEvent,
    ResponseStatusDetails,
    ServerEvent,
    ServerVad,
    Session,
    decode_server,
)
from tests._protocol.responses import Log, Wire, created, delta, done, event, refusal


def over(run: Run) -> bool:
    return run.phase == "over"


def test_a_response_is_known_by_its_tag() -> None:
    wire = Wire()
    first, log1 = wire.expect("t1", writes=False)
    second, log2 = wire.expect("t2", writes=False)
    assert (first.phase, first.began) == ("asked", False)
    wire.tell(created("r2", "t2"), created("r1", "t1"))
    assert (first.id, second.id) == ("r1", "r2")
    assert (first.phase, first.began) == ("active", True)
    wire.tell(delta("a", "r1"), delta("b", "r2"), done("r1"), delta("c", "r2"), done("r2"))
    assert log1.deltas == ["a"]
    assert log2.deltas == ["b", "c"]
    assert log1.types == ["response.created", "response.output_text.delta", "response.done"]
    assert log1.phases == ["active", "over"]
    assert first.response is not None
    assert first.response.status == "completed"
    assert len(wire.tracker) == 0


def test_what_comes_after_the_end_reaches_nobody() -> None:
    wire = Wire()
    _, log = wire.expect()
    wire.tell(created("r1", "t1"), done("r1"), delta("late", "r1"), done("r1"))
    assert log.types == ["response.created", "response.done"]


def test_a_server_that_echoes_no_metadata_is_answering_the_oldest() -> None:
    wire = Wire()
    first, _ = wire.expect("t1", writes=False)
    second, _ = wire.expect("t2", writes=False)
    wire.tell(created("r1"), created("r2"))
    assert (first.id, second.id) == ("r1", "r2")
    wire.tell(done("r1"), done("r2"))
    assert over(first)
    assert over(second)


def test_whose_request_a_beginning_answers_is_said_once() -> None:
    wire = Wire()
    wire.expect("t1", writes=False)
    wire.tracker.sent("t2", "e2", writes=False)
    wire.tracker.sent(None, "e3", writes=False)
    assert wire.tracker.apply(created("r1"), 10) == "t1"
    assert wire.tracker.apply(created("r1"), 10) is None  # told twice
    assert wire.tracker.apply(event("response.created", response=7), 10) == "t2"  # drifted
    assert wire.tracker.apply(created("r3"), 10) == "e3"
    assert wire.tracker.apply(created("r4"), 10) is None
    assert [run.id for run in wire.strangers] == [None, "r3", "r4"]


def test_a_request_with_a_tag_outlives_an_error_that_blames_nobody() -> None:
    wire = Wire()
    wire.tracker.sent("t1", "e1", writes=True)
    wire.tracker.sent(None, "e2", writes=True)
    wire.tell(refusal(None))
    assert wire.tracker.apply(created("r1"), 10) == "t1"
    assert wire.tracker.apply(created("r2"), 10) is None


def test_once_a_tag_came_back_nothing_untagged_is_an_answer() -> None:
    wire = Wire()
    first, _ = wire.expect("t1")
    wire.tell(created("r1", "t1"), done("r1"))
    second, _ = wire.expect("t2")
    wire.tell(created("r2"))
    assert second.phase == "asked"
    assert [run.id for run in wire.strangers] == ["r2"]
    assert over(first)


def test_a_response_that_turn_detection_is_due_to_begin() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(
        event("input_audio_buffer.speech_started", item_id="u1"),
        event("input_audio_buffer.speech_stopped", item_id="u1"),
        event("input_audio_buffer.committed", item_id="u1"),
        created("r1"),
    )
    assert run.phase == "asked"
    wire.tell(done("r1"), created("r2"))
    assert run.id == "r2"


@pytest.mark.parametrize(
    "told",
    [
        [event("input_audio_buffer.committed", item_id="u1")],  # by command: nothing is due
        [
            event("input_audio_buffer.speech_stopped", item_id="u1"),
            event("input_audio_buffer.committed", item_id="u1"),
            refusal(None, "conversation_already_has_active_response"),
        ],
        [event("input_audio_buffer.speech_stopped", item_id=None)],
    ],
    ids=["committed by command", "refused to turn detection", "no id"],
)
def test_nothing_is_due(told: list[ServerEvent]) -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(*told)
    wire.tell(created("r1"))
    assert run.id == "r1"


def test_turn_detection_that_begins_no_responses() -> None:
    wire = Wire()
    turns = ServerVad(create_response=False)
    wire.session = Session(audio=AudioConfig(input=AudioInput(turn_detection=turns)))
    run, _ = wire.expect()
    wire.tell(
        event("input_audio_buffer.speech_stopped", item_id="u1"),
        event("input_audio_buffer.committed", item_id="u1"),
        created("r1"),
    )
    assert run.id == "r1"


def test_a_guess_that_a_tag_corrects() -> None:
    wire = Wire()
    run, log = wire.expect("t1", writes=False)
    wire.tell(created("r1"))  # turn detection's, unannounced
    assert run.id == "r1"
    wire.tell(created("r2", "t1"), delta("a", "r1"), delta("b", "r2"))
    assert run.id == "r2"
    assert log.deltas == ["b"]
    assert [stranger.id for stranger in wire.strangers] == ["r1"]
    wire.tell(done("r2"))
    assert over(run)
    assert len(wire.tracker) == 1


def test_a_guess_that_an_error_corrects() -> None:
    wire = Wire()
    run, log = wire.expect()
    wire.tell(created("r1"), refusal("create_t1", "conversation_already_has_active_response"))
    assert over(run)
    assert run.failure is not None
    assert isinstance(run.failure(), RequestError)
    assert wire.tracker.occupant is wire.strangers[0]
    wire.tell(delta("a", "r1"), done("r1"))
    assert log.deltas == []
    assert wire.tracker.occupant is None


def test_a_refused_request() -> None:
    wire = Wire()
    first, log = wire.expect("t1")
    second, _ = wire.expect("t2")
    assert wire.tracker.refused(refusal("create_t1", "invalid_value"))
    assert over(first)
    assert log.phases == ["over"]
    assert first.failure is not None
    error = first.failure()
    assert isinstance(error, RequestError)
    assert error.code == "invalid_value"
    assert error is not first.failure()
    assert not first.began
    assert second.phase == "asked"
    assert not wire.tracker.refused(refusal("create_t1"))
    assert not wire.tracker.refused(refusal("somebody's"))


def test_a_refused_message_takes_its_response_with_it() -> None:
    wire = Wire()
    run, log = wire.expect("t1", before=("item_t1",))
    assert wire.tracker.refused(refusal("item_t1"))
    assert over(run)
    assert wire.tracker.occupant is not None
    wire.tell(created("r1", "t1"), delta("a"))
    assert wire.cancels == ["r1"]
    assert log.events == []
    wire.tell(done("r1", "cancelled"))
    assert wire.tracker.occupant is None
    assert len(wire.tracker) == 0


def test_a_message_refused_after_its_response_began() -> None:
    wire = Wire()
    run, log = wire.expect("t1", before=("item_t1",))
    wire.tell(created("r1", "t1"))
    assert wire.tracker.refused(refusal("item_t1"))
    assert over(run)
    assert wire.cancels == ["r1"]
    wire.tell(delta("a"), done("r1"))
    assert log.deltas == []
    assert len(wire.tracker) == 0


def test_cancelling_waits_for_the_id() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tracker.cancel(run)
    assert wire.cancels == []
    wire.tell(created("r1", "t1"))
    assert wire.cancels == ["r1"]
    wire.tracker.cancel(run)
    assert wire.cancels == ["r1"]
    assert wire.tracker.occupant is run
    wire.tell(done("r1", "cancelled"))
    wire.tracker.cancel(run)
    assert wire.cancels == ["r1"]


def test_nothing_is_cancelled_without_an_id() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created(None))
    wire.tracker.cancel(run)
    assert wire.cancels == []


@pytest.mark.parametrize("alone", [False, True], ids=["a host", "no host"])
def test_what_a_refused_message_had_begun_is_a_strangers_by_its_items_too(alone: bool) -> None:
    wire = Wire()
    if alone:
        wire.tracker.host = None
    run, log = wire.expect(before=("item_t1",))
    item: dict[str, object] = {"id": "i1", "type": "message", "role": "assistant", "content": []}
    wire.tell(created("r1", "t1"))
    wire.tell(event("response.output_item.added", response_id="r1", item=item))
    assert wire.tracker.refused(refusal("item_t1"))
    heard = len(log.events)
    wire.tell(delta("late", None, "i1"), done("r1"))
    assert over(run)
    assert len(log.events) == heard
    assert len(wire.tracker) == 0
    assert len(wire.strangers) == (0 if alone else 1)


def test_a_refused_cancellation() -> None:
    wire = Wire()
    run, log = wire.expect()
    wire.tell(created("r1", "t1"))
    wire.tracker.cancel(run)
    assert wire.tracker.refused(refusal("cancel_r1", "server_error"))
    assert run.cancel_failure is not None
    assert isinstance(run.cancel_failure(), RequestError)
    assert log.phases == ["active", "active"]
    assert wire.tracker.occupant is run  # it goes on
    wire.tell(done("r1"))
    assert over(run)


def test_a_cancellation_of_what_is_over() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created("r1", "t1"))
    wire.tracker.cancel(run)
    assert wire.tracker.refused(refusal("cancel_r1", "response_cancel_not_active"))
    assert wire.tracker.occupant is None  # the server says so, whether its end comes or not
    assert not over(run)
    wire.tell(done("r1"))
    assert over(run)


def test_an_error_about_a_cancellation_is_ours_after_the_end_too() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created("r1", "t1"))
    wire.tracker.cancel(run)
    wire.tell(done("r1"))
    assert wire.tracker.refused(refusal("cancel_r1", "server_error"))


def test_only_so_many_cancellations_are_remembered() -> None:
    wire = Wire()
    for number in range(100):
        run, _ = wire.expect(f"t{number}", writes=False)
        wire.tell(created(f"r{number}", f"t{number}"))
        wire.tracker.cancel(run)
    assert not wire.tracker.refused(refusal("cancel_r0"))
    assert wire.tracker.refused(refusal("cancel_r99"))


def test_giving_up_makes_room_and_cancels_a_late_answer() -> None:
    wire = Wire()
    run, _ = wire.expect()
    assert wire.tracker.occupant is run
    wire.tracker.give_up(run)
    assert wire.tracker.occupant is None
    wire.tell(created("r1", "t1"))
    assert wire.cancels == ["r1"]


def test_what_was_given_up_is_not_in_the_order() -> None:
    wire = Wire()
    first, _ = wire.expect("t1")
    wire.tracker.give_up(first)
    second, _ = wire.expect("t2")
    wire.tell(created("r1"))
    assert second.id == "r1"


# The default conversation


def test_the_conversation_is_taken_from_the_request_to_the_end() -> None:
    wire = Wire()
    assert wire.tracker.occupant is None
    run, _ = wire.expect()
    assert wire.tracker.occupant is run
    wire.tell(created("r1", "t1"))
    assert wire.tracker.occupant is run
    changes = wire.changes
    wire.tell(done("r1"))
    assert wire.tracker.occupant is None
    assert wire.changes > changes
    assert wire.tracker.ended == 1


def test_a_response_apart_takes_nothing() -> None:
    wire = Wire()
    wire.expect(writes=False)
    assert wire.tracker.occupant is None
    wire.tell(created("r1", "t1"))
    assert wire.tracker.occupant is None


def test_a_response_nobody_asked_for_takes_it() -> None:
    wire = Wire()
    wire.tell(created("r1"))
    occupant = wire.tracker.occupant
    assert occupant is not None
    assert wire.strangers == [occupant]
    assert not wire.tracker.busy
    wire.tell(done("r1"))
    assert wire.tracker.occupant is None


def test_a_response_that_names_no_conversation_where_others_do() -> None:
    wire = Wire()
    wire.tell(created("r1", conversation_id="c1"))
    first = wire.tracker.occupant
    wire.tell(created("r2", conversation_id=None))
    assert wire.tracker.occupant is first
    assert first is not None
    assert first.phase == "active"
    assert len(wire.tracker) == 2


def test_a_response_asked_for_by_other_ways() -> None:
    wire = Wire()
    wire.tracker.sent(None, "e1", writes=True)
    assert wire.tracker.occupant is not None
    run, _ = wire.expect()
    wire.tell(created("r1"))
    assert run.phase == "asked"
    assert [stranger.id for stranger in wire.strangers] == ["r1"]
    wire.tell(done("r1"), created("r2"))
    assert run.id == "r2"


def test_the_error_of_one_asked_for_by_other_ways_is_not_ours() -> None:
    wire = Wire()
    wire.tracker.sent(None, "e1", writes=True)
    assert not wire.tracker.refused(refusal("e1"))
    assert wire.tracker.occupant is None


def test_an_anonymous_error_may_be_that_of_one_asked_for_by_other_ways() -> None:
    wire = Wire()
    wire.tracker.sent(None, "e1", writes=True)
    run, _ = wire.expect()
    assert not wire.tracker.refused(refusal(None))
    assert wire.tracker.occupant is run
    wire.tell(created("r1"))
    assert run.id == "r1"


def test_a_response_that_another_overtakes() -> None:
    wire = Wire()
    first, _ = wire.expect("t1")
    wire.tell(created("r1", "t1"))
    second, _ = wire.expect("t2")
    wire.tell(created("r2", "t2"))
    assert over(first)
    assert first.response is not None
    assert first.response.status == "cancelled"
    assert first.response.status_details == ResponseStatusDetails(
        type="cancelled", reason="overtaken"
    )
    assert wire.tracker.occupant is second
    wire.tell(done("r1"), delta("a", "r1"))
    assert second.phase == "active"


def test_a_response_without_an_id_is_overtaken_too() -> None:
    wire = Wire()
    first, log = wire.expect("t1", writes=False)
    wire.tell(created(None), delta("a", None))
    assert log.deltas == ["a"]
    second, _ = wire.expect("t2", writes=False)
    wire.tell(created(None))
    assert over(first)
    wire.tell(done(None))
    assert over(second)


def test_a_beginning_told_twice() -> None:
    wire = Wire()
    run, log = wire.expect()
    wire.tell(created("r1", "t1"), created("r1", "t1", voice="marin"), done("r1"))
    assert over(run)
    assert log.types == ["response.created", "response.created", "response.done"]


def test_an_end_whose_beginning_was_not_seen() -> None:
    wire = Wire()
    run, log = wire.expect()
    wire.tell(done("r9"))
    assert run.phase == "asked"
    wire.tell(done("r1", "failed", tag="t1"))
    assert over(run)
    assert log.types == ["response.done"]


# Events that say less than they should


@pytest.mark.parametrize("response_id", ["r1", None])
def test_payloads_that_drifted(response_id: str | None) -> None:
    def drifted(type_: str, **response: object) -> InvalidEvent:
        frame = {"type": type_, "response": {"id": response_id, "output": 7, **response}}
        invalid = decode_server(json.dumps(frame))
        assert isinstance(invalid, InvalidEvent)
        return invalid

    wire = Wire()
    run, log = wire.expect()
    wire.tell(drifted("response.created", metadata={"anyrealtime": "t1"}))
    assert (run.phase, run.id) == ("active", response_id)
    wire.tell(drifted("response.done", status="incomplete"))
    assert over(run)
    assert run.response is not None
    assert run.response.status == "incomplete"
    assert log.types == ["response.created", "response.done"]


def test_other_drifted_events() -> None:
    wire = Wire()
    run, log = wire.expect()
    wire.tell(
        event("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms="late"),
        event("input_audio_buffer.committed", item_id="u1", previous_item_id=3),
        created("vad"),
    )
    assert run.phase == "asked"
    wire.tell(created("r1"), event("response.output_text.delta", response_id="r1", delta=7))
    wire.tell(event("response.output_text.delta", response_id="r9", delta=7))
    wire.tell(decode_server(b"not json"), event("error", error=7))
    assert [type(told) for told in log.events][1:] == [InvalidEvent]


def test_events_that_name_their_item_only() -> None:
    wire = Wire()
    _, apart = wire.expect("t1", writes=False)
    _, default = wire.expect("t2")
    wire.tell(
        created("r1", "t1"),
        created("r2", "t2"),
        event(
            "response.output_item.added", response_id="r1", item={"type": "mcp_call", "id": "i1"}
        ),
        event("response.mcp_call.in_progress", item_id="i1", output_index=0),
        delta("a", None, "i7"),
        event("conversation.item.truncated", item_id="i1"),
    )
    assert apart.types[2:] == ["response.mcp_call.in_progress"]
    assert default.deltas == ["a"]


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({}, True),
        ({"response": {"id": "r1"}}, True),
        ({"response_id": "r1"}, True),
        ({"response": {"id": "r9"}}, False),
    ],
)
def test_cancelled_is_an_end_to_some_servers(fields: dict[str, object], ends: bool) -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created("r1"), event("response.cancelled"))
    assert not over(run)  # nobody cancelled it
    wire.tracker.cancel(run)
    wire.tell(event("response.cancelled", **fields))
    assert over(run) is ends
    if ends:
        assert run.response is not None
        assert run.response.status == "cancelled"


def test_the_usage_that_one_vendor_puts_outside() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(
        created("r1"),
        event("response.done", response={"id": "r1"}, usage={"total_tokens": 5}),
    )
    assert run.response is not None
    assert run.response.usage is not None
    assert run.response.usage.total_tokens == 5


def test_unknown_events_of_a_response_are_passed_over() -> None:
    wire = Wire()
    _, log = wire.expect()
    wire.tell(created("r1"), event("vendor.hello"), event("response.vendor"))
    assert log.types[1:] == ["response.vendor"]


# Who listens, and the end of the connection


def test_busy_while_anybody_follows() -> None:
    wire = Wire()
    assert not wire.tracker.busy
    wire.wants_uninvited = True
    assert wire.tracker.busy
    wire.wants_uninvited = False
    _, log = wire.expect()
    assert wire.tracker.busy
    wire.tell(created("r1", "t1"))
    assert log.batches == 1
    wire.tell(done("r1"))
    assert not wire.tracker.busy


def test_a_tag_that_is_nobodys() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created("r1", "somebody's"))
    assert run.phase == "asked"
    assert [stranger.id for stranger in wire.strangers] == ["r1"]


def test_a_wrong_guess_takes_its_items_along() -> None:
    wire = Wire()
    _, log = wire.expect("t1", writes=False)
    wire.tell(
        created("r1"),
        event("response.output_item.added", response_id="r1", item={"type": "m", "id": "i1"}),
        created("r2", "t1"),
        event("response.mcp_call.in_progress", item_id="i1"),
    )
    assert log.types == ["response.created", "response.output_item.added", "response.created"]


def test_followers_are_let_go_at_the_end() -> None:
    wire = Wire()
    run, _ = wire.expect()
    wire.tell(created("r1", "t1"), done("r1"))
    assert run.followers == []


def test_the_end_of_the_connection_ends_everything() -> None:
    wire = Wire()
    asked, _ = wire.expect("t1", writes=False)
    active, log = wire.expect("t2")
    wire.tell(created("r2", "t2"), created("r3", conversation_id="c1"))
    wire.tracker.fail_all(lambda: ConnectionClosed(1006))
    for run in (asked, active, *wire.strangers):
        assert over(run)
    assert asked.failure is not None
    assert isinstance(asked.failure(), ConnectionClosed)
    assert log.phases[-1] == "over"
    assert len(wire.tracker) == 0
    assert wire.tracker.occupant is None


def test_a_tracker_without_a_connection() -> None:
    wire = Wire()
    wire.tracker.host = None
    run, log = wire.expect()
    wire.tracker.cancel(run)
    wire.tell(
        event("input_audio_buffer.speech_stopped", item_id="u1"),
        event("input_audio_buffer.committed", item_id="u1"),
        created("r0"),
        created("r1", "t1"),
        done("r1"),
    )
    assert over(run)
    assert isinstance(log, Log)
