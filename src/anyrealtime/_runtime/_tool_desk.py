"""The connection's side of function calls: who answers which, and that each is answered once.

One desk per connection that runs tools. It hands calls to the runners (one per block), sends
what they are answered with, and asks for the response that follows. Which call belongs where
is `_protocol/_tool_rounds.py`'s; what a call does is `_tool_runner.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from msgspec import UNSET
from msgspec.structs import replace

from anyrealtime._protocol._run import Failure, Run
from anyrealtime._protocol._session import SessionState
from anyrealtime._protocol._tool_round import Round, ToolCall
from anyrealtime._protocol._tool_rounds import ToolRounds
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._requests import Requests
from anyrealtime._runtime._respond import Responder
from anyrealtime.errors import ConnectionClosed, InternalError, ProtocolViolation
from anyrealtime.events import (
    ConversationItemCreate,
    FunctionCallOutput,
    FunctionTool,
    McpApprovalRequest,
    McpApprovalResponse,
    ResponseCreateParams,
    ServerEvent,
    Session,
    SessionUpdate,
    Tool,
)
from anyrealtime.tools import Approval, Outcome, ToolCallFinished
from anyrealtime.tools._output import clean

if TYPE_CHECKING:
    from anyrealtime._runtime._connection import Connection
    from anyrealtime._runtime._tool_runner import ToolRunner

_FREE = ("none", "auto")  # choices under which the model may answer in words


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a call ended, and what the model is told of it."""

    outcome: Outcome
    output: str
    error: BaseException | None = None


