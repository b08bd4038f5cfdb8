"""The account of calls: each is answered once, and one response follows. Without a loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrealtime._protocol._responses import ResponseTracker
from anyrealtime._protocol._run import Run
from anyrealtime._protocol._tool_round import Round, ToolCall
from anyrealtime._protocol._tool_rounds import ToolRounds
from anyrealtime.errors import ConnectionClosed
from anyrealtime.events import (
    ConversationItemCreate,
    FunctionCallOutput,
    InputAudioBufferClear,
    ItemReference,
    McpApprovalRequest,
    McpApprovalResponse,
    Message,
)
from tests._protocol.recorded import event
from tests._protocol.responses import Log


def item(call_id: str, status: str = "completed", **fields: object) -> dict[str, object]:
    return {
        "type": "function_call", "id": f"item_{call_id}", "call_id": call_id, "name": "f",
        "arguments": "{}", "status": status, **fields,
    }  # fmt: skip


def mcp(item_id: str, **fields: object) -> dict[str, object]:
    return {"type": "mcp_call", "id": item_id, "server_label": "s", "name": "f",
            "arguments": "{}", **fields}  # fmt: skip


def asks(item_id: str) -> dict[str, object]:
    return {"type": "mcp_approval_request", "id": item_id, "server_label": "s", "name": "f",
            "arguments": "{}"}  # fmt: skip


class Desk:
    """Who runs calls, and what it was asked to do.

    Attributes:
        programs: names that the program answers.
        elsewhere: labels of MCP servers that the program goes on after.
    """

    def __init__(self) -> None:
        self.tracker = ResponseTracker()
        self.rounds = ToolRounds(self)
        self.tracker.observer = self.rounds
        self.max_rounds = 3
        self.programs: set[str] = set()
        self.elsewhere: set[str] = set()
        self.started: list[tuple[ToolCall, str | None]] = []
        self.approvals: list[str | None] = []
        self.interrupted: list[ToolCall] = []
        self.follows_up: list[Round] = []
        self.dropped: list[Round] = []

    # What the rounds ask

    def answers(self, name: str, run: Run) -> bool:
        return name not in self.programs

    def follows(self, server_label: str) -> bool:
        return server_label not in self.elsewhere

    def start(self, call: ToolCall, why_not: str | None) -> None:
        self.started.append((call, why_not))

    def approve(self, request: McpApprovalRequest) -> None:
        self.approvals.append(request.id)

    def interrupt(self, call: ToolCall) -> None:
        self.interrupted.append(call)

    def follow_up(self, round_: Round) -> None:
        self.follows_up.append(round_)

    def drop(self, round_: Round) -> None:
        self.dropped.append(round_)

    # What the test tells

    @property
    def running(self) -> list[str]:
        return [call.item.call_id for call, why_not in self.started if why_not is None]

    @property
    def refused(self) -> list[str]:
        return [call.item.call_id for call, why_not in self.started if why_not is not None]

    def tell(self, type_: str, **fields: object) -> None:
        self.tracker.apply(event(type_, **fields), 0)

    def respond(
        self, *items: dict[str, object], id_: str = "r1", status: str = "completed", **fields: Any
    ) -> None:
        self.tell("response.created", response={"id": id_, **fields})
        for one in items:
            self.tell("response.output_item.done", response_id=id_, item=one)
        output = {"id": id_, "status": status, "output": list(items), **fields}
        self.tell("response.done", response=output)

    def answer(self, call_id: str) -> None:
        output = FunctionCallOutput(call_id=call_id, output="", id=f"out_{call_id}")
        self.rounds.on_sent(ConversationItemCreate(item=output))

    def decide(self, request_id: str, *, approve: bool) -> None:
        answer = McpApprovalResponse(approval_request_id=request_id, approve=approve)
        self.rounds.on_sent(ConversationItemCreate(item=answer))

    def follow(self, round_: Round) -> Run:
        """Ask for what follows, and let it begin."""
        log = Log()
        run = self.tracker.expect("tag", "create", log, writes=True)
        self.rounds.followed(round_, run)
        self.tell("response.created", response={"id": "next", "metadata": {"anyrealtime": "tag"}})
        self.rounds.begun(round_)
        return run


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_arguments_of_a_response_that_was_not_seen_to_begin_are_nobodys(desk: Desk) -> None:
    desk.tell("response.function_call_arguments.done", response_id="r0", item_id="item_a",
              call_id="a", arguments="{}")  # fmt: skip
    assert not desk.started
    desk.respond(item("a"))
    assert desk.running == ["a"]


def test_a_remote_call_without_an_id_is_not_the_one_that_was_approved_of(desk: Desk) -> None:
    desk.respond(asks("q"))
    desk.decide("q", approve=True)
    nameless = {key: value for key, value in mcp("m").items() if key != "id"}
    desk.tell("conversation.item.added", item=nameless)
    desk.tell("response.mcp_call.completed", item_id="m")
    assert not desk.follows_up
    desk.tell("conversation.item.added", item=mcp("n"))
    desk.tell("response.mcp_call.completed", item_id="n")
    assert len(desk.follows_up) == 1


def test_a_round_is_answered_when_all_its_calls_are(desk: Desk) -> None:
    desk.respond(item("a"), item("b"))
    assert desk.running == ["a", "b"]
    desk.answer("a")
    desk.answer("a")
    assert not desk.follows_up
    desk.answer("b")
    [round_] = desk.follows_up
    assert [one.id for one in round_.outputs] == ["out_a", "out_b"]
    assert round_.items == [
        ItemReference(id=name) for name in ("item_a", "item_b", "out_a", "out_b")
    ]
    assert len(desk.rounds) == 1
    desk.rounds.begun(round_)
    desk.rounds.begun(round_)
    assert len(desk.rounds) == 0


def test_what_is_no_call_opens_nothing(desk: Desk) -> None:
    desk.respond({"type": "message", "id": "m"})
    desk.respond(item(""), id_="r2")
    desk.answer("never_called")
    desk.decide("never_asked", approve=True)
    desk.rounds.on_sent(InputAudioBufferClear())
    desk.rounds.on_sent(ConversationItemCreate(item=Message()))
    assert not desk.started
    assert not desk.follows_up


def test_out_of_band_calls_are_nobodys(desk: Desk) -> None:
    run = desk.tracker.expect("tag", "create", Log(), writes=False)
    desk.respond(item("a"), metadata={"anyrealtime": "tag"})
    assert run.phase == "over"
    assert not desk.started


def test_arguments_that_came_alone_are_enough(desk: Desk) -> None:
    desk.tell("response.created", response={"id": "r1"})
    for call_id in ("a", "a", ""):
        desk.tell(
            "response.function_call_arguments.done",
            response_id="r1", item_id="i", call_id=call_id, name="f", arguments='{"x": 1}',
        )  # fmt: skip
    desk.tell("response.done", response={"id": "r1", "status": "completed"})
    [(call, _)] = desk.started
    assert (call.item.name, call.item.arguments) == ("f", '{"x": 1}')


def test_the_beginning_of_an_item_does_not_replace_its_end(desk: Desk) -> None:
    desk.tell("response.created", response={"id": "r1"})
    desk.tell("response.output_item.done", response_id="r1", item=item("a", arguments="whole"))
    desk.tell("response.output_item.added", response_id="r1", item=item("a", arguments=""))
    desk.tell("response.done", response={"id": "r1", "status": "completed"})
    assert desk.started[0][0].item.arguments == "whole"


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
def test_calls_that_were_cut_are_refused_and_nothing_follows(desk: Desk, status: str) -> None:
    desk.programs = {"mine"}
    desk.respond(item("a"), item("b", name="mine"), mcp("m"), asks("q"), status=status)
    assert (desk.running, desk.refused, desk.approvals) == ([], ["a"], [])
    desk.answer("a")
    desk.answer("b")
    assert not desk.follows_up
    assert len(desk.rounds) == 0


def test_a_response_that_fails_with_the_connection_runs_nothing(desk: Desk) -> None:
    desk.tell("response.created", response={"id": "r1"})
    desk.tell("response.output_item.done", response_id="r1", item=item("a"))
    desk.tracker.fail_all(lambda: ConnectionClosed(1006))
    assert not desk.started


def test_the_programs_calls_are_waited_for(desk: Desk) -> None:
    desk.programs = {"mine"}
    desk.respond(item("a"), item("b", name="mine"))
    assert desk.running == ["a"]
    desk.answer("a")
    assert not desk.follows_up
    desk.answer("b")
    assert len(desk.follows_up) == 1


def test_whoever_follows_goes_on(desk: Desk) -> None:
    log = Log()
    log.run = desk.tracker.expect("t1", "create_t1", log, writes=True)
    first = log.run
    desk.respond(item("a"), metadata={"anyrealtime": "t1"})
    assert first.continues
    desk.answer("a")
    run = desk.follow(desk.follows_up[0])
    assert log.run is run
    assert run.rounds == 1
    assert log.phases == ["active", "over", "active"]


def test_too_many_rounds_are_refused_once_and_then_nothing_follows(desk: Desk) -> None:
    for number in range(3):
        desk.respond(item(f"c{number}"), id_=f"r{number}")
        desk.answer(f"c{number}")
        round_ = desk.follows_up[-1]
        assert not round_.last
        run = desk.tracker.expect("tag", "create", Log(), writes=True)
        desk.rounds.followed(round_, run)
        desk.rounds.begun(round_)
        del desk.tracker._asked["tag"]
        run.rounds = number + 1
    tag = {"anyrealtime": "late"}
    for rounds, follows in ((3, True), (4, False)):
        run = desk.tracker.expect("late", "create", Log(), writes=True)
        run.rounds = rounds
        before = len(desk.follows_up)
        desk.respond(item(f"late{rounds}"), id_=f"late{rounds}", metadata=tag)
        assert desk.refused[-1] == f"late{rounds}"
        desk.answer(f"late{rounds}")
        assert len(desk.follows_up) == before + follows
    assert desk.follows_up[-1].last


def test_an_interruption_reaches_what_is_not_answered(desk: Desk) -> None:
    desk.respond(item("a"), item("b"))
    desk.answer("a")
    desk.tell("input_audio_buffer.speech_started", item_id="i")
    assert [call.item.call_id for call in desk.interrupted] == ["b"]


def test_where_all_was_cancelled_nothing_follows(desk: Desk) -> None:
    log = Log()
    log.run = desk.tracker.expect("t1", "create_t1", log, writes=True)
    desk.respond(item("a"), metadata={"anyrealtime": "t1"})
    desk.started[0][0].cancelled = True
    desk.answer("a")
    assert not desk.follows_up
    assert log.run.response is not None
    assert log.run.response.status == "cancelled"
    assert log.run.response.status_details is not None
    assert log.phases[-1] == "over"


def test_what_is_left_is_dropped(desk: Desk) -> None:
    log = Log()
    log.run = desk.tracker.expect("t1", "create_t1", log, writes=True)
    desk.respond(item("a"), item("b"), metadata={"anyrealtime": "t1"})
    desk.respond(item("c"), id_="r2")
    desk.answer("a")
    desk.tracker.cancel(log.run)
    assert [call.item.call_id for call in desk.interrupted] == ["b"]
    assert [round_.run for round_ in desk.dropped] == [log.run]
    desk.answer("b")
    assert not desk.follows_up
    desk.rounds.end(desk.dropped[0], "again")  # of no effect
    assert len(desk.rounds) == 1


def test_a_lost_connection_ends_what_would_go_on(desk: Desk) -> None:
    log = Log()
    log.run = desk.tracker.expect("t1", "create_t1", log, writes=True)
    desk.respond(item("a"), metadata={"anyrealtime": "t1"})
    desk.tracker.fail_all(lambda: ConnectionClosed(1006))
    assert log.run.failure is not None
    assert isinstance(log.run.failure(), ConnectionClosed)
    assert len(desk.rounds) == 0


def test_where_nobody_runs_anything_calls_are_nobodys(desk: Desk) -> None:
    desk.max_rounds = 0
    desk.respond(item("a"))
    assert not desk.started
    assert len(desk.rounds) == 0


def test_closing_ends_what_would_go_on(desk: Desk) -> None:
    log = Log()
    log.run = desk.tracker.expect("t1", "create_t1", log, writes=True)
    desk.respond(item("a"), metadata={"anyrealtime": "t1"})
    desk.rounds.close()
    assert not log.run.continues
    assert log.phases[-1] == "over"
    desk.answer("a")
    assert not desk.follows_up


# MCP


def test_calls_that_the_server_makes_are_waited_for(desk: Desk) -> None:
    desk.respond(mcp("m"), mcp("n"))
    desk.tell("response.mcp_call.completed", item_id="m")
    desk.tell("response.mcp_call.completed")
    assert not desk.follows_up
    desk.tell("response.mcp_call.failed", item_id="n")
    assert len(desk.follows_up) == 1


def test_calls_that_were_made_in_the_response_are_followed_at_once(desk: Desk) -> None:
    desk.respond(mcp("m", output="x"))
    assert len(desk.follows_up) == 1
    desk.respond(mcp("n", output="x"), {"type": "message", "id": "said"}, id_="r2")
    assert len(desk.follows_up) == 1


def test_others_servers_are_others_business(desk: Desk) -> None:
    desk.elsewhere = {"s"}
    desk.respond(mcp("m"), asks("q"))
    assert not desk.approvals
    assert len(desk.rounds) == 0


@pytest.mark.parametrize("told", ["before", "after", "by content"])
@pytest.mark.parametrize("approve", [True, False])
def test_approvals_and_their_calls(desk: Desk, told: str, approve: bool) -> None:
    call = mcp("m") if told == "by content" else mcp("m", approval_request_id="q")
    desk.respond(asks("q"), *([] if told == "after" else [call]))
    assert desk.approvals == ["q"]
    assert desk.rounds.is_asking("q")
    desk.decide("q", approve=approve)
    desk.decide("q", approve=approve)
    assert not desk.rounds.is_asking("q")
    assert len(desk.follows_up) == (not approve)
    if told == "after":
        desk.tell("conversation.item.added", item=mcp("other", approval_request_id="p"))
        desk.tell("conversation.item.added", item=call)
    desk.tell("conversation.item.done", item={**call, "output": "x"})
    assert len(desk.follows_up) == 1


# In every order


@settings(max_examples=200)
@given(data=st.data())
def test_every_order_ends_in_one_answer_each_and_one_response(data: st.DataObject) -> None:
    desk = Desk()
    desk.max_rounds = 100
    desk.programs = {"mine"}
    count = data.draw(st.integers(1, 5))
    names = [data.draw(st.sampled_from(["f", "mine"])) for _ in range(count)]
    items = [item(f"c{n}", name=name) for n, name in enumerate(names)]
    told = items + data.draw(st.lists(st.sampled_from(items), max_size=3))  # some twice
    status = data.draw(st.sampled_from(["completed", "completed", "cancelled", "incomplete"]))
    desk.respond(*told, status=status)
    started = [call for call, _ in desk.started]
    assert len({call.item.call_id for call in started}) == len(started) == names.count("f")
    for call_id in data.draw(st.permutations([f"c{n}" for n in range(count)])):
        if data.draw(st.booleans()):
            desk.respond(*told, id_=f"again_{call_id}")  # servers tell things twice
        assert not desk.follows_up
        desk.answer(call_id)
        desk.answer(call_id)
    assert len(desk.follows_up) == (status == "completed")
    assert len(desk.started) == len(started)
    assert not desk.rounds._open
    assert not desk.rounds._told
