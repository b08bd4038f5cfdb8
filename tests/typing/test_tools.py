"""What a type checker must see of tools: pyright and mypy, both strict, read this file.

pytest runs it, too. Each line with `type: ignore` is a mistake that both must find.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

import pytest

from anyrealtime import EventStream, open_realtime
from anyrealtime.events import FunctionTool, McpTool
from anyrealtime.tools import (
    Approval,
    ApprovalRequest,
    Outcome,
    Tool,
    ToolCallFinished,
    ToolCallProgress,
    ToolContext,
    tool,
    toolset,
)
from tests._runtime.calls import UpdatingTransport
from tests._runtime.peers import CREATED


@tool
def plain(city: str, days: int = 1) -> str:
    return city * days


@tool(name="other", timeout=1.5, needs_approval=True)
async def configured(city: str, context: ToolContext | None = None) -> int:
    return len(city)


class Home:
    @tool
    def light(self, room: str) -> bool:
        return bool(room)


def test_a_tool_is_called_as_its_function_is() -> None:
    assert_type(plain("x", days=2), str)
    assert_type(plain.declaration, FunctionTool)
    assert_type(Home().light("hall"), bool)
    assert_type(toolset(Home()), tuple[Tool[..., Any], ...])
    with pytest.raises(TypeError):
        plain(town="x")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        tool(names="x")(len)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]


async def test_an_async_tool_is_awaited() -> None:
    assert_type(await configured("x"), int)


async def test_what_a_session_may_be_given() -> None:
    def sync_approve(request: ApprovalRequest) -> bool:
        assert_type(request.arguments, dict[str, Any])
        return True

    async def approve(request: ApprovalRequest) -> Approval:
        assert_type(request.server_label, str | None)
        return Approval(approve=True)

    def function(n: int) -> int:
        return n

    server = McpTool(server_label="docs")
    wire = UpdatingTransport(CREATED)
    async with open_realtime(
        transport=wire, tools=[plain, configured, server, function], approve=approve
    ) as connection:
        async with connection.run_tools(
            Home().light, [FunctionTool(name="by_hand")], approve=sync_approve, on_error="raise"
        ) as nothing:
            assert_type(nothing, None)
        async with connection.subscribe(ToolCallFinished, ToolCallProgress) as told:
            assert_type(told, EventStream[ToolCallFinished | ToolCallProgress])


def look(finished: ToolCallFinished, context: ToolContext) -> None:
    assert_type(finished.outcome, Outcome)
    assert_type(finished.error, BaseException | None)
    assert_type(context.call.name, str)
    assert_type(context.report, Callable[[object], None])


def test_approvals_may_be_of_either_kind() -> None:
    async def ask(request: ApprovalRequest) -> bool:
        return True

    handlers: list[Callable[[ApprovalRequest], bool | Awaitable[bool]]] = [ask, lambda _: False]
    assert len(handlers) == 2
