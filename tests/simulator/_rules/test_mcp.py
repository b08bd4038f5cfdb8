"""What is answered about MCP servers: listing, calling, approving."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from anyrealtime.simulator._rules._remote_tools import McpFailure, RemoteTool
from tests.simulator.driver import Driver, kinds, mcp_call
from tests.simulator.schemas import Json

MCP_LISTED = [
    "conversation.item.added",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "conversation.item.done",
]


def output(arguments: Mapping[str, object]) -> str:
    return f"found {arguments['q']}"


SERVERS = {"docs": [RemoteTool(name="search", call=output, read_only=True)]}


def docs(**fields: object) -> Json:
    return {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example", **fields}


def declare(driver: Driver, *tools: Json) -> list[Json]:
    """Put `tools` into the session; return what follows its acknowledgement."""
    updated, *rest = driver.tell("session.update", session={"type": "realtime", "tools": tools})
    assert updated["type"] == "session.updated"
    return rest


def test_a_declared_server_is_listed_once() -> None:
    driver = Driver(servers=SERVERS)
    events = declare(driver, docs())
    assert kinds(events) == MCP_LISTED
    added, in_progress, completed, done = events
    assert added["item"]["tools"] == []
    assert in_progress["item_id"] == completed["item_id"] == added["item"]["id"]
    [tool] = done["item"]["tools"]
    assert tool["name"] == "search"
    assert declare(driver, docs()) == []
    assert kinds(declare(driver, docs(allowed_tools=[]))) == MCP_LISTED


def test_a_response_may_declare_one_too() -> None:
    driver = Driver(servers=SERVERS)
    events = driver.tell("response.create", response={"tools": [docs()]})
    assert "mcp_list_tools.completed" in kinds(events)
    assert "response.created" in kinds(events)


def test_a_server_that_is_not_there_fails() -> None:
    driver = Driver(servers=SERVERS)
    events = declare(driver, docs(server_label="nowhere"))
    assert kinds(events) == [*MCP_LISTED[:2], "mcp_list_tools.failed", "conversation.item.done"]
    assert events[-1]["item"]["tools"] == []


def test_a_call_without_approval_in_order() -> None:
    driver = Driver(servers=SERVERS)
    declare(driver, docs(require_approval="never"))
    run, _ = driver.start()
    mcp_call(run, "docs", "search", '{"q": "x"}')
    run.complete()
    events = driver.take()
    assert kinds(events) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
        "response.mcp_call.in_progress",
    ]
    item: Json = events[0]["item"]
    [listed] = events[-3]["response"]["output"]
    assert listed == {**item, "arguments": '{"q": "x"}'}
    [effect] = driver.tool_calls
    assert effect.call.arguments == '{"q": "x"}'
    driver.rules.mcp.finish(effect.call, "found x")
    completed, done = driver.take()
    assert completed["type"] == "response.mcp_call.completed"
    assert (completed["item_id"], completed["output_index"]) == (item["id"], 0)
    assert done["type"] == "conversation.item.done"
    assert done["item"]["output"] == "found x"
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item["id"])
    assert retrieved["item"] == done["item"]


def test_a_failed_call_shows_why() -> None:
    driver = Driver(servers=SERVERS)
    declare(driver, docs(require_approval="never"))
    run, _ = driver.start()
    mcp_call(run, "docs", "search", "{}")
    run.complete()
    driver.take()
    driver.rules.mcp.finish(driver.tool_calls[0].call, McpFailure("it broke"))
    failed, done = driver.take()
    assert failed["type"] == "response.mcp_call.failed"
    assert done["item"]["error"] == {"type": "tool_execution_error", "message": "it broke"}


def test_a_tool_that_is_not_there_fails() -> None:
    driver = Driver(servers=SERVERS)
    run, _ = driver.start()
    mcp_call(run, "docs", "search", "{}")
    run.complete()
    *_, in_progress, failed, done = driver.take()
    assert in_progress["type"] == "response.mcp_call.in_progress"
    assert failed["type"] == "response.mcp_call.failed"
    assert done["item"]["error"]["type"] == "protocol_error"


def asked(driver: Driver, **terms: object) -> tuple[Json, Json]:
    """Declare a server whose calls need approval, call it; return the call and the request."""
    declare(driver, docs())
    run, _ = driver.start(**terms)
    mcp_call(run, "docs", "search", '{"q": "x"}')
    run.complete()
    events = driver.take()
    assert "response.mcp_call.in_progress" not in kinds(events)
    [response] = [event["response"] for event in events if event["type"] == "response.done"]
    call, request = response["output"]
    assert request["type"] == "mcp_approval_request"
    assert (request["name"], request["arguments"]) == ("search", '{"q": "x"}')
    return call, request


def answer(request: Json, *, approve: bool) -> Json:
    return {
        "type": "mcp_approval_response",
        "approval_request_id": request["id"],
        "approve": approve,
    }


def test_a_call_waits_for_its_approval() -> None:
    driver = Driver(servers=SERVERS)
    call, request = asked(driver)
    events = driver.tell("conversation.item.create", item=answer(request, approve=True))
    assert kinds(events) == [
        "conversation.item.added",
        "conversation.item.done",
        "response.mcp_call.in_progress",
    ]
    assert events[-1]["item_id"] == call["id"]
    driver.rules.mcp.finish(driver.tool_calls[0].call, "found x")
    assert driver.take()[-1]["item"]["approval_request_id"] == request["id"]
    again = driver.tell("conversation.item.create", item=answer(request, approve=True))
    assert kinds(again) == ["conversation.item.added", "conversation.item.done"]


def test_a_call_apart_from_the_conversation_is_approved_in_it() -> None:
    driver = Driver(servers=SERVERS)
    _, request = asked(driver, conversation="none")
    driver.tell("conversation.item.create", item=answer(request, approve=True))
    driver.rules.mcp.finish(driver.tool_calls[0].call, "found x")
    assert kinds(driver.take()) == ["response.mcp_call.completed"]


def test_a_call_that_is_not_approved_fails() -> None:
    driver = Driver(servers=SERVERS)
    call, request = asked(driver)
    events = driver.tell("conversation.item.create", item=answer(request, approve=False))
    assert kinds(events)[2:] == ["response.mcp_call.failed", "conversation.item.done"]
    assert events[-1]["item"]["id"] == call["id"]
    assert "approved" in events[-1]["item"]["error"]["message"]
    assert driver.tool_calls == []


def test_nobody_asked_for_that_approval() -> None:
    error = Driver().refused(
        "conversation.item.create", item=answer({"id": "item_x"}, approve=True)
    )
    assert (error["code"], error["param"]) == ("invalid_value", "item.approval_request_id")


def test_a_call_that_was_cut_off_is_not_made() -> None:
    driver = Driver(servers=SERVERS)
    declare(driver, docs(require_approval="never"))
    run, _ = driver.start()
    call = run.begin_mcp_call("docs", "search")
    assert call is not None
    next(run.argue(call, ['{"q"']))
    events = driver.tell("response.cancel")
    assert kinds(events)[-4:] == [
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    run.end_call(call)
    assert driver.take() == []
    assert driver.tool_calls == []


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (docs(allowed_tools={"names": []}), "session.tools[0].allowed_tools.names"),
        (docs(require_approval="sometimes"), "session.tools[0].require_approval"),
    ],
)
def test_a_wrong_declaration_is_refused(tool: Json, param: str) -> None:
    error = Driver().refused("session.update", session={"type": "realtime", "tools": [tool]})
    assert error["param"] == param
