"""`run_tools` and `tools=`: whose calls they are, what the session offers, what is refused."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest

from anyrealtime import (
    ConfigurationError,
    ProtocolViolation,
    RequestError,
    open_realtime,
)
from anyrealtime.events import (
    BetaSession,
    FunctionCallOutput,
    FunctionTool,
    McpTool,
    Session,
    TranscriptionSession,
    TranslationSession,
)
from anyrealtime.tools import tool
from tests._runtime.calls import (
    Caller,
    Gates,
    UpdatingTransport,
    call_item,
    calling,
    get_weather,
    group,
    waiting,
    weather,
)
from tests._runtime.peers import CREATED, LIMIT, arrived, frame

# Whose calls they are


async def test_a_function_that_is_only_declared_is_the_programs_to_answer() -> None:
    by_hand = FunctionTool(name="by_hand", parameters={"type": "object"})
    async with calling(get_weather, by_hand) as (connection, server):
        await server.call(weather(), call_item("by_hand", call_id="c2"))
        assert set(server.outputs) == {"c1"}
        assert server.creates == []
        await connection.send(_output("c2", "mine"))
        await arrived()
        assert server.outputs == {"c1": "Fog in Rome.", "c2": "mine"}
        assert len(server.creates) == 1


def _output(call_id: str, text: str) -> Any:
    from anyrealtime.events import ConversationItemCreate

    return ConversationItemCreate(item=FunctionCallOutput(call_id=call_id, output=text))


async def test_a_function_of_one_response_is_the_programs_to_answer() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(call_item("once"), request=0)

            tasks.start_soon(serve)
            async with connection.respond(tools=[FunctionTool(name="once")]) as response:
                await response.function_calls.receive()
                await arrived()
                assert server.outputs == {}


async def test_who_answers_first_answers_alone() -> None:
    gates = Gates()
    async with calling(gates.wait) as (connection, server):
        await server.call(waiting(1))
        await connection.send(_output("c1", "mine"))
        await arrived()
        assert len(server.creates) == 1
        await gates.open(1)
        assert server.outputs == {"c1": "mine"}
        assert server.outcomes == {"c1": "completed"}


# The session


def offered(server: Caller) -> list[list[str]]:
    updates = [e["session"] for e in server.wire.events if e["type"] == "session.update"]
    return [[tool.get("name") or tool["server_label"] for tool in s["tools"]] for s in updates]


async def test_tools_may_run_for_a_part_of_a_session() -> None:
    mcp = McpTool(server_label="docs", server_url="https://example.org", authorization="secret")
    async with calling(session=Session(tools=[FunctionTool(name="old"), mcp])) as (
        connection,
        server,
    ):
        async with connection.run_tools(get_weather):
            await server.call(weather())
            assert server.outputs == {"c1": "Fog in Rome."}
            await server.say("Fog.", "r2", 0)
        await arrived()
        assert offered(server) == [["old", "docs"], ["old", "docs", "get_weather"], ["old", "docs"]]
        again = server.wire.events[-1]["session"]["tools"][1]
        assert again["authorization"] == "secret"
        await server.call(weather("c2"), response_id="r3")
        assert set(server.outputs) == {"c1", "c2"}  # nobody's tool: the outer block says so


async def test_without_tools_running_calls_are_the_programs_business() -> None:
    wire = UpdatingTransport(CREATED)
    server = Caller(wire)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            async with connection.run_tools(get_weather):
                pass
            await server.call(weather())
            assert server.outputs == {}
            assert connection._lifetime.responses.observer is None


async def test_calls_that_come_while_a_block_waits_for_its_thread_are_the_programs() -> None:
    wire = UpdatingTransport(CREATED)
    server = Caller(wire)
    entered, release = threading.Event(), threading.Event()

    @tool
    def block() -> None:
        entered.set()
        release.wait(15)

    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection, group() as tasks:

            async def go_on() -> None:
                await server.until(2, "session.update")  # the block is left, and waits
                await server.call(call_item("block", call_id="c2"), response_id="r2")
                release.set()

            tasks.start_soon(go_on)
            async with connection.run_tools(block):
                await server.call(call_item("block"))
                await anyio.to_thread.run_sync(entered.wait)
            await arrived()
            assert server.errors == {"c1": "cancelled"}
            assert server.creates == []


async def test_blocks_may_be_nested() -> None:
    @tool
    async def get_news() -> str:
        return "None."

    async with calling(get_weather) as (connection, server):
        async with connection.run_tools([get_news]):
            await server.call(weather(), call_item("get_news", call_id="c2"))
            assert server.outputs == {"c1": "Fog in Rome.", "c2": "None."}
            assert len(server.creates) == 1
            with pytest.raises(ProtocolViolation, match="'get_weather' runs already"):
                async with connection.run_tools(get_weather):
                    pytest.fail("the block began")


async def test_a_tool_that_is_gone_is_not_the_programs_to_answer() -> None:
    @tool
    async def get_news() -> str:
        return "None."

    async with calling(get_weather) as (connection, server):
        async with connection.run_tools(get_news):
            pass
        await server.call(call_item("get_news"))  # it was told too late
        assert server.errors == {"c1": "unknown_tool"}
        assert len(server.creates) == 1
        async with connection.run_tools(get_news):
            await server.call(call_item("get_news", call_id="c2"), response_id="r2", request=0)
            assert server.outputs["c2"] == "None."


async def test_a_session_may_have_been_told_of_the_tools_already() -> None:
    async with calling(session=Session(tools=[get_weather.declaration])) as (connection, server):
        async with connection.run_tools(get_weather, declare=False):
            await server.call(weather())
            assert server.outputs == {"c1": "Fog in Rome."}
        await arrived()
        assert len(offered(server)) == 1


async def test_tools_that_the_server_refuses_are_an_error_of_the_block() -> None:
    async with calling() as (connection, server):
        server.wire.deliver = lambda *frames: None  # type: ignore[method-assign]
        async with group() as tasks:

            async def run() -> None:
                with pytest.raises(RequestError, match="No such thing"):
                    async with connection.run_tools(get_weather):
                        pytest.fail("the block began")

            tasks.start_soon(run)
            await arrived()
            del server.wire.deliver
            error = {"type": "invalid_request_error", "message": "No such thing."}
            event_id = server.wire.events[-1]["event_id"]
            await server.tell(frame("error", error={**error, "event_id": event_id}))


async def test_the_beta_dialect_runs_tools_too() -> None:
    session = BetaSession(modalities=["text"])
    async with calling(get_weather, dialect="beta", session=session) as (_, server):
        await server.call(weather())
        assert server.outputs == {"c1": "Fog in Rome."}
        assert offered(server) == [["get_weather"]]


# Wrong arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tools": [3]}, "tools= takes functions"),
        ({"tools": [get_weather, get_weather]}, "two tools have the name"),
        ({"on_tool_error": "ignore"}, 'on_tool_error= must be "tell" or "raise"'),
        ({"max_tool_rounds": 0}, "max_tool_rounds= must be an integer of 1 or more"),
        ({"tool_timeout": 0}, "tool_timeout= must be a positive number"),
        ({"approve": True}, "approve= must be a function, not True"),
        ({"tools": [tool(name="x", needs_approval=True)(len)]}, "signature|approve= is needed"),
        ({"session": TranscriptionSession()}, "tools= need a Session"),
        ({"session": TranslationSession()}, "tools= need a Session"),
        (
            {"session": Session(tools=[FunctionTool(name="get_weather")])},
            "tools= and session= both have a tool named 'get_weather'",
        ),
    ],
)
async def test_wrong_arguments_open_nothing(options: dict[str, Any], message: str) -> None:
    wire = UpdatingTransport(CREATED)
    given: dict[str, Any] = {"tools": [get_weather], **options}
    with pytest.raises(ConfigurationError, match=message):
        async with open_realtime(transport=wire, **given):
            pytest.fail("the block began")
    assert not wire.sent
    assert wire.pending == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "ignore"}, "on_error= must be"),
        ({"max_tool_rounds": True}, "max_tool_rounds= must be"),
        ({"max_threads": 0}, "max_threads= must be"),
        ({"timeout": -1}, "timeout= must be"),
        ({"approve": 1}, "approve= must be"),
    ],
)
async def test_wrong_arguments_of_a_part(options: dict[str, Any], message: str) -> None:
    async with calling() as (connection, _):
        with pytest.raises(ConfigurationError, match=message):
            connection.run_tools(get_weather, **options)


async def test_approval_needs_somebody_to_ask() -> None:
    @tool(needs_approval=True)
    async def delete() -> None: ...

    async with calling() as (connection, _):
        with pytest.raises(ConfigurationError, match="approve= is needed: tool 'delete'"):
            connection.run_tools(delete)


@pytest.mark.parametrize("kind", ["transcription", "translation"])
async def test_a_session_without_responses_calls_nothing(kind: str) -> None:
    wire = UpdatingTransport(frame("session.created", session={"type": kind, "id": "s"}))
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            with pytest.raises(ProtocolViolation, match="has no responses"):
                connection.run_tools(get_weather)