class ToolDesk:
    """The function calls of one connection, as long as tools run."""

    def __init__(
        self,
        connection: Connection,
        requests: Requests,
        lifetime: Lifetime,
        session: SessionState,
        responder: Responder,
    ) -> None:
        self.connection = connection
        self.requests = requests
        self.lifetime = lifetime
        self.session = session
        self.rounds: ToolRounds = ToolRounds(self)
        self._responder = responder
        self._runners: list[ToolRunner] = []
        self._gone: set[str] = set()  # tools that ran, and that a model may still know of
        self._calls: dict[ToolCall, ToolRunner] = {}  # that are being run
        self._following: dict[Round, anyio.CancelScope] = {}

    # What the runners tell

    def check(self, runner: ToolRunner) -> None:
        """Raise ProtocolViolation if a tool of the same name runs already."""
        if taken := self.names().intersection(runner.tools):
            raise ProtocolViolation(f"a tool named {min(taken)!r} runs already")

    def open(self, runner: ToolRunner) -> None:
        """A block begins in which tools run."""
        self._runners.append(runner)
        self._gone -= runner.tools.keys()
        self.lifetime.responses.observer = self.rounds

    def leave(self, runner: ToolRunner) -> None:
        """It ends: what is called from now on is others' business."""
        self._runners.remove(runner)
        self._gone |= runner.tools.keys()

    def close(self) -> None:
        """A block is over, and its calls are. If it was the last one, nothing goes on any more."""
        if not self._runners:
            self.rounds.close()
            self.lifetime.responses.observer = None

    def names(self) -> set[str]:
        """The names of the tools that run."""
        return {name for runner in self._runners for name in runner.tools}

    def answer(self, call: ToolCall, verdict: Verdict, duration: float) -> None:
        """Tell the model how a call ended: the one place where outputs are sent, and each once.

        Waits for nothing, so that nothing can keep it from being done.
        """
        self._calls.pop(call, None)
        outcome = verdict.outcome
        if self.lifetime.over or self.lifetime.leaving:
            outcome = "connection_lost"
        elif not call.answered:  # else the program has done it
            output = FunctionCallOutput(call_id=call.item.call_id, output=verdict.output)
            self.requests.post(ConversationItemCreate(item=output))
        self.lifetime.dispatcher.announce(
            ToolCallFinished(
                call.item.name, call.item.call_id, duration, outcome, verdict.output, verdict.error
            )
        )

    def answer_approval(self, request: McpApprovalRequest, approval: Approval) -> None:
        """Tell the server whether an MCP call may be made. Waits for nothing, and once."""
        gone = self.lifetime.over or self.lifetime.leaving
        if request.id is not None and self.rounds.is_asking(request.id) and not gone:
            answer = McpApprovalResponse(
                approval_request_id=request.id,
                approve=approval.approve,
                reason=UNSET if approval.reason is None else clean(approval.reason),
            )
            self.requests.post(ConversationItemCreate(item=answer))

    # What the rounds ask

    @property
    def max_rounds(self) -> int:
        """See `ToolHost`."""
        return self._runners[-1].max_rounds if self._runners else 0

    def answers(self, name: str, run: Run) -> bool:
        """See `ToolHost`. A name that nobody has declared is the model's invention: it is told."""
        if name in self.names() or name in self._gone:
            return True
        given = run.params.tools if run.params and run.params.tools else ()
        declared = (*given, *self.session.tools)
        return not any(isinstance(one, FunctionTool) and one.name == name for one in declared)

    def follows(self, server_label: str) -> bool:
        """See `ToolHost`."""
        return any(server_label in runner.servers or runner.approves for runner in self._runners)

    def approve(self, request: McpApprovalRequest) -> None:
        """See `ToolHost`. Without anybody to ask it is left to the program."""
        asked = [runner for runner in self._runners if runner.approves]
        if asked:
            asked[-1].approve(request)

    def start(self, call: ToolCall, why_not: str | None) -> None:
        """See `ToolHost`."""
        owners = [runner for runner in self._runners if call.item.name in runner.tools]
        runner = owners[-1] if owners else self._runners[-1]
        self._calls[call] = runner
        runner.start(call, why_not)

    def interrupt(self, call: ToolCall) -> None:
        """See `ToolHost`."""
        if (runner := self._calls.get(call)) is not None:
            runner.interrupt(call)

    def follow_up(self, round_: Round) -> None:
        """See `ToolHost`."""
        if self._runners:
            self._following[round_] = anyio.CancelScope()
            self._runners[-1].start_soon(self._follow_up, round_)
        else:
            self.rounds.end(round_, "tools_left")

    def drop(self, round_: Round) -> None:
        """See `ToolHost`."""
        if (scope := self._following.get(round_)) is not None:
            scope.cancel()

    async def _follow_up(self, round_: Round) -> None:
        failure: Exception | None = None
        try:
            with self._following[round_]:
                await self._responder.follow_up(_Asker(self.rounds, round_), self._params(round_))
                self.rounds.begun(round_)
        except (ConnectionClosed, InternalError):
            pass  # whoever goes on with it has been told
        except Exception as exc:  # recorded: told below
            failure = exc
        finally:
            del self._following[round_]
            if failure is None:
                self.rounds.end(round_, "tools_left")  # of no effect on what has begun
        if failure is not None:
            self._fail(round_, failure)

    def _fail(self, round_: Round, failure: Exception) -> None:
        """What follows was refused. Somebody has to know: who waits for it, or else the block."""
        if round_.followers:
            self.rounds.failed(round_, lambda: failure)
        else:
            self.rounds.end(round_, "refused")
            for runner in self._runners[-1:]:
                runner.fail(failure)

    def _params(self, round_: Round) -> ResponseCreateParams:
        """What the response is asked with: as the one before, but that it may answer in words."""
        params = round_.run.params or ResponseCreateParams()
        choice = params.tool_choice or getattr(self.session.current, "tool_choice", None)
        if round_.last:
            params = replace(params, tool_choice="none")
        elif choice and choice not in _FREE:
            params = replace(params, tool_choice="auto")
        if params.input:
            params = replace(params, input=[*params.input, *round_.items])
        return params

    # What the session offers

    async def declare(self, tools: Sequence[Tool]) -> None:
        """Add tools to what the model is offered, and wait until the server has them."""
        session = Session(tools=[*self.session.tools, *tools])
        await self.requests.request(SessionUpdate(session=session))

    def withdraw(self, tools: Sequence[Tool]) -> None:
        """Take them out again. Waits for nothing."""
        if not (self.lifetime.over or self.lifetime.leaving):
            left = [one for one in self.session.tools if _name(one) not in map(_name, tools)]
            self.requests.post(SessionUpdate(session=Session(tools=left)))


def _name(tool: Tool) -> object:
    return getattr(tool, "name", None) or getattr(tool, "server_label", None) or tool


class _Asker:
    """Asks for a response in the name of those who follow the one before."""

    def __init__(self, rounds: ToolRounds, round_: Round) -> None:
        self._rounds = rounds
        self._round = round_
        self._run: Run | None = None
        self._changed = anyio.Event()

    async def change(self) -> None:
        """See `Asker`."""
        await self._changed.wait()

    def failed(self, make_error: Failure) -> Exception:
        """See `Asker`."""
        return make_error()

    def follow(self, run: Run) -> None:
        """See `Follower`."""
        self._run = run
        self._rounds.followed(self._round, run)

    def on_event(self, event: ServerEvent, size: int) -> None:
        """See `Follower`."""

    def on_batch_end(self) -> None:
        """See `Follower`."""

    def on_phase(self) -> None:
        """See `Follower`."""
        self._changed.set()
        self._changed = anyio.Event()
        if self._run is not None and self._run.phase == "active":
            self._run.followers.remove(self)  # it has followers of its own now
