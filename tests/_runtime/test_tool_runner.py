"""What becomes of a call: each path ends in one output, and one response follows."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import ToolError
from anyrealtime.tools import Tool, ToolCallFinished, tool
from tests._runtime.calls import call_item, calling
from tests._runtime.peers import arrived
from tests._runtime.responses import done

# One call


@tool
async def get_weather(city: str) -> dict[str, object]:
    """The weather."""
    return {"city": city, "celsius": 12}


async def test_a_call_is_run_answered_and_followed_by_one_response() -> None:
    async with calling(get_weather) as (_, server):
        await server.call(call_item("get_weather", {"city": "London"}))
        assert server.outputs == {"c1": '{"city":"London","celsius":12}'}
        assert server.types == [
            "session.update", "conversation.item.create", "response.create",
        ]  # fmt: skip
        [told] = server.finished
        assert (told.name, told.call_id, told.outcome) == ("get_weather", "c1", "completed")
        assert (told.output, told.error) == (server.outputs["c1"], None)
        assert 0 <= told.duration < 15
        await server.say("Fog.", "r2", 0)
    assert server.types.count("response.create") == 1


async def test_who_subscribes_is_told_how_a_call_ended() -> None:
    async with calling(get_weather) as (connection, server):
        async with connection.subscribe(ToolCallFinished) as stream:
            await server.call(call_item("get_weather", {"city": "London"}))
            assert (await stream.receive()).outcome == "completed"


async def test_the_session_declares_what_is_run() -> None:
    async with calling(get_weather) as (_, server):
        [update] = server.wire.events
        assert update["session"]["tools"] == [
            {
                "type": "function",
                "name": "get_weather",
                "description": "The weather.",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                    "additionalProperties": False,
                },
            }
        ]


@pytest.mark.parametrize(
    ("result", "output"), [("Fog.", "Fog."), (None, "null"), ([1], "[1]"), ("", "")]
)
async def test_a_result_is_told_as_text(result: object, output: str) -> None:
    @tool
    async def get() -> object:
        return result

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        assert server.outputs == {"c1": output}


async def test_what_a_tool_raises_is_told_to_the_model() -> None:
    error = ValueError("No fog today.")

    @tool
    async def get() -> None:
        raise error

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        told = json.loads(server.outputs["c1"])["error"]
        assert told == {"code": "tool_error", "message": "ValueError: No fog today."}
        assert server.types.count("response.create") == 1
        [finished] = server.finished
        assert (finished.outcome, finished.error) == ("failed", error)


async def test_a_tool_error_is_a_text_for_the_model_and_nobody_else() -> None:
    @tool(on_error="raise")
    async def get() -> None:
        raise ToolError("Ask for a city in Europe.")

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        told = json.loads(server.outputs["c1"])["error"]
        assert told == {"code": "tool_error", "message": "Ask for a city in Europe."}
        assert server.outcomes == {"c1": "failed"}
        await arrived()


async def test_a_result_that_json_cannot_say_is_a_failure() -> None:
    @tool
    async def get() -> object:
        return object()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        assert server.errors == {"c1": "tool_error"}
        assert server.outcomes == {"c1": "failed"}


@pytest.mark.parametrize(
    "arguments", ["", "{", "[]", "null", '{"city": 1}', '{"town": "x"}', '{"city": "x", "y": 1}']
)
async def test_arguments_that_do_not_fit_are_told_to_the_model(arguments: str) -> None:
    ran = False

    @tool
    async def get(city: str) -> None:
        nonlocal ran
        ran = True

    async with calling(get) as (_, server):
        await server.call(call_item("get", arguments))
        assert server.errors == {"c1": "invalid_arguments"}
        assert server.outcomes == {"c1": "invalid_arguments"}
        assert server.types.count("response.create") == 1
    assert not ran


async def test_a_tool_that_is_not_there_is_told_to_the_model() -> None:
    async with calling(get_weather) as (_, server):
        await server.call(call_item("get_news"))
        told = json.loads(server.outputs["c1"])["error"]
        assert told["code"] == "unknown_tool"
        assert told["message"] == "There is no tool named 'get_news'. There are: get_weather."
        assert server.outcomes == {"c1": "unknown_tool"}
        assert server.types.count("response.create") == 1


async def test_without_any_tool_a_call_is_answered_all_the_same() -> None:
    async with calling() as (_, server):
        await server.call(call_item("get_news"))
        assert server.errors == {"c1": "unknown_tool"}


@dataclass
class Fragile:
    value: int

    def __post_init__(self) -> None:
        raise KeyError("a bug")


async def test_a_type_that_breaks_on_what_it_is_given_is_a_failure() -> None:
    @tool
    async def get(fragile: Fragile) -> None: ...

    async with calling(get) as (_, server):
        await server.call(call_item("get", {"fragile": {"value": 1}}))
        assert server.errors == {"c1": "tool_error"}
        assert server.outcomes == {"c1": "failed"}


async def test_a_result_that_utf_8_cannot_say_is_told_without_it() -> None:
    @tool
    async def get() -> str:
        return "a\ud800b"

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        assert server.outputs == {"c1": "a?b"}


# Time


async def test_a_tool_that_takes_too_long_is_cancelled() -> None:
    cancelled = False

    @tool(timeout=0.01)
    async def get() -> None:
        nonlocal cancelled
        try:
            await anyio.sleep_forever()
        finally:
            cancelled = True

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        told = json.loads(server.outputs["c1"])["error"]
        assert told == {"code": "timeout", "message": "It took longer than 0.01 s."}
        assert server.outcomes == {"c1": "timed_out"}
    assert cancelled


async def test_a_timeout_of_the_tools_own_making_is_an_error_of_the_tool() -> None:
    @tool(timeout=60)
    async def get() -> None:
        with anyio.fail_after(0):
            await anyio.sleep_forever()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        assert server.outcomes == {"c1": "failed"}


async def test_tools_without_a_timeout_have_the_blocks() -> None:
    @tool
    async def get() -> None:
        await anyio.sleep_forever()

    async with calling(get, tool_timeout=0.01) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        assert server.outcomes == {"c1": "timed_out"}


async def test_a_thread_that_takes_too_long_does_not_keep_the_model_waiting() -> None:
    release, ended = threading.Event(), threading.Event()

    @tool(timeout=0.3)
    def get() -> None:
        release.wait(15)
        ended.set()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        assert server.outcomes == {"c1": "timed_out"}
        assert not ended.is_set()
        release.set()
    assert ended.is_set()  # leaving the block has waited for it


# Leaving


async def test_leaving_the_block_cancels_what_runs_and_tells_the_model() -> None:
    ended = anyio.Event()

    @tool
    async def get() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with calling() as (connection, server):
        async with connection.run_tools(get):
            await server.call(call_item("get"))
            assert server.outputs == {}
        assert ended.is_set()
        await arrived()
        assert server.errors == {"c1": "cancelled"}
        assert server.outcomes == {"c1": "cancelled"}
        assert "response.create" not in server.types


async def test_leaving_the_connection_sends_what_calls_were_answered_with() -> None:
    @tool
    async def get() -> None:
        await anyio.sleep_forever()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
    assert server.errors == {"c1": "cancelled"}


async def test_being_cancelled_does_the_same() -> None:
    @tool
    async def get() -> None:
        await anyio.sleep_forever()

    server: Any = None
    with anyio.CancelScope() as scope:
        async with calling(get) as (_, server):
            await server.call(call_item("get"))
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert server.errors == {"c1": "cancelled"}


@pytest.mark.parametrize("turns", range(0, 40, 3))
@pytest.mark.parametrize("in_thread", [False, True])
async def test_being_cancelled_at_any_moment_leaves_one_output(turns: int, in_thread: bool) -> None:
    async def get_async() -> str:
        for _ in range(5):
            await checkpoint()
        return "done"

    def get_in_thread() -> str:
        return "done"

    get = Tool[..., Any](get_in_thread if in_thread else get_async, name="get")
    server: Any = None
    with anyio.CancelScope() as scope:
        async with calling(get) as (_, server):
            server.wire.deliver(
                server.created("r1"),
                done("r1", output=[call_item("get"), call_item("get", "{", "c2")]),
            )
            for _ in range(turns):
                await checkpoint()
            scope.cancel()
            await checkpoint()
    assert server.outputs.keys() == server.outcomes.keys()
    assert set(server.outcomes.values()) <= {"completed", "cancelled", "invalid_arguments"}
    assert len(server.creates) <= 1


async def test_a_lost_connection_is_an_end_of_calls_too() -> None:
    @tool
    async def get() -> str:
        await lost.wait()
        return "too late"

    lost = anyio.Event()
    with pytest.raises(Exception, match="closed by the network"):
        async with calling(get) as (_, server):
            await server.call(call_item("get"))
            server.wire.end()
            await arrived()
            lost.set()
            await arrived()
            assert server.outcomes == {"c1": "connection_lost"}
            await anyio.sleep_forever()
