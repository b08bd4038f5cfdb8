"""The tools of MCP servers: passed through, approved of by the program, and gone on after."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from anyrealtime import open_realtime
from anyrealtime.events import (
    ConversationItemCreate,
    McpApprovalResponse,
    McpCall,
    McpTool,
    Session,
)
from anyrealtime.simulator import McpCallRequest, ModelRequest, RemoteTool, open_simulator
from anyrealtime.tools import Approval, ApprovalRequest, tool
from tests._runtime.calls import Caller, call_item, calling
from tests._runtime.peers import LIMIT, arrived, frame

DOCS = McpTool(server_label="docs", server_url="https://docs.example")
FREE = McpTool(server_label="docs", server_url="https://docs.example", require_approval="never")


def yes(request: ApprovalRequest) -> bool:
    return True


def not_today(request: ApprovalRequest) -> Approval:
    return Approval(approve=False, reason="Not today.")


def never(request: ApprovalRequest) -> bool:
    raise AssertionError("asked")


# Against the simulator


def model(request: ModelRequest) -> Any:
    last = request.items[-1]
    calls = [item for item in request.items if isinstance(item, McpCall)]
    if calls or isinstance(last, McpApprovalResponse):
        return [f"Found {calls[-1].output or 'nothing'}."]
    return [McpCallRequest("docs", "search", {"q": "fog"})]


async def answer_to(mcp: McpTool, **options: Any) -> str:
    servers = {"docs": [RemoteTool(name="search", call=lambda arguments: f"{arguments['q']}!")]}
    with anyio.fail_after(LIMIT):
        async with (
            open_simulator(model=model, mcp=servers) as simulator,
            open_realtime(
                url=simulator.url,
                session=Session(output_modalities=["text"]),
                tools=[mcp],
                **options,
            ) as connection,
        ):
            async for event in connection:
                if event.type == "mcp_list_tools.completed":
                    break
            return await connection.ask("What is fog?")


async def test_a_call_that_needs_no_approval_is_gone_on_after() -> None:
    assert await answer_to(FREE) == "Found fog!."


@pytest.mark.parametrize("approve", [True, False])
async def test_who_approves_decides(approve: bool) -> None:
    asked: list[ApprovalRequest] = []

    async def decide(request: ApprovalRequest) -> bool:
        asked.append(request)
        return approve

    said = await answer_to(DOCS, approve=decide)
    assert said == ("Found fog!." if approve else "Found nothing.")
    [request] = asked
    assert (request.name, request.server_label, request.arguments) == (
        "search",
        "docs",
        {"q": "fog"},
    )


# As other servers tell it


def request_item(request_id: str = "ask1") -> dict[str, object]:
    return {
        "id": request_id,
        "type": "mcp_approval_request",
        "server_label": "docs",
        "name": "search",
        "arguments": '{"q": "fog"}',
    }


def mcp_call(item_id: str = "mcp1", **fields: object) -> dict[str, object]:
    return {
        "id": item_id,
        "type": "mcp_call",
        "server_label": "docs",
        "name": "search",
        "arguments": '{"q": "fog"}',
        **fields,
    }


def approvals(server: Caller) -> list[dict[str, Any]]:
    found = [item for item in server.items if item["type"] == "mcp_approval_response"]
    return [{key: value for key, value in item.items() if key != "id"} for item in found]


async def respond(server: Caller, *items: dict[str, object], response_id: str = "r1") -> None:
    done = [frame("response.output_item.done", response_id=response_id, item=i) for i in items]
    await server.tell(server.created(response_id), *done)
    await server.end(response_id, output=list(items))


async def test_the_call_may_be_told_after_it_was_approved_of() -> None:
    async with calling(DOCS, approve=yes) as (_, server):
        await respond(server, request_item())
        await server.until(1, "conversation.item.create")
        assert approvals(server) == [
            {"type": "mcp_approval_response", "approval_request_id": "ask1", "approve": True}
        ]
        assert server.creates == []
        call = mcp_call(approval_request_id="ask1")
        await server.tell(frame("conversation.item.added", item=call))
        assert server.creates == []
        await server.tell(frame("response.mcp_call.completed", item_id="mcp1", output_index=0))
        assert len(server.creates) == 1


async def test_a_call_is_done_when_its_item_says_so() -> None:
    async with calling(DOCS, approve=yes) as (_, server):
        await respond(server, request_item())
        await server.until(1, "conversation.item.create")
        await server.tell(
            frame("conversation.item.added", item=mcp_call(approval_request_id="ask1")),
            frame("conversation.item.done", item=mcp_call(approval_request_id="ask1", output="!")),
        )
        assert len(server.creates) == 1


async def test_a_denial_says_why_and_is_gone_on_after() -> None:
    async with calling(DOCS, approve=not_today) as (_, server):
        await respond(server, request_item())
        await server.until(1)
        assert approvals(server) == [
            {
                "type": "mcp_approval_response",
                "approval_request_id": "ask1",
                "approve": False,
                "reason": "Not today.",
            }
        ]


async def test_calls_that_were_done_in_the_response_are_gone_on_after() -> None:
    async with calling(FREE) as (_, server):
        await server.tell(
            server.created("r1"),
            frame("response.output_item.added", response_id="r1", item=mcp_call()),
            frame("response.mcp_call.completed", item_id="mcp1", output_index=0),
        )
        await server.end("r1", output=[mcp_call(output="!")])
        assert len(server.creates) == 1


async def test_a_response_that_went_on_by_itself_is_not_gone_on_after() -> None:
    message: dict[str, object] = {"id": "m1", "type": "message", "role": "assistant", "content": []}
    async with calling(FREE) as (_, server):
        await respond(server, mcp_call(output="!"), message)
        assert server.creates == []


async def test_functions_and_mcp_calls_are_waited_for_together() -> None:
    @tool
    async def get() -> str:
        return "got"

    async with calling(get, FREE) as (_, server):
        await respond(server, call_item("get"), mcp_call())
        assert server.outputs == {"c1": "got"}
        assert server.creates == []
        await server.tell(frame("response.mcp_call.failed", item_id="mcp1", output_index=1))
        assert len(server.creates) == 1


async def test_without_anybody_to_ask_the_program_approves() -> None:
    async with calling(DOCS) as (connection, server):
        await respond(server, request_item(), mcp_call(approval_request_id="ask1"))
        assert approvals(server) == []
        answer = McpApprovalResponse(approval_request_id="ask1", approve=False)
        await connection.send(ConversationItemCreate(item=answer))
        await arrived()
        assert len(server.creates) == 1


async def test_servers_of_the_programs_own_are_its_business() -> None:
    async with calling() as (_, server):
        await respond(server, request_item(), mcp_call())
        assert server.items == []
        assert server.creates == []


@pytest.mark.parametrize("arguments", ["{", "[]"])
async def test_what_cannot_be_asked_is_not_approved(arguments: str) -> None:
    async with calling(DOCS, approve=never) as (_, server):
        await respond(server, {**request_item(), "arguments": arguments})
        await server.until(1, "conversation.item.create")
        assert [told["approve"] for told in approvals(server)] == [False]


async def test_an_approval_that_fails_may_be_raised() -> None:
    async def decide(request: ApprovalRequest) -> bool:
        raise KeyError("nobody")

    server: Any = None
    with pytest.raises(KeyError, match="nobody"):
        async with calling(DOCS, approve=decide, on_tool_error="raise") as (_, server):
            await respond(server, request_item())
            await anyio.sleep_forever()
    assert [told["approve"] for told in approvals(server)] == [False]


async def test_leaving_the_block_approves_of_nothing() -> None:
    async def decide(request: ApprovalRequest) -> bool:
        await anyio.sleep_forever()
        return True

    async with calling(DOCS, approve=decide) as (_, server):
        await respond(server, request_item())
    assert [told["approve"] for told in approvals(server)] == [False]


async def test_who_answers_first_answers_alone() -> None:
    gate = anyio.Event()

    async def decide(request: ApprovalRequest) -> bool:
        await gate.wait()
        return True

    async with calling(DOCS, approve=decide) as (connection, server):
        await respond(server, request_item())
        answer = McpApprovalResponse(approval_request_id="ask1", approve=False)
        await connection.send(ConversationItemCreate(item=answer))
        gate.set()
        await arrived()
        assert [told["approve"] for told in approvals(server)] == [False]
