"""The seam of MCP servers: what a session is offered, what needs approval, how a call goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.simulator._rules._grammar import ApprovalFilter, McpTool, ToolFilter
from anyrealtime.simulator._rules._remote_tools import (
    INVALID_PARAMS,
    McpFailure,
    RemoteTool,
    call_tool,
    needs_approval,
    offered,
)


def echo(arguments: Mapping[str, object]) -> str:
    return f"{dict(arguments)}"


SEARCH = RemoteTool(name="search", call=echo, read_only=True)
DELETE = RemoteTool(name="delete", call=echo, description="Delete it.")


def declared(**fields: object) -> McpTool:
    return McpTool(server_label="docs", server_url="https://x", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("allowed", "names"),
    [
        (None, ["search", "delete"]),
        (["delete"], ["delete"]),
        ([], []),
        (ToolFilter(read_only=True), ["search"]),
        (ToolFilter(read_only=False), ["delete"]),
        (ToolFilter(tool_names=["search", "delete"], read_only=True), ["search"]),
        (ToolFilter(), ["search", "delete"]),
    ],
)
def test_what_is_offered(allowed: object, names: list[str]) -> None:
    found = offered(declared(allowed_tools=allowed), [SEARCH, DELETE])
    assert [tool.name for tool in found] == names


@pytest.mark.parametrize(
    ("required", "search", "delete"),
    [
        (None, True, True),
        ("always", True, True),
        ("never", False, False),
        (ApprovalFilter(never=ToolFilter(read_only=True)), False, True),
        (ApprovalFilter(always=ToolFilter(tool_names=["delete"])), True, True),
        (
            ApprovalFilter(
                always=ToolFilter(tool_names=["delete"]), never=ToolFilter(tool_names=["search"])
            ),
            False,
            True,
        ),
    ],
)
def test_what_needs_approval(required: object, *, search: bool, delete: bool) -> None:
    tool = declared(require_approval=required)
    assert (needs_approval(tool, SEARCH), needs_approval(tool, DELETE)) == (search, delete)


def test_a_tool_is_shown_as_servers_list_it() -> None:
    assert DELETE.shown() == {
        "name": "delete",
        "description": "Delete it.",
        "input_schema": {"type": "object", "properties": {}},
        "annotations": {"readOnlyHint": False},
    }


async def test_sync_and_async_tools_are_called() -> None:
    async def slow(arguments: Mapping[str, object]) -> str:
        await checkpoint()
        return f"slow {arguments['q']}"

    assert await call_tool(SEARCH, '{"q": 1}') == "{'q': 1}"
    assert await call_tool(RemoteTool(name="slow", call=slow), '{"q": "x"}') == "slow x"


@pytest.mark.parametrize("arguments", ["{", "[1]", "3"])
async def test_arguments_are_an_object(arguments: str) -> None:
    with pytest.raises(McpFailure) as raised:
        await call_tool(SEARCH, arguments)
    assert (raised.value.type, raised.value.code) == ("protocol_error", INVALID_PARAMS)


async def test_what_a_tool_raises_is_told() -> None:
    def fail(_: Mapping[str, object]) -> NoReturn:
        raise LookupError("no such page")

    def refuse(_: Mapping[str, object]) -> NoReturn:
        raise McpFailure("gone", type="http_error", code=410)

    with pytest.raises(McpFailure) as raised:
        await call_tool(RemoteTool(name="fail", call=fail), "{}")
    assert raised.value.detail() == {"type": "tool_execution_error", "message": "no such page"}
    with pytest.raises(McpFailure) as raised:
        await call_tool(RemoteTool(name="refuse", call=refuse), "{}")
    assert raised.value.detail() == {"type": "http_error", "code": 410, "message": "gone"}
