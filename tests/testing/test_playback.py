"""A session as it is played back, without a loop: what is due when the client says what."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.testing._playback import Due, Playback
from tests.testing.recordings import Json, append, received, sent, session_of


def playing(
    folder: Path, *lines: Json, strict: bool = False, speed: float | None = None
) -> Playback:
    return Playback(session_of(folder, *lines), strict=strict, speed=speed, now=100.0)


def due(playback: Playback) -> list[Json]:
    """All that is due now, in order; the end is an empty object."""
    return [json.loads(step.frame or b"{}") for step in steps(playback)]


def steps(playback: Playback) -> list[Due]:
    found: list[Due] = []
    while (step := playback.next()) is not None:
        found.append(step)
    return found


def hear(playback: Playback, kind: str, *, now: float = 100.0, **fields: object) -> list[Json]:
    """Say something and return what is due then."""
    playback.hear(json.dumps({"type": kind, **fields}).encode(), now)
    return due(playback)


def kinds(events: list[Json]) -> list[object]:
    return [event.get("type") for event in events]


TURN = (
    received("session.created", session={}),
    sent("session.update", session={}),
    received("session.updated", session={}),
    sent("conversation.item.create", item={"type": "message", "role": "user"}),
    sent("response.create"),
    received("conversation.item.added", item={"id": "item_1", "type": "message"}),
    received("response.created", response={"id": "r", "metadata": None}),
    received("response.done", response={"id": "r", "metadata": None, "output": ["item_1"]}),
)


def test_answers_wait_for_their_questions(tmp_path: Path) -> None:
    """The recorded client sent two frames at once; one that waits in between gets its answer."""
    playback = playing(tmp_path, *TURN)
    assert kinds(due(playback)) == ["session.created"]
    assert kinds(hear(playback, "session.update")) == ["session.updated"]
    assert kinds(hear(playback, "conversation.item.create", item={"id": "mine"})) == [
        "conversation.item.added"
    ]
    assert kinds(hear(playback, "response.create")) == ["response.created", "response.done"]
    assert not playback.unexpected


def test_a_step_left_out_holds_up_nothing_but_its_answer(tmp_path: Path) -> None:
    playback = playing(tmp_path, *TURN)
    due(playback)
    assert kinds(hear(playback, "response.create")) == ["response.created", "response.done"]
    assert kinds(hear(playback, "session.update")) == ["session.updated"]


def test_the_clients_ids_take_the_place_of_the_recorded_ones(tmp_path: Path) -> None:
    playback = playing(tmp_path, *TURN)
    due(playback)
    [added] = hear(playback, "conversation.item.create", item={"id": "mine"}, event_id="e")
    assert added["item"]["id"] == "mine"
    created, done = hear(playback, "response.create", response={"metadata": {"tag": "t"}})
    assert created["response"]["metadata"] == {"tag": "t"}
    assert done["response"] == {"id": "r", "metadata": {"tag": "t"}, "output": ["mine"]}


def test_ids_that_the_client_chose_then_and_now(tmp_path: Path) -> None:
    lines = [
        sent("conversation.item.create", event_id="evt_then", item={"id": "then"}),
        received("conversation.item.added", item={"id": "then"}),
        received("error", error={"event_id": "evt_then"}),
        sent("conversation.item.delete", item_id="then"),
        received("conversation.item.deleted", item_id="then"),
    ]
    playback = playing(tmp_path, *lines)
    item: Json = {"id": "now"}
    added, error = hear(playback, "conversation.item.create", event_id="evt_now", item=item)
    assert (added["item"], error["error"]) == ({"id": "now"}, {"event_id": "evt_now"})
    [deleted] = hear(playback, "conversation.item.delete", item_id="now")
    assert deleted["item_id"] == "now"


def test_a_server_that_echoed_no_metadata_still_does_not(tmp_path: Path) -> None:
    lines = [sent("response.create"), received("response.created", response={"id": "r"})]
    playback = playing(tmp_path, *lines)
    [created] = hear(playback, "response.create", response={"metadata": {"tag": "t"}})
    assert created["response"] == {"id": "r"}


def test_what_is_said_twice_is_told_apart_by_what_it_is_about(tmp_path: Path) -> None:
    """Two tools may be done in another order than they were."""
    outputs = [
        sent("conversation.item.create", item={"type": "function_call_output", "call_id": call})
        for call in ("a", "b")
    ]
    answers = [
        received("conversation.item.added", item={"id": f"item_{call}"}) for call in ("a", "b")
    ]
    playback = playing(tmp_path, *outputs, *answers)
    for call in ("b", "a"):
        item: Json = {"type": "function_call_output", "call_id": call}
        [added] = hear(playback, "conversation.item.create", item=item)
        assert added["item"]["id"] == f"item_{call}"


def test_audio_counts_by_its_length(tmp_path: Path) -> None:
    lines = [append(50), append(50), received("input_audio_buffer.speech_started", item_id="i")]
    playback = playing(tmp_path, *lines)
    for n_bytes, told in [(60, 0), (30, 0), (9, 0), (3, 1), (99, 0)]:
        audio = "AAAA" * (n_bytes // 3)
        assert len(hear(playback, "input_audio_buffer.append", audio=audio)) == told
    assert not playback.unexpected


def test_who_goes_on_has_said_all_that_came_before(tmp_path: Path) -> None:
    """A client may speak shorter than was recorded."""
    lines = [
        append(50),
        received("input_audio_buffer.speech_started", item_id="i"),
        sent("input_audio_buffer.commit"),
        received("input_audio_buffer.committed", item_id="i"),
    ]
    playback = playing(tmp_path, *lines)
    assert len(hear(playback, "input_audio_buffer.commit")) == 2


@pytest.mark.parametrize("kind", ["session.update", "response.create", "conversation.item.create"])
def test_a_command_that_was_not_recorded_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    playback = playing(tmp_path, received("session.created"))
    due(playback)
    [error] = hear(playback, kind, event_id="evt")
    assert error["type"] == "error"
    assert error["error"]["code"] == "not_recorded"
    assert error["error"]["event_id"] == "evt"
    assert error["error"]["message"] == f"The recording has no answer to this {kind}."
    assert len(playback.unexpected) == 1


def test_what_nobody_waits_for_is_only_noted(tmp_path: Path) -> None:
    playback = playing(tmp_path, received("session.created"))
    due(playback)
    assert not hear(playback, "response.cancel")
    playback.hear(b"\xff", 100.0)
    playback.hear(b"[]", 100.0)
    assert not due(playback)
    assert playback.unexpected == [b'{"type": "response.cancel"}', b"\xff", b"[]"]


def test_frames_that_are_no_json(tmp_path: Path) -> None:
    lines: list[Json] = [
        {"direction": "sent", "text": "?"},
        {"direction": "received", "text": "what?"},
    ]
    playback = playing(tmp_path, *lines)
    assert playback.next() is None
    playback.hear(b"?", 100.0)
    step = playback.next()
    assert step is not None
    assert step.frame == b"what?"


# The end


def close(by: str, **fields: object) -> Json:
    return {"kind": "closed", "by": by, "code": 1001, **fields}


@pytest.mark.parametrize("by", ["server", "network"])
def test_the_end_comes_after_all(tmp_path: Path, by: str) -> None:
    playback = playing(tmp_path, *TURN, close(by))
    due(playback)
    hear(playback, "session.update")
    hear(playback, "conversation.item.create")
    assert hear(playback, "response.create")[-1] == {}
    assert playback.close is not None


def test_the_client_ends_it_itself(tmp_path: Path) -> None:
    playback = playing(tmp_path, received("session.created"), close("client"))
    assert kinds(due(playback)) == ["session.created"]


# Strict


def test_strict_keeps_the_order_of_the_recording(tmp_path: Path) -> None:
    lines = [
        sent("response.create"),
        received("response.created", response={"id": "r"}),
        sent("session.update"),
        received("session.updated"),
        received("response.done", response={"id": "r"}),
    ]
    playback = playing(tmp_path, *lines)
    assert kinds(hear(playback, "response.create")) == ["response.created", "response.done"]
    playback = playing(tmp_path, *lines, strict=True)
    assert kinds(hear(playback, "response.create")) == ["response.created"]
    assert kinds(hear(playback, "session.update")) == ["session.updated", "response.done"]
    assert not playback.mismatch
    assert not playback.missing


def test_strict_notes_the_first_difference(tmp_path: Path) -> None:
    playback = playing(tmp_path, *TURN, strict=True)
    hear(playback, "session.update", session={})
    assert not playback.mismatch
    assert [frame.type for frame in playback.missing] == [
        "conversation.item.create",
        "response.create",
    ]
    hear(playback, "response.create")
    first = playback.mismatch
    assert "frame 2 is not the one that was recorded" in first
    hear(playback, "vendor.event")
    assert playback.mismatch == first


def test_strict_counts_appended_audio(tmp_path: Path) -> None:
    playback = playing(tmp_path, append(3), append(3), strict=True)
    hear(playback, "input_audio_buffer.append", audio="AAAA")
    assert not playback.mismatch
    hear(playback, "input_audio_buffer.append", audio="AAAAAAAA")
    assert playback.mismatch


def test_strict_takes_ids_for_what_they_stand_for(tmp_path: Path) -> None:
    lines = [
        sent("conversation.item.create", event_id="1", item={"type": "message"}),
        received("conversation.item.added", item={"id": "then"}),
        sent("conversation.item.delete", event_id="2", item_id="then"),
    ]
    for item_id, differs in [("now", False), ("another", True)]:
        playback = playing(tmp_path, *lines, strict=True)
        hear(playback, "conversation.item.create", item={"type": "message", "id": "now"})
        hear(playback, "conversation.item.delete", item_id=item_id)
        assert bool(playback.mismatch) is differs


# Time


def at(seconds: float, entry: Json) -> Json:
    return {**entry, "at": seconds}


def timed(folder: Path, speed: float | None) -> Playback:
    return playing(
        folder,
        at(5.0, received("session.created")),
        at(5.5, received("conversation.created")),
        at(7.0, sent("response.create")),
        at(7.25, received("response.created", response={"id": "r"})),
        at(8.0, received("response.done", response={"id": "r"})),
        at(9.0, {"kind": "closed", "by": "server", "code": 1000}),
        speed=speed,
    )


def test_full_speed_waits_for_nothing(tmp_path: Path) -> None:
    playback = timed(tmp_path, None)
    assert [step.when for step in steps(playback)] == [-math.inf] * 2


@pytest.mark.parametrize("speed", [1.0, 2.0, 0.5])
def test_the_times_of_the_recording(tmp_path: Path, speed: float) -> None:
    """Frames come as long after the one before, or after the question, as they did."""
    playback = timed(tmp_path, speed)
    assert [step.when for step in steps(playback)] == [100.0, 100.0 + 0.5 / speed]
    playback.hear(b'{"type": "response.create"}', 300.0)
    assert [step.when for step in steps(playback)] == [
        300.0 + 0.25 / speed,
        300.0 + 1.0 / speed,
        300.0 + 2.0 / speed,
    ]


def test_recordings_without_times_at_any_speed(tmp_path: Path) -> None:
    playback = playing(tmp_path, received("session.created"), speed=1.0)
    assert [step.when for step in steps(playback)] == [-math.inf]


# Any session

NAMES = st.sampled_from(["a", "b", "c"])
SENT = st.sampled_from(
    [
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "conversation.item.create",
        "conversation.item.delete",
        "response.create",
        "response.cancel",
    ]
)
RECEIVED = st.sampled_from(
    [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.deleted",
        "response.created",
        "response.output_item.added",
        "response.done",
        "rate_limits.updated",
        "error",
        "vendor.event",
    ]
)


@st.composite
def any_line(draw: st.DrawFn) -> Json:
    """A frame of either direction, with ids in some of the places where ids are."""
    is_sent = draw(st.booleans())
    direction = "sent" if is_sent else "received"
    if draw(st.integers(0, 9)) == 0:
        return {"direction": direction, "text": draw(NAMES)}
    event: Json = {"type": draw(SENT if is_sent else RECEIVED)}
    if event["type"].endswith(".append"):
        return append(draw(st.integers(0, 3)))
    for path in draw(st.lists(st.sampled_from(["item_id", "item", "response_id", "response"]))):
        event[path] = draw(NAMES) if path.endswith("_id") else {"id": draw(NAMES)}
    if draw(st.booleans()):
        event["response"] = {**event.get("response", {}), "metadata": {"n": draw(NAMES)}}
    if event["type"] == "error":
        event["error"] = {"event_id": draw(st.none() | NAMES)}
    elif is_sent:
        event["event_id"] = draw(NAMES)
    return {"direction": direction, "data": event}


@pytest.mark.parametrize("strict", [False, True])
@given(lines=st.lists(any_line(), min_size=1, max_size=20))
def test_who_says_what_was_recorded_is_told_what_was_recorded(
    strict: bool, lines: list[Json], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All of it, whatever was recorded; strictly also in its order, and never too early."""
    session = session_of(tmp_path_factory.getbasetemp(), *lines)
    playback = Playback(session, strict=strict, speed=None, now=0.0)
    told = [step.frame or b"" for step in steps(playback)]
    expected: list[bytes] = []
    for frame in session.frames:
        if frame.direction == "received":
            expected.append(frame.frame)
            continue
        if strict:
            assert told[: len(expected)] == expected
        else:
            assert not Counter(expected) - Counter(told)
        playback.hear(frame.frame, 0.0)
        told += [step.frame or b"" for step in steps(playback)]
    assert sorted(told) == sorted(expected)
    if strict:
        assert told == expected
    assert not playback.unexpected
    assert not playback.mismatch
    assert not playback.missing
