"""The seam where MCP servers plug in: what they offer, how a tool of theirs is called and fails.

The simulator takes the service's place: it lists and calls, the client only approves. What
is declared in a session's tools decides what is offered and what needs approval.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

import msgspec
from msgspec import UnsetType

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._payload import Payload

INVALID_PARAMS: Final = -32_602
"""JSON-RPC's code for arguments that do not fit, which MCP uses."""

_NO_ARGUMENTS: Final[Mapping[str, object]] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTool:
    """A tool of a simulated MCP server.

    Attributes:
        name: as the model calls it.
        call: takes the arguments and returns, or resolves to, the output. A sync one runs in
            the event loop and must not block. McpFailure says how it failed; any other
            exception counts as the tool's own, and its text is told.
        description: for the model to read.
        input_schema: JSON schema of the arguments.
        read_only: it changes nothing, for filters of what is allowed and approved.
    """

    name: str
    call: Callable[[Mapping[str, object]], str | Awaitable[str]]
    description: str = ""
    input_schema: Mapping[str, object] = field(default_factory=lambda: _NO_ARGUMENTS)
    read_only: bool = False

    def shown(self) -> Payload:
        """Return it as an `mcp_list_tools` item lists it."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": dict(self.input_schema),
            "annotations": {"readOnlyHint": self.read_only},
        }


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call of a remote tool that a response asked for.

    Attributes:
        entry: its `mcp_call` item, to which the outcome is added.
        output_index: of that item in its response.
        kept: the item is one of the conversation.
    """

    entry: Entry
    output_index: int
    kept: bool

    @property
    def server_label(self) -> str:
        """The server whose tool it is."""
        return cast("str", self.entry.item["server_label"])

    @property
    def name(self) -> str:
        """The tool."""
        return cast("str", self.entry.item["name"])

    @property
    def arguments(self) -> str:
        """What the tool is given, JSON text."""
        return cast("str", self.entry.item["arguments"])

    @property
    def place(self) -> Payload:
        """What the events that tell of it have in common."""
        return {"item_id": self.entry.id, "output_index": self.output_index}


McpServers: TypeAlias = Mapping[str, Collection[RemoteTool]]
"""The tools of each simulated MCP server, by the `server_label` that sessions declare."""
NO_SERVERS: Final[McpServers] = MappingProxyType({})


class McpFailure(Exception):
    """A remote tool raises this to say how its call failed.

    Args:
        message: for the client and the model to read.
        type: "tool_execution_error", "protocol_error" or "http_error".
        code: of the last two.
    """

    def __init__(
        self,
        message: str,
        *,
        type: Literal["tool_execution_error", "protocol_error", "http_error"] = (  # noqa: A002 - the protocol's own name
            "tool_execution_error"
        ),
        code: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.code = code

    def detail(self) -> Payload:
        """Return the `error` of an `mcp_call` item."""
        if self.type == "tool_execution_error":
            return {"type": self.type, "message": self.message}
        return {"type": self.type, "code": self.code, "message": self.message}


def offered(declared: grammar.McpTool, tools: Collection[RemoteTool]) -> list[RemoteTool]:
    """Return which of a server's tools a session has that declares it as `declared`."""
    allowed = declared.allowed_tools
    if allowed is None or isinstance(allowed, UnsetType):
        return list(tools)
    if isinstance(allowed, grammar.ToolFilter):
        return [tool for tool in tools if _passes(tool, allowed)]
    return [tool for tool in tools if tool.name in allowed]


def needs_approval(declared: grammar.McpTool, tool: RemoteTool) -> bool:
    """Return whether the client has to approve a call; unless it says so, it has to."""
    required = declared.require_approval
    if not isinstance(required, grammar.ApprovalFilter):
        return required != "never"
    never = required.never
    return not (isinstance(never, grammar.ToolFilter) and _passes(tool, never))


async def call_tool(tool: RemoteTool, arguments: str) -> str:
    """Call `tool` with `arguments`, JSON text, and return its output.

    Cancelling cancels the tool.

    Raises:
        McpFailure: the arguments are not a JSON object, or the tool failed.
    """
    try:
        given = msgspec.json.decode(arguments)
    except msgspec.DecodeError as error:
        raise McpFailure(str(error), type="protocol_error", code=INVALID_PARAMS) from error
    if not isinstance(given, dict):
        raise McpFailure("the arguments are no object", type="protocol_error", code=INVALID_PARAMS)
    try:
        output = tool.call(cast("Payload", given))
        return await output if isinstance(output, Awaitable) else output
    except McpFailure:
        raise
    except Exception as error:
        raise McpFailure(str(error) or type(error).__name__) from error


def _passes(tool: RemoteTool, wanted: grammar.ToolFilter) -> bool:
    """Whether `tool` is one that a filter names; what the filter leaves open is named, too."""
    named = wanted.tool_names
    if isinstance(named, list) and tool.name not in named:
        return False
    return not isinstance(wanted.read_only, bool) or wanted.read_only == tool.read_only
