"""What a tool raises, where it goes, and what a tool is told of its call; approvals."""

from __future__ import annotations

import json
import threading
from contextvars import ContextVar
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from anyrealtime.tools import Approval, ApprovalRequest, Tool, ToolContext, tool
from tests._runtime.calls import call_item, calling

# Raising


async def test_what_a_tool_raises_leaves_the_block_bare_if_asked_for() -> None:
    error = ValueError("No fog.")

    @tool
    async def get() -> None:
        raise error

    other = anyio.Event()

    @tool
    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            other.set()

    server: Any = None
    with pytest.raises(ValueError, match="No fog") as caught:
        async with calling(get, wait, on_tool_error="raise") as (_, server):
            await server.call(call_item("get"), call_item("wait", call_id="c2"))
            await anyio.sleep_forever()
    assert caught.value is error
    assert server.errors == {"c1": "tool_error", "c2": "cancelled"}
    assert other.is_set()
    assert "response.create" not in server.types


async def test_one_tool_may_raise_where_others_tell() -> None:
    @tool(on_error="raise")
    async def loud() -> None:
        raise KeyError("loud")

    @tool(on_error="tell")
    async def quiet() -> None:
        raise KeyError("quiet")

    with pytest.raises(KeyError, match="loud"):
        async with calling(loud, quiet) as (_, server):
            await server.call(call_item("quiet"))
            assert server.outcomes == {"c1": "failed"}
            await server.call(call_item("loud", call_id="c2"), response_id="r2")
            await anyio.sleep_forever()
    async with calling(quiet, on_tool_error="raise") as (_, server):
        await server.call(call_item("quiet"))
        assert server.outcomes == {"c1": "failed"}


@pytest.mark.parametrize("in_thread", [False, True])
async def test_what_is_no_error_but_an_end_is_always_raised(in_thread: bool) -> None:
    def get_in_thread() -> None:
        raise SystemExit(3)

    async def get_async() -> None:
        raise SystemExit(3)

    get = Tool[..., Any](get_in_thread if in_thread else get_async, name="get")
    with pytest.raises(SystemExit):
        async with calling(get) as (_, server):
            await server.call(call_item("get"))
            await anyio.sleep_forever()


async def test_the_bodys_own_exception_goes_before_a_tools() -> None:
    @tool
    async def get() -> None:
        raise ValueError("tool")

    with pytest.raises(KeyError, match="body") as caught:
        async with calling(get, on_tool_error="raise") as (_, server):
            try:
                await server.call(call_item("get"))
                await anyio.sleep_forever()
            finally:
                raise KeyError("body")
    assert isinstance(caught.value.__context__, BaseException)


# Context


async def test_a_tool_may_ask_for_its_call_and_its_connection() -> None:
    seen: list[object] = []

    @tool
    async def get(context: ToolContext, city: str) -> None:
        seen.extend((context.connection, context.call.name, context.call.call_id, city))
        context.report("half")

    async with calling(get) as (connection, server):
        await server.call(call_item("get", {"city": "Rome"}))
        assert seen == [connection, "get", "c1", "Rome"]
        [told] = server.progress
        assert (told.name, told.call_id, told.progress) == ("get", "c1", "half")


async def test_progress_is_reported_from_threads_too() -> None:
    @tool
    def get(context: ToolContext) -> None:
        context.report(1)
        anyio.from_thread.run(context.connection.conversation.item.create, "by the way")

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await server.until(1, "conversation.item.create")
        assert [told.progress for told in server.progress] == [1]
        [item] = server.items
        created = {"type": "conversation.item.added", "item": item}
        server.wire.deliver(json.dumps(created).encode())
        await server.until(1)
        assert server.outputs == {"c1": "null"}


WHERE: ContextVar[str] = ContextVar("WHERE", default="nowhere")


@pytest.mark.parametrize("in_thread", [False, True])
async def test_tools_see_the_context_variables_of_the_block(in_thread: bool) -> None:
    async def get_async() -> str:
        return WHERE.get()

    def get_in_thread() -> str:
        return WHERE.get()

    get = Tool[..., Any](get_in_thread if in_thread else get_async, name="get")
    async with calling() as (connection, server):
        token = WHERE.set("in the block")
        async with connection.run_tools(get):
            await server.call(call_item("get"))
            await server.until(1)
            assert server.outputs == {"c1": "in the block"}
        WHERE.reset(token)


# Approval


@tool(needs_approval=True)
async def delete(path: str) -> str:
    return f"deleted {path}"


@pytest.mark.parametrize("kind", ["sync", "async", "object"])
@pytest.mark.parametrize("answer", [True, False])
async def test_who_approves_decides(kind: str, answer: bool) -> None:
    asked: list[ApprovalRequest] = []

    def sync(request: ApprovalRequest) -> bool | Approval:
        asked.append(request)
        return Approval(answer, "Not today.") if kind == "object" else answer

    async def asynchronous(request: ApprovalRequest) -> bool:
        asked.append(request)
        return answer

    approve: Any = asynchronous if kind == "async" else sync
    async with calling(delete, approve=approve) as (_, server):
        await server.call(call_item("delete", {"path": "/"}))
        await server.until(1)
        [request] = asked
        assert (request.name, request.arguments) == ("delete", {"path": "/"})
        assert (request.server_label, request.item.type) == (None, "function_call")
        if answer:
            assert server.outputs == {"c1": "deleted /"}
        else:
            told = json.loads(server.outputs["c1"])["error"]
            why = "Not today." if kind == "object" else "The call was not approved."
            assert told == {"code": "denied", "message": why}
            assert server.outcomes == {"c1": "denied"}


async def test_arguments_that_do_not_fit_need_no_approval() -> None:
    def never(request: ApprovalRequest) -> bool:
        raise AssertionError("asked")

    async with calling(delete, approve=never) as (_, server):
        await server.call(call_item("delete", {"file": "/"}))
        assert server.errors == {"c1": "invalid_arguments"}


@pytest.mark.parametrize("answer", [ValueError("No."), "yes"])
async def test_an_approval_that_fails_is_no_approval(answer: object) -> None:
    async def approve(request: ApprovalRequest) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with calling(delete, approve=approve) as (_, server):
        await server.call(call_item("delete", {"path": "/"}))
        assert server.errors == {"c1": "tool_error"}
        assert server.outcomes == {"c1": "failed"}


async def test_a_prompt_that_waits_does_not_hold_the_block() -> None:
    release = threading.Event()
    asked = threading.Event()

    def approve(request: ApprovalRequest) -> bool:
        asked.set()
        return release.wait(15)

    async with calling(delete, approve=approve) as (_, server):
        await server.call(call_item("delete", {"path": "/"}))
        await anyio.to_thread.run_sync(asked.wait)
    assert server.errors == {"c1": "cancelled"}
    release.set()


async def test_the_time_of_approving_is_not_the_tools() -> None:
    @tool(needs_approval=True, timeout=0.05)
    async def get() -> str:
        return "done"

    async def approve(request: ApprovalRequest) -> bool:
        await anyio.sleep(0.1)
        return True

    async with calling(get, approve=approve) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        assert server.outputs == {"c1": "done"}
