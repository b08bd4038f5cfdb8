"""The rules of MCP: which servers are listed, which calls need approval, how a call ends. No I/O.

The service itself lists and calls; so do the simulator's driver and its `RemoteTool`s. A call
is made when the response that asks for it is over, or when the client approves of it, and the
model reads its outcome in the next response, which the client asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._effects import CallTool, ListTools
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._remote_tools import (
    INVALID_PARAMS,
    McpFailure,
    RemoteCall,
    RemoteTool,
    needs_approval,
    offered,
)
from anyrealtime.simulator._rules._state import State


class McpRules:
    """What becomes of the MCP servers that a session or a response declares."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._declared: dict[str, grammar.McpTool] = {}
        self._offered: dict[str, dict[str, RemoteTool]] = {}
        self._waiting: dict[str, RemoteCall] = {}

    # Listing

    def declare(self, tools: Iterable[grammar.Tool]) -> None:
        """List the servers among `tools` that were not listed as they are declared now."""
        for tool in tools:
            if not isinstance(tool, grammar.McpTool):
                continue
            if self._declared.get(tool.server_label) != tool:
                self._declared[tool.server_label] = tool
                self._list(tool)

    def _list(self, declared: grammar.McpTool) -> None:
        item: Payload = {
            "id": self._state.ids.new("item"),
            "type": "mcp_list_tools",
            "server_label": declared.server_label,
            "tools": [],
        }
        entry = Entry(item)
        previous = self._state.conversation.add(entry)
        self._state.emit(
            "conversation.item.added", previous_item_id=previous, item=dict(entry.item)
        )
        self._state.emit("mcp_list_tools.in_progress", item_id=entry.id)
        self._state.effects.append(ListTools(declared, entry))

    def listed(self, listing: ListTools, tools: Collection[RemoteTool] | None) -> None:
        """Take what a server offers, None where there is no such server."""
        label, entry = listing.declared.server_label, listing.entry
        found = [] if tools is None else offered(listing.declared, tools)
        self._offered[label] = {tool.name: tool for tool in found}
        entry.item["tools"] = [tool.shown() for tool in found]
        outcome = "failed" if tools is None else "completed"
        self._state.emit(f"mcp_list_tools.{outcome}", item_id=entry.id)
        self._state.emit("conversation.item.done", previous_item_id=None, item=entry.item)

    def offered(self, server_label: str) -> list[Payload]:
        """Return the tools that server was found to offer, as they are listed."""
        return [tool.shown() for tool in self._offered.get(server_label, {}).values()]

    # Calling

    def asks(self, call: RemoteCall) -> bool:
        """Whether the client has to approve of `call` before it is made."""
        tool = self._tool(call)
        return tool is not None and needs_approval(self._declared[call.server_label], tool)

    def wait(self, call: RemoteCall, request_id: str) -> None:
        """Make `call` when the client approves of the request `request_id`."""
        self._waiting[request_id] = call

    def check_answer(self, answer: Payload) -> None:
        """Look at an `mcp_approval_response` before it is added.

        Raises:
            Refusal: nobody asked.
        """
        request_id = cast("str", answer["approval_request_id"])
        if request_id in self._waiting:
            return
        request = self._state.conversation.find(request_id)
        if request is None or request.item["type"] != "mcp_approval_request":
            raise Refusal(
                "invalid_value",
                f"There is no approval request '{request_id}'.",
                param="item.approval_request_id",
            )

    def answered(self, answer: Payload) -> None:
        """Do as an `mcp_approval_response` says; a request that was answered before is past."""
        call = self._waiting.pop(cast("str", answer["approval_request_id"]), None)
        if call is None:
            return
        if answer["approve"]:
            self.make(call)
        else:
            self.finish(call, McpFailure("The call was not approved."))

    def make(self, call: RemoteCall) -> None:
        """Have `call` made."""
        self._state.emit("response.mcp_call.in_progress", **call.place)
        tool = self._tool(call)
        if tool is None:
            text = f"The server has no tool '{call.name}'."
            self.finish(call, McpFailure(text, type="protocol_error", code=INVALID_PARAMS))
        else:
            self._state.effects.append(CallTool(call, tool))

    def finish(self, call: RemoteCall, outcome: str | McpFailure) -> None:
        """Tell how `call` ended: its output, or why there is none."""
        item = call.entry.item
        if isinstance(outcome, str):
            item["output"] = outcome
            self._state.emit("response.mcp_call.completed", **call.place)
        else:
            item["error"] = outcome.detail()
            self._state.emit("response.mcp_call.failed", **call.place)
        if call.kept:
            self._state.emit("conversation.item.done", previous_item_id=None, item=item)

    def _tool(self, call: RemoteCall) -> RemoteTool | None:
        return self._offered.get(call.server_label, {}).get(call.name)
