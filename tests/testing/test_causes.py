"""What a recorded answer waits for: each rule on a recording of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyrealtime.simulator import read_recording
from anyrealtime.testing._causes import Cause, audio_bytes, script_of
from tests.testing.recordings import ALL, Json, append, received, sent, session_of


def causes(folder: Path, *lines: Json) -> list[Cause]:
    """What each received frame waits for, without times."""
    return [cause for _, cause in script_of(session_of(folder, *lines)).received]


def message(item_id: str | None = None, **fields: object) -> Json:
    item: Json = {"type": "message", "role": "user", **fields}
    return item if item_id is None else {**item, "id": item_id}


CREATE = sent("conversation.item.create", item=message())
RESPOND = sent("response.create")


def response(kind: str, response_id: str, **fields: object) -> Json:
    return received(kind, response={"id": response_id, **fields})


def test_the_session_is_announced_unasked(tmp_path: Path) -> None:
    lines = [sent("session.update", session={}), received("session.created", session={})]
    assert causes(tmp_path, *lines) == [Cause()]


def test_updates_are_answered_in_order(tmp_path: Path) -> None:
    update, updated = sent("session.update", session={}), received("session.updated", session={})
    assert causes(tmp_path, update, update, updated, updated) == [Cause(0), Cause(1)]
    assert causes(tmp_path, RESPOND, updated) == [Cause(0)]


@pytest.mark.parametrize("buffer", ["input_audio_buffer", "output_audio_buffer"])
def test_clearing_a_buffer(tmp_path: Path, buffer: str) -> None:
    lines = [CREATE, sent(f"{buffer}.clear"), RESPOND, received(f"{buffer}.cleared")]
    assert causes(tmp_path, *lines) == [Cause(1)]


def test_items_that_the_client_named(tmp_path: Path) -> None:
    lines = [
        sent("conversation.item.create", item=message("a")),
        sent("conversation.item.create", item=message("b")),
        RESPOND,
        received("conversation.item.added", item=message("b")),
        received("conversation.item.added", item=message("a")),
        received("conversation.item.done", item=message("b")),
    ]
    assert causes(tmp_path, *lines) == [Cause(1), Cause(0), Cause(1)]


def test_items_that_the_server_named(tmp_path: Path) -> None:
    lines = [
        CREATE,
        CREATE,
        RESPOND,
        received("conversation.item.added", item=message("x")),
        received("conversation.item.done", item=message("x")),
        received("conversation.item.added", item=message("y")),
        received("conversation.item.added", item=message("nobody's")),
    ]
    assert causes(tmp_path, *lines) == [Cause(0), Cause(0), Cause(1), Cause(2)]
    assert script_of(session_of(tmp_path, *lines)).made == {0: "x", 1: "y"}


def test_items_that_the_server_renamed(tmp_path: Path) -> None:
    lines = [
        sent("conversation.item.create", item=message("mine")),
        RESPOND,
        received("conversation.item.created", item=message("theirs")),
    ]
    assert causes(tmp_path, *lines) == [Cause(0)]
    assert script_of(session_of(tmp_path, *lines)).made == {}


@pytest.mark.parametrize("verb", [("retrieve", "retrieved"), ("delete", "deleted")])
def test_commands_that_name_an_item(tmp_path: Path, verb: tuple[str, str]) -> None:
    command, answer = verb
    lines = [
        sent(f"conversation.item.{command}", item_id="a"),
        sent(f"conversation.item.{command}", item_id="b"),
        received(f"conversation.item.{answer}", item_id="b"),
        received(f"conversation.item.{answer}", item={"id": "a"}),
        received(f"conversation.item.{answer}", item_id="c"),
    ]
    assert causes(tmp_path, *lines) == [Cause(1), Cause(0), Cause(1)]


def test_a_response_and_all_that_is_of_it(tmp_path: Path) -> None:
    """What the client did in the meantime is not what it waits for."""
    lines = [
        RESPOND,
        response("response.created", "r"),
        received("conversation.item.added", item={"id": "said"}),
        received("response.output_item.added", response_id="r", item={"id": "said"}),
        CREATE,
        received("response.output_text.delta", response_id="r", item_id="said"),
        received("conversation.item.done", item={"id": "said"}),
        response("response.done", "r", status="completed"),
        received("rate_limits.updated", rate_limits=[]),
    ]
    assert causes(tmp_path, *lines) == [Cause(0)] * 7


def test_responses_are_told_by_their_metadata(tmp_path: Path) -> None:
    lines = [
        sent("response.create", response={"metadata": {"n": "1"}}),
        sent("response.create", response={"metadata": {"n": "2"}}),
        response("response.created", "second", metadata={"n": "2"}),
        response("response.created", "first", metadata={"n": "1"}),
    ]
    assert causes(tmp_path, *lines) == [Cause(1), Cause(0)]
    assert script_of(session_of(tmp_path, *lines)).made == {1: "second", 0: "first"}


def test_a_server_that_echoes_no_metadata(tmp_path: Path) -> None:
    lines = [
        sent("response.create", response={"metadata": {"n": "1"}}),
        response("response.created", "r"),
    ]
    assert causes(tmp_path, *lines) == [Cause(0)]


def test_what_ends_a_cancelled_response_waits_for_the_cancelling(tmp_path: Path) -> None:
    for fields in ({}, {"response_id": "r"}):
        lines = [
            RESPOND,
            response("response.created", "r"),
            received("response.output_text.delta", response_id="r"),
            sent("response.cancel", **fields),
            received("response.output_text.done", response_id="r"),
            response("response.done", "r", status="cancelled"),
        ]
        assert causes(tmp_path, *lines) == [Cause(0), Cause(0), Cause(1), Cause(1)]


def test_turn_detection_waits_for_audio(tmp_path: Path) -> None:
    lines = [
        append(100),
        received("input_audio_buffer.speech_started", item_id="i"),
        append(50),
        received("input_audio_buffer.speech_stopped", item_id="i"),
        received("input_audio_buffer.committed", item_id="i"),
        append(25),
        received("conversation.item.added", item={"id": "i"}),
        response("response.created", "r"),
        received("conversation.item.input_audio_transcription.delta", item_id="i"),
    ]
    first, later = Cause(audio_bytes=100), Cause(audio_bytes=150)
    assert causes(tmp_path, *lines) == [first, later, later, later, Cause(audio_bytes=175), later]


def test_barge_in_ends_the_response_that_it_interrupted(tmp_path: Path) -> None:
    details = {"type": "cancelled", "reason": "turn_detected"}
    lines = [
        append(1),
        response("response.created", "r"),
        append(2),
        received("response.output_audio.delta", response_id="r", delta="AAAA"),
        received("input_audio_buffer.speech_started", item_id="i"),
        response("response.done", "r", status="cancelled", status_details=details),
    ]
    begun, heard = Cause(audio_bytes=1), Cause(audio_bytes=3)
    assert causes(tmp_path, *lines) == [begun, begun, heard, heard]


def test_audio_that_went_another_way(tmp_path: Path) -> None:
    """On WebRTC audio is no event."""
    lines = [
        sent("session.update", session={}),
        received("input_audio_buffer.speech_started", item_id="i"),
    ]
    assert causes(tmp_path, *lines) == [Cause(0)]


def test_a_commit_by_the_client(tmp_path: Path) -> None:
    lines = [
        append(100),
        received("input_audio_buffer.speech_started", item_id="i"),
        sent("input_audio_buffer.commit"),
        received("input_audio_buffer.committed", item_id="i"),
        received("conversation.item.added", item={"id": "i"}),
    ]
    assert causes(tmp_path, *lines)[1:] == [Cause(0), Cause(0)]


def test_errors_blame_a_frame_or_the_last(tmp_path: Path) -> None:
    lines = [
        sent("response.cancel", event_id="evt"),
        CREATE,
        received("error", error={"event_id": "evt"}),
        received("error", error={"event_id": None}),
    ]
    assert causes(tmp_path, *lines) == [Cause(0), Cause(1)]


def test_what_nobody_knows_waits_for_all_before_it(tmp_path: Path) -> None:
    lines = [CREATE, append(4), received("vendor.event"), {"direction": "received", "text": "?"}]
    assert causes(tmp_path, *lines) == [Cause(0, 4), Cause(0, 4)]


def test_times(tmp_path: Path) -> None:
    lines: list[Json] = [
        {**CREATE, "at": 1.0},
        {**append(4), "at": 2.5},
        {**received("conversation.item.added", item=message("x")), "at": 3.0},
        {**received("input_audio_buffer.speech_started"), "at": 3.5},
        {**received("vendor.event"), "at": 4.0},
    ]
    script = script_of(session_of(tmp_path, *lines))
    assert [cause.at for _, cause in script.received] == [1.0, 2.5, 2.5]
    assert script.end == Cause(0, 4, 2.5)
    assert script.audio_before == [0]


@pytest.mark.parametrize(
    ("event", "n_bytes"),
    [
        ({"audio": "AAAA"}, 3),
        ({"audio": "AAA"}, 2),
        ({"audio": "A"}, 1),
        ({"audio": 3}, 0),
        ({}, 0),
    ],
)
def test_how_much_is_appended(event: Json, n_bytes: int) -> None:
    assert audio_bytes(event) == n_bytes


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_nothing_waits_for_what_came_after_it(path: Path) -> None:
    """Else a client that does what was recorded would wait for ever."""
    [session] = read_recording(path)
    script = script_of(session)
    waits = iter(script.received)
    steps = audio = 0
    for frame in session.frames:
        if frame.direction == "received":
            _, cause = next(waits)
            assert (-1 if cause.step is None else cause.step) < max(steps, 0)
            assert cause.audio_bytes <= audio
        elif frame.type == "input_audio_buffer.append":
            audio += audio_bytes(frame.data or {})
        else:
            steps += 1
    assert not list(waits)
