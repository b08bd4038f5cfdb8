"""From the events of one response to its text, audio and items."""

from __future__ import annotations

import pytest

from anyrealtime._protocol._parts import Parts
from anyrealtime.events import FunctionCall, ServerEvent
from tests._protocol.responses import delta, done, event

CALL = {"type": "function_call", "id": "i2", "call_id": "c1", "name": "f", "arguments": "{}"}


def parts(*events: ServerEvent) -> Parts:
    made = Parts()
    for told in events:
        made.apply(told, 10)
    return made


def text_of(made: Parts) -> list[str]:
    return made.text.take()[0]


def text_done(item_id: str | None = "i1", text: str = "", index: int = 0) -> ServerEvent:
    return event(
        "response.output_text.done",
        item_id=item_id,
        output_index=index,
        content_index=0,
        text=text,
    )


def item_done(item: dict[str, object], index: int = 0) -> ServerEvent:
    return event("response.output_item.done", output_index=index, item=item)


def test_deltas_in_order_with_their_sizes() -> None:
    made = parts(delta("a"), delta("b"))
    assert made.text.take() == (["a", "b"], [10, 10])
    assert made.text.take() == ([], [])
    made.apply(delta("c"), 10)
    assert text_of(made) == ["c"]


@pytest.mark.parametrize("beta", [False, True])
def test_kinds_do_not_wait_for_each_other(beta: bool) -> None:
    place = {"item_id": "i1", "output_index": 0, "content_index": 0}
    audio, spoken = (
        ("response.audio.delta", "response.audio_transcript.delta")
        if beta
        else ("response.output_audio.delta", "response.output_audio_transcript.delta")
    )
    made = parts(
        event(audio, **place, delta="AAE="),
        event(spoken, **place, delta="hi"),
        event(audio, **place, delta="AgM="),
    )
    assert made.audio.take()[0] == [b"\0\1", b"\2\3"]
    assert made.transcript.take()[0] == ["hi"]
    assert text_of(made) == []


@pytest.mark.parametrize(
    "whole",
    [
        text_done("i1"),
        event("response.content_part.done", item_id="i1", content_index=0),
        item_done({"type": "message", "id": "i1", "content": []}),
        item_done({"type": "message", "id": "i1", "status": "incomplete", "content": []}),
        done("r1"),
    ],
    ids=lambda told: told.type,
)
def test_a_later_item_waits_until_the_earlier_is_whole(whole: ServerEvent) -> None:
    made = parts(delta("a", item_id="i1"), delta("1", item_id="i2", index=1))
    made.apply(delta("b", item_id="i1"), 10)
    made.apply(delta("2", item_id="i2", index=1), 10)
    assert text_of(made) == ["a", "b"]
    assert made.text.held_bytes == 20
    made.apply(whole, 10)
    assert text_of(made) == ["1", "2"]
    assert made.text.held_bytes == 0
    made.apply(delta("3", item_id="i2", index=1), 10)
    assert text_of(made) == ["3"]


def test_three_at_once_the_middle_one_whole_first() -> None:
    made = parts(*(delta(name, item_id=name) for name in "abc"), text_done("b"))
    assert text_of(made) == ["a"]
    made.apply(text_done("a"), 10)
    assert text_of(made) == ["b", "c"]


def test_items_that_have_no_id_are_told_apart_by_their_index() -> None:
    made = parts(delta("a", item_id=None, index=0), delta("b", item_id=None, index=1))
    assert text_of(made) == ["a"]
    made.apply(item_done({"type": "message", "content": []}, 0), 10)
    assert text_of(made) == ["b"]


def test_a_text_told_without_deltas() -> None:
    made = parts(text_done("i1", "whole"))
    assert text_of(made) == ["whole"]
    made = parts(
        event("response.output_audio_transcript.done", item_id="i1", transcript="said"),
        event("response.output_audio.done", item_id="i1"),
    )
    assert made.transcript.take()[0] == ["said"]
    made = parts(delta("a"), text_done("i1", "a"), text_done("i1", "a"))
    assert text_of(made) == ["a"]


def test_the_end_frees_what_waits() -> None:
    made = parts(delta("a", item_id="i1"), delta("b", item_id="i2"))
    made.close()
    assert text_of(made) == ["a", "b"]


@pytest.mark.parametrize("status", ["completed", None])
def test_items_that_are_whole(status: str | None) -> None:
    made = parts(
        item_done({"type": "message", "id": "i1", "status": status, "content": []}),
        item_done({**CALL, "status": status}),
        item_done({"type": "vendor", "id": "i3"}),
    )
    items = made.items.take()[0]
    assert [item.type for item in items] == ["message", "function_call", "vendor"]
    calls = made.function_calls.take()[0]
    assert [type(call) for call in calls] == [FunctionCall]
    assert calls[0].arguments == "{}"


@pytest.mark.parametrize("status", ["incomplete", "in_progress"])
def test_items_that_are_not(status: str) -> None:
    made = parts(item_done({**CALL, "status": status}))
    made.apply(done("r1", "cancelled", output=[{**CALL, "status": status}]), 10)
    assert made.items.take()[0] == []
    assert made.function_calls.take()[0] == []


def test_arguments_that_are_done_are_no_complete_call() -> None:
    made = parts(event("response.function_call_arguments.done", call_id="c1", arguments="{}"))
    assert made.function_calls.take()[0] == []


@pytest.mark.parametrize("identity", [{}, {"id": None}, {"id": None, "call_id": ""}])
def test_an_item_is_given_once(identity: dict[str, object]) -> None:
    call = {**CALL, **identity}
    made = parts(item_done(call), done("r1", output=[call]))
    assert len(made.items.take()[0]) == 1
    assert len(made.function_calls.take()[0]) == 1


@pytest.mark.parametrize(("status", "count"), [("completed", 1), ("incomplete", 0), ("failed", 0)])
def test_items_that_only_the_end_tells(status: str, count: int) -> None:
    made = parts(done("r1", status, output=[{**CALL, "status": "completed"}]))
    assert len(made.function_calls.take()[0]) == count


def test_another_response_may_use_the_same_names() -> None:
    made = parts(
        delta("a"),
        delta("waits", "r1", "i2", 1),
        item_done({"type": "message", "status": "completed"}),
    )
    made.begin_anew()
    assert text_of(made) == ["a", "waits"]
    made.apply(text_done(text="b"), 10)  # told whole, as nothing of it was told in this response
    made.apply(event("response.done", response={"output": [{"type": "message"}]}), 10)
    assert text_of(made) == ["b"]
    assert len(made.items.take()[0]) == 2


def test_all_that_was_said_at_once() -> None:
    made = parts(delta("a"), delta("b", "r1", "i2", 1))
    assert made.said() == ("ab", "")
    assert made.said() == ("", "")
