"""Which calls a response has made, which of them are answered, and when the model goes on.

No loop, no clock, and no functions: who runs what is the host's. A response that ends completed
and has called something opens a round; each call of a function is answered once, whoever does
it; when all is done, the host is asked for the one response that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from anyrealtime._protocol._run import Failure, Run
from anyrealtime._protocol._tool_round import Round, ToolCall, ToolHost
from anyrealtime.events import (
    SERVER_EVENTS,
    ClientEvent,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDone,
    FunctionCall,
    FunctionCallOutput,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    Message,
    Response,
    ResponseFunctionCallArgumentsDone,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseStatusDetails,
    ServerEvent,
)

_Telling: TypeAlias = (
    ResponseOutputItemAdded | ResponseOutputItemDone | ConversationItemAdded | ConversationItemDone
)
_McpEnd: TypeAlias = ResponseMcpCallCompleted | ResponseMcpCallFailed
_Called: TypeAlias = FunctionCall | McpCall | McpApprovalRequest

_RELEVANT: Final = frozenset(
    kind
    for kind in SERVER_EVENTS.values()
    if issubclass(kind, _Telling | _McpEnd | ResponseFunctionCallArgumentsDone)
)


class ToolRounds:
    """The calls of one connection.

    Args:
        host: who runs them.
    """

    def __init__(self, host: ToolHost) -> None:
        self._host = host
        self._told: dict[Run, dict[str, _Called]] = {}  # of responses under way
        self._known: set[str] = set()  # all call ids there ever were: none is run twice
        self._open: dict[str, ToolCall] = {}  # calls that nobody has answered, by call id
        self._asking: set[str] = set()  # approval requests that nobody has answered
        self._ended: set[str] = set()  # MCP calls that are done
        self._rounds: list[Round] = []  # until what follows has begun

    def __len__(self) -> int:
        return len(self._rounds)

    # What the server tells

    def on_event(self, run: Run | None, event: ServerEvent) -> None:
        """An event that neither begins nor ends a response: it may tell of a call."""
        if type(event) not in _RELEVANT:
            return
        if isinstance(event, _McpEnd):
            self._end_remote(event.item_id)
        elif isinstance(event, _Telling):
            if isinstance(event.item, McpCall):
                self._meet_remote(event.item)
            if run is not None:
                self._hear(run, event.item, whole=isinstance(event, ResponseOutputItemDone))
        elif run is not None and isinstance(event, ResponseFunctionCallArgumentsDone):
            told = self._told.setdefault(run, {})
            known = told.get(event.call_id) or FunctionCall(call_id=event.call_id)
            if event.call_id and isinstance(known, FunctionCall) and not known.arguments:
                told[event.call_id] = replace(
                    known, name=known.name or event.name or "", arguments=event.arguments
                )

    def _hear(self, run: Run, item: object, *, whole: bool) -> None:
        """An item of a response: remember what it calls."""
        if isinstance(item, _Called):
            name = item.call_id if isinstance(item, FunctionCall) else item.id
            told = self._told.setdefault(run, {})
            if name and (whole or name not in told):
                told[name] = item

    def on_over(self, run: Run) -> None:
        """A response is over: run what it has called, if it came to its end."""
        response = run.response
        unwanted = not (run.writes and self._host.max_rounds)
        if run.failure is not None or response is None or unwanted:
            self._told.pop(run, None)
            return
        for item in response.output:
            self._hear(run, item, whole=True)
        round_ = self._round(run, self._told.pop(run, {}))
        why_not = None
        if response.status not in ("completed", None):
            why_not = f"The response was cut ({response.status}), and the call with it."
            round_.wanted = False
            round_.remote.clear()
        elif run.rounds >= self._host.max_rounds:
            why_not = "Too many calls in a row: answer with what is known."
            round_.wanted = run.rounds == self._host.max_rounds
            round_.last = True
        self._open_round(round_, why_not)

    def _round(self, run: Run, told: Mapping[str, _Called]) -> Round:
        round_ = Round(run)
        output = run.response.output if run.response else []
        went_on = isinstance(next(reversed(output), None), Message)  # in the same response
        for name, item in told.items():
            if isinstance(item, FunctionCall):
                if name not in self._known:
                    self._known.add(name)
                    round_.calls[name] = ToolCall(item, round_)
            elif not self._host.follows(item.server_label):
                continue
            elif name not in self._ended and not _is_done(item):
                round_.remote[name] = item
            elif not went_on:
                round_.remote_done = True
        return round_

    def _open_round(self, round_: Round, why_not: str | None) -> None:
        run = round_.run
        if not (round_.calls or round_.remote or round_.remote_done):
            return
        if round_.wanted:
            run.continues = True
            round_.followers = tuple(run.followers)
            self._rounds.append(round_)
        self._open.update(round_.calls)
        for name, call in round_.calls.items():
            if self._host.answers(call.item.name, run):
                cut = call.item.status == "incomplete"
                self._host.start(call, why_not or ("Its arguments were cut." if cut else None))
            elif not round_.wanted:
                del self._open[name]  # the program's, and nothing waits for it
        for name, item in round_.remote.items():
            if isinstance(item, McpApprovalRequest):
                self._asking.add(name)
                self._host.approve(item)
        self._complete_if_answered(round_)

    def _meet_remote(self, item: McpCall) -> None:
        """An MCP call is told: it may be the one that was approved of, or done already."""
        if _is_done(item):
            self._end_remote(item.id)
        elif item.id:
            for round_ in self._rounds:
                for name, request in list(round_.remote.items()):
                    if name not in self._asking and _allows(request, item):
                        del round_.remote[name]
                        round_.remote[item.id] = item

    def _end_remote(self, item_id: str | None) -> None:
        if item_id is None:
            return
        self._ended.add(item_id)
        for round_ in self._rounds.copy():
            if round_.remote.pop(item_id, None) is not None:
                self._complete_if_answered(round_)

    def on_speech(self) -> None:
        """The user interrupts."""
        for call in list(self._open.values()):
            self._host.interrupt(call)

    def on_lost(self, make_error: Failure) -> None:
        """The connection is over."""
        self._told.clear()
        self._open.clear()
        for round_ in self._rounds.copy():
            self.failed(round_, make_error)

    # What this side tells

    def is_asking(self, request_id: str) -> bool:
        """Whether nobody has said yet if an MCP call may be made."""
        return request_id in self._asking

    def on_sent(self, event: ClientEvent) -> None:
        """An event was sent, by whomever: it may answer a call."""
        item = event.item if isinstance(event, ConversationItemCreate) else None
        if isinstance(item, McpApprovalResponse):
            self._on_approval(item)
        elif isinstance(item, FunctionCallOutput):
            call = self._open.pop(item.call_id, None)
            if call is not None:
                call.answered = True
                call.round.outputs.append(item)
                self._complete_if_answered(call.round)

    def _on_approval(self, answer: McpApprovalResponse) -> None:
        request_id = answer.approval_request_id
        self._asking.discard(request_id)
        for round_ in self._rounds.copy():
            request = round_.remote.get(request_id)
            if request is None:
                continue
            calls = [name for name, item in round_.remote.items() if _allows(request, item)]
            if calls or not answer.approve:  # else the call is still to be told
                del round_.remote[request_id]
            if not answer.approve:
                for name in calls:
                    del round_.remote[name]
                self._complete_if_answered(round_)

    def abandon(self, run: Run) -> None:
        """Nobody wants what follows a response: it was left."""
        for round_ in self._rounds.copy():
            if round_.run is run:
                for name, call in round_.calls.items():
                    if name in self._open:
                        self._host.interrupt(call)
                self._host.drop(round_)
                self.end(round_, "client_cancelled")

    def close(self) -> None:
        """Nobody runs anything any more."""
        for round_ in self._rounds.copy():
            self.end(round_, "tools_left")
        self._told.clear()
        self._open.clear()
        self._asking.clear()

    def followed(self, round_: Round, run: Run) -> None:
        """The response that follows was asked for: it has the followers of the one before."""
        run.rounds = round_.run.rounds + 1
        for follower in round_.followers:
            run.followers.append(follower)
            follower.follow(run)

    def begun(self, round_: Round) -> None:
        """What follows has begun: the round is over."""
        if round_ in self._rounds:
            self._rounds.remove(round_)

    def failed(self, round_: Round, make_error: Failure) -> None:
        """What follows cannot be had."""
        self._finish(round_, failure=make_error)

    def end(self, round_: Round, reason: str) -> None:
        """Nothing follows: the response ends as one that was cancelled for that reason."""
        self._finish(round_, reason=reason)

    def _complete_if_answered(self, round_: Round) -> None:
        if round_ not in self._rounds or not round_.answered:
            return
        if round_.cancelled:
            self.end(round_, "interrupted")  # whoever did that goes on in another way
        else:
            self._host.follow_up(round_)

    def _finish(self, round_: Round, *, reason: str = "", failure: Failure | None = None) -> None:
        if round_ not in self._rounds:
            return
        self._rounds.remove(round_)
        run = round_.run
        run.continues, run.failure = False, failure
        if failure is None:
            details = ResponseStatusDetails(type="cancelled", reason=reason)
            run.response = replace(
                run.response or Response(), status="cancelled", status_details=details
            )
        for follower in round_.followers:
            follower.follow(run)
            follower.on_phase()


def _is_done(item: McpCall | McpApprovalRequest) -> bool:
    return isinstance(item, McpCall) and bool(item.output or item.error)


def _allows(request: McpCall | McpApprovalRequest, call: McpCall | McpApprovalRequest) -> bool:
    """Whether a request for approval is about that call; not every server says so."""
    if not (isinstance(request, McpApprovalRequest) and isinstance(call, McpCall)):
        return False
    if isinstance(call.approval_request_id, str):
        return call.approval_request_id == request.id
    return (call.server_label, call.name, call.arguments) == (
        request.server_label,
        request.name,
        request.arguments,
    )
