"""Which fault strikes when: the plan alone, without a loop, a clock or a socket."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._faults._plan import FaultPlan, FaultScript
from anyrealtime.simulator._faults._steps import (
    Freeze,
    Goodbye,
    Pause,
    Say,
    Scribble,
    Sever,
    Step,
    Throttle,
)
from anyrealtime.simulator.faults import (
    HANDSHAKE,
    Close,
    Corrupt,
    Cut,
    Drift,
    Drop,
    Duplicate,
    ErrorStorm,
    Fault,
    Fragment,
    HalfOpen,
    Refuse,
    Reorder,
    Reset,
    Slow,
    Stall,
    Unknown,
)


def frame(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, **fields}).encode()


A, B, C, D = map(frame, "abcd")
TRAFFIC = [A, B, C, D]


def plan(*faults: Fault, seed: int = 0, visit: int = 1) -> FaultPlan:
    return FaultScript(faults, seed).plan(visit)


def sent(its: FaultPlan, frames: Sequence[bytes] = TRAFFIC, now: float = 0.0) -> list[Step]:
    return [step for each in frames for step in its.outgoing(each, now)]


def said(steps: Sequence[Step]) -> list[bytes]:
    """The messages among `steps`, which must all be."""
    return [step.data for step in steps if isinstance(step, Say)]


# Frame by frame


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (Drop(), []),
        (Drop(event="b"), [A, C, D]),
        (Drop(event="[bc]"), [A, D]),
        (Drop(after=3), [A, B, C]),
        (Drop(times=2), [C, D]),
        (Drop(after=1, times=1), [A, C, D]),
        (Drop(p=0), TRAFFIC),
        (Drop(p=1), []),
        (Drop(visit=2), TRAFFIC),
        (Drop(delay=1), TRAFFIC),
        (Drop(heard="a"), TRAFFIC),
        (Duplicate(event="a", copies=2), [A, A, A, B, C, D]),
        (Reorder(event="a"), [B, A, C, D]),
        (Reorder(event="a", by=3), [B, C, D, A]),
        (Reorder(), [B, A, D, C]),
        (Drift("type", "z", event="c"), [A, B, frame("z").replace(b" ", b""), D]),
        (Drift("no", times=1), TRAFFIC),
    ],
)
def test_frames(fault: Fault, arrives: list[bytes]) -> None:
    steps = sent(plan(fault))
    assert said(steps) == arrives
    assert all(isinstance(step, Say) for step in steps)


def test_only_events_with_the_field_count() -> None:
    steps = sent(plan(Drift("x", times=1)), [A, frame("b", x=1), frame("c", x=1)])
    assert [sorted(json.loads(data)) for data in said(steps)] == [["type"], ["type"], ["type", "x"]]


def test_fragments() -> None:
    assert sent(plan(Fragment(size_bytes=3)), [A]) == [Say(A, 3)]


@pytest.mark.parametrize("what", ["json", "text"])
def test_corrupt_messages(what: str) -> None:
    [step] = sent(plan(Corrupt(what=what)), [A])  # type: ignore[arg-type]
    assert isinstance(step, Say)
    assert step.data != A


def test_a_corrupt_frame() -> None:
    assert sent(plan(Corrupt(what="frame")), [A]) == [Scribble(b"\x83" + bytes([len(A)]) + A)]


def test_faults_of_one_frame_follow_each_other() -> None:
    both = plan(Duplicate(), Fragment(size_bytes=5))
    assert sent(both, [A]) == [Say(A, 5), Say(A, 5)]
    neither = plan(Drop(), Duplicate(), Reorder())
    assert sent(neither, [A]) == []
    assert neither.next_due() is None


def test_what_waits_for_others_goes_out_in_time() -> None:
    its = plan(Reorder(within=0.5))
    assert its.outgoing(A, 1.0) == []
    assert not its.is_empty
    assert its.next_due() == 1.5
    assert its.due(1.4) == []
    assert its.due(1.5) == [Say(A)]
    assert its.next_due() is None


# The connection


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        (Close(4000, "so"), [Goodbye(4000, "so")]),
        (Close(None), [Goodbye(None, "")]),
        (Reset(), [Sever(reset=True)]),
        (Cut(), [Sever(reset=False)]),
        (HalfOpen(), [Freeze()]),
        (Stall(2.5), [Pause(2.5)]),
        (Slow(100), [Throttle(100)]),
    ],
)
def test_what_happens(fault: Fault, steps: list[Step]) -> None:
    assert plan(fault).due(0.0) == steps


def test_in_the_middle_of_a_frame() -> None:
    wire = b"\x81" + bytes([len(B)]) + B
    half = Scribble(wire[: len(wire) // 2])
    steps = sent(plan(Cut(mid_frame=True, event="b")), [A, B])
    assert steps[1:3] == [half, Sever(reset=False)]
    [part, end] = plan(Cut(mid_frame=True)).due(0.0)
    assert isinstance(part, Scribble)
    assert end == Sever(reset=False)


def test_events_nobody_asked_for() -> None:
    its = plan(Unknown(name="odd"), ErrorStorm(2, "slow_down", "Slow down."))
    events = [json.loads(data) for data in said(its.due(0.0))]
    assert [event["type"] for event in events] == ["odd", "error", "error"]
    assert len({event["event_id"] for event in events}) == 3
    assert events[1]["error"] == {
        "type": "server_error",
        "code": "slow_down",
        "message": "Slow down.",
        "param": None,
        "event_id": None,
    }


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (Stall(9), 0),
        (Stall(9, after=1), 1),
        (Stall(9, after=4), 4),
        (Stall(9, event="b"), 1),
        (Stall(9, event="b", after=1), 2),
        (Stall(9, event="*", after=3), 3),
        (Stall(9, p=1, times=1, after=2), 2),
    ],
)
def test_the_moment(fault: Fault, place: int) -> None:
    steps = sent(plan(fault))
    assert steps[place] == Pause(9)
    assert said(steps) == TRAFFIC


@pytest.mark.parametrize(
    "fault",
    [Stall(9, after=5), Stall(9, event="x"), Stall(9, p=0), Stall(9, delay=1), Stall(9, visit=2)],
)
def test_never(fault: Fault) -> None:
    assert sent(plan(fault)) == [Say(data) for data in TRAFFIC]


def test_chance_strikes_again_and_again() -> None:
    steps = sent(plan(Unknown(p=1, after=1)))
    assert len(said(steps)) == 7
    assert len(said(sent(plan(Unknown(p=1, times=2))))) == 6


def test_a_time() -> None:
    its = plan(Close(delay=2), Stall(9, delay=1))
    assert its.next_due() == 1
    assert its.due(0.9) == []
    assert its.due(1.0) == [Pause(9)]
    assert its.next_due() == 2
    assert its.outgoing(A, 2.5) == [Goodbye(1011, ""), Say(A)]
    assert its.is_empty
    assert its.next_due() is None


def test_before_its_time_nothing_counts() -> None:
    its = plan(Drop(delay=1, after=1))
    assert said(sent(its, TRAFFIC, 0.5)) == TRAFFIC
    assert said(sent(its, TRAFFIC, 1.0)) == [A]


def test_a_fault_that_is_added() -> None:
    its = plan()
    assert its.is_empty
    its.inject(Drop(after=1, times=1), 5.0)
    its.inject(Stall(1, delay=2), 5.0)
    assert its.next_due() == 7.0
    assert said(sent(its, TRAFFIC, 5.0)) == [A, C, D]


@pytest.mark.parametrize("fault", [Refuse(), Reset(event=HANDSHAKE)])
def test_a_fault_that_comes_too_late(fault: Fault) -> None:
    with pytest.raises(ConfigurationError, match="handshake is over"):
        plan().inject(fault, 0.0)


def test_the_handshake() -> None:
    its = plan(Reset(event=HANDSHAKE), Stall(1), Stall(3, event=HANDSHAKE))
    assert its.handshake() == [Sever(reset=True), Pause(3)]
    assert its.due(0.0) == [Pause(1)]


# The client's events


def test_a_lost_command() -> None:
    its = plan(Drop(heard="a", after=1, times=1))
    assert [its.incoming(A, 0.0).is_lost for _ in range(3)] == [False, True, False]
    assert not its.incoming(B, 0.0).is_lost


def test_what_happens_upon_a_command() -> None:
    its = plan(Reset(heard="a"), Close(heard="b", after=1), Stall(1, heard="c", p=1))
    heard = its.incoming(A, 0.0)
    assert (heard.before, heard.behind) == ([Sever(reset=True)], [])
    heard = its.incoming(B, 0.0)
    assert (heard.before, heard.behind) == ([], [Goodbye(1011, "")])
    assert [its.incoming(C, 0.0).before for _ in range(2)] == [[Pause(1)], [Pause(1)]]
    assert sent(plan(Reset(heard="a"))) == [Say(data) for data in TRAFFIC]


# Who is refused


def test_refusals() -> None:
    script = FaultScript([Refuse(503, times=2), Refuse(429, visit=5), Drop()])
    answers = [script.refusal(visit) for visit in range(1, 7)]
    assert [None if each is None else each.status for each in answers] == [
        *(503, 503),
        *(None, None),
        429,
        None,
    ]
    script.inject(Refuse(500))
    refused = script.refusal(7)
    assert refused is not None
    assert refused.status == 500


def test_refusals_by_chance() -> None:
    def fates(seed: int) -> list[bool]:
        script = FaultScript([Refuse(p=0.5)], seed)
        return [script.refusal(visit) is not None for visit in range(1, 101)]

    assert fates(1) == fates(1) != fates(2)
    assert 20 < sum(fates(1)) < 80


# Seeds

PROBABILITIES = st.floats(0.05, 0.95)
CHANCES = st.lists(
    st.one_of(
        st.builds(Drop, p=PROBABILITIES),
        st.builds(Duplicate, p=PROBABILITIES),
        st.builds(Corrupt, p=PROBABILITIES, what=st.sampled_from(["json", "text", "frame"])),
        st.builds(Reorder, p=PROBABILITIES, by=st.integers(1, 3)),
        st.builds(Unknown, p=PROBABILITIES),
        st.builds(Stall, st.just(1.0), p=PROBABILITIES),
    ),
    min_size=1,
    max_size=4,
)
LONG = [frame("x", n=number) for number in range(100)]


@given(CHANCES, st.integers(), st.integers(1, 9))
def test_a_seed_repeats_everything(faults: list[Fault], seed: int, visit: int) -> None:
    first, second = (sent(plan(*faults, seed=seed, visit=visit), LONG) for _ in range(2))
    assert first == second


@given(CHANCES, st.integers())
def test_neither_other_clients_nor_later_faults_change_it(faults: list[Fault], seed: int) -> None:
    alone = sent(plan(*faults, seed=seed, visit=3), LONG)
    script = FaultScript([*faults, Drop(event="never", p=0.5)], seed)
    sent(script.plan(1), LONG)
    third, second = script.plan(3), script.plan(2)
    mixed: list[Step] = []
    for each in LONG:
        second.outgoing(each, 0.0)
        mixed += third.outgoing(each, 0.0)
    assert mixed == alone


def test_seeds_and_clients_differ() -> None:
    fates = [
        said(sent(plan(Drop(p=0.5), seed=seed, visit=visit), LONG))
        for seed, visit in [(0, 1), (1, 1), (0, 2)]
    ]
    assert len({tuple(fate) for fate in fates}) == 3
    assert all(20 < len(fate) < 80 for fate in fates)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(1, 4), st.sampled_from("abc*"))
def test_reordering_loses_nothing(names: list[str], by: int, pattern: str) -> None:
    its = plan(Reorder(event=pattern, by=by))
    frames = [frame(name, n=number) for number, name in enumerate(names)]
    arrived = said(sent(its, frames)) + said(its.due(1.0))
    assert sorted(arrived) == sorted(frames)
