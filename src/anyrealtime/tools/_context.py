"""What passes between a running call and the program around it. Declarations only.

A tool is given a `ToolContext` if it asks for one; the program is told by `ToolCallProgress`
and `ToolCallFinished`, which subscriptions take by name like events of the server's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from anyrealtime._runtime._connection import Connection

from anyrealtime.events import FunctionCall, McpApprovalRequest

Outcome: TypeAlias = Literal[
    "completed",
    "failed",
    "invalid_arguments",
    "unknown_tool",
    "timed_out",
    "denied",
    "cancelled",
    "not_run",
    "connection_lost",
]
"""How a call ended.

"not_run": the response was cut, or had used up its rounds. "connection_lost": the connection
was over before the model could be told.
"""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool is told of its call, if one of its parameters is annotated with this class.

    Attributes:
        connection: the connection that the call came over. In a worker thread it is used by
            `anyio.from_thread.run(context.connection.send, ...)`.
        call: the call as the model made it: its name, its id, its arguments as text.
        report: tells subscriptions that name `ToolCallProgress` how far the call is; any object
            will do. It waits for nothing, and may be called in a worker thread.
    """

    connection: Connection
    call: FunctionCall
    report: Callable[[object], None]


@dataclass(frozen=True, slots=True)
class ToolCallProgress:
    """A tool says how far it is. Subscribe to it by name.

    Attributes:
        name: of the tool.
        call_id: the model's name for the call.
        progress: what the tool gave to `ToolContext.report`.
    """

    name: str
    call_id: str
    progress: object


@dataclass(frozen=True, slots=True)
class ToolCallFinished:
    """A call has ended, one way or the other. Subscribe to it by name.

    Attributes:
        name: of the tool, as the model gave it.
        call_id: the model's name for the call.
        duration: seconds from the end of the response that made the call.
        outcome: how it ended.
        output: what the model is told of it.
        error: the exception, where there was one.
    """

    name: str
    call_id: str
    duration: float
    outcome: Outcome
    output: str
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What an `approve=` handler is asked about: a call of this side's, or of an MCP server.

    Attributes:
        name: of the tool.
        arguments: as the tool would get them; for a tool of an MCP server, decoded JSON.
        server_label: the MCP server; None for a function of this program.
        item: the item in the conversation.
    """

    name: str
    arguments: dict[str, Any]
    server_label: str | None
    item: FunctionCall | McpApprovalRequest


@dataclass(frozen=True, slots=True)
class Approval:
    """What an `approve=` handler answers, where a bool says too little.

    Attributes:
        approve: whether the call may be made.
        reason: for the model to read.
    """

    approve: bool
    reason: str | None = None


Approve: TypeAlias = Callable[
    [ApprovalRequest], bool | Approval | Awaitable[bool] | Awaitable[Approval]
]
"""Decides about calls. A function that is not async runs in a worker thread, and may block."""
