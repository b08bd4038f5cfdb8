"""What one response has called, as a round that is to be answered. Declarations, mostly.

No loop, no clock.
"""

from __future__ import annotations

from typing import Protocol

from anyrealtime._protocol._run import Follower, Run
from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    ItemReference,
    McpApprovalRequest,
    McpCall,
)


class ToolCall:
    """One call of the model's.

    Attributes:
        item: its name, its id and its arguments.
        round: the calls of the same response.
        answered: whether its output was sent, by whomever.
        cancelled: whether it was cancelled before it was done.
    """

    def __init__(self, item: FunctionCall, round_: Round) -> None:
        self.item = item
        self.round = round_
        self.answered: bool = False
        self.cancelled: bool = False


class Round:
    """What one response has called.

    Attributes:
        run: the response.
        calls: of functions, by call id, in the order in which the model made them.
        remote: what MCP servers have still to do, or may not do yet, by the item's id.
        remote_done: whether MCP servers had done something before the response was over.
        followers: who goes on with the response that follows.
        wanted: whether a response is to follow.
        last: whether that one may call nothing any more.
        outputs: what was answered, as items of the conversation.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls: dict[str, ToolCall] = {}
        self.remote: dict[str, McpCall | McpApprovalRequest] = {}
        self.remote_done: bool = False
        self.followers: tuple[Follower, ...] = ()
        self.wanted: bool = True
        self.last: bool = False
        self.outputs: list[FunctionCallOutput] = []

    @property
    def answered(self) -> bool:
        """Whether everything is done that the response has called for."""
        return not self.remote and all(call.answered for call in self.calls.values())

    @property
    def cancelled(self) -> bool:
        """Whether all that it called was cancelled."""
        return bool(self.calls) and all(call.cancelled for call in self.calls.values())

    @property
    def items(self) -> list[Item]:
        """The calls and their outputs, for a response whose input leaves the conversation out."""
        said: list[FunctionCall | FunctionCallOutput] = [
            *(call.item for call in self.calls.values()),
            *self.outputs,
        ]
        return [ItemReference(id=item.id) if item.id else item for item in said]


class ToolHost(Protocol):
    """What the rounds need of the connection. May not wait."""

    @property
    def max_rounds(self) -> int:
        """How often in a row the model may call functions; 0 while nobody runs any."""
        ...

    def answers(self, name: str, run: Run) -> bool:
        """Whether this side answers calls of that name, and not the program."""
        ...

    def follows(self, server_label: str) -> bool:
        """Whether this side goes on after calls of that MCP server, and not the program."""
        ...

    def start(self, call: ToolCall, why_not: str | None) -> None:
        """Run a call and answer it; or only answer it, by why it is not run."""
        ...

    def approve(self, request: McpApprovalRequest) -> None:
        """Ask whether an MCP call may be made, and tell the server."""
        ...

    def interrupt(self, call: ToolCall) -> None:
        """Nobody waits for it any more: cancel it, if it may be."""
        ...

    def follow_up(self, round_: Round) -> None:
        """Ask for the response that follows, then call `followed`, `failed` or `end`."""
        ...

    def drop(self, round_: Round) -> None:
        """Do not ask for it after all."""
        ...
