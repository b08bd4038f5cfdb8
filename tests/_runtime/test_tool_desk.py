"""Calls together: several at once, round after round, and the one response that follows them."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.abc import TaskGroup

from anyrealtime import (
    AckTimeout,
    ConfigurationError,
    ConnectionClosed,
    ProtocolViolation,
    RequestError,
    ResponseFailed,
    open_realtime,
)
from anyrealtime.events import (
    BetaSession,
    FunctionCallOutput,
    FunctionTool,
    McpTool,
    ResponseCreateParams,
    Session,
    TranscriptionSession,
    TranslationSession,
)
from anyrealtime.tools import tool
from tests._runtime.calls import Caller, UpdatingTransport, call_item, calling
from tests._runtime.peers import CREATED, LIMIT, arrived, frame
from tests._runtime.responses import has_active


class Gates:
    """Tools that wait until they are let go."""

    def __init__(self) -> None:
        self.entered: list[int] = []
        self.gates: dict[int, anyio.Event] = {}

    @tool
    async def wait(self, n: int) -> int:
        self.entered.append(n)
        self.gates[n] = anyio.Event()
        await self.gates[n].wait()
        return n

    @tool(cancel_on_interrupt=True)
    async def listen(self, n: int) -> int:
        return await self.wait(n)

    async def open(self, n: int) -> None:
        self.gates[n].set()
        await arrived()


def waiting(n: int, name: str = "wait") -> dict[str, object]:
    return call_item(name, {"n": n}, f"c{n}")


@tool
async def get_weather(city: str) -> str:
    return f"Fog in {city}."


def weather(call_id: str = "c1") -> dict[str, object]:
    return call_item("get_weather", {"city": "Rome"}, call_id)


@asynccontextmanager
async def group() -> AsyncGenerator[TaskGroup]:
    """A task group, typed as what swallows nothing."""
    async with anyio.create_task_group() as tasks:
        yield tasks


# One response follows, when all calls are answered


async def test_calls_of_one_response_run_together_and_are_followed_once() -> None:
    gates = Gates()
    async with calling(gates.wait) as (_, server):
        await server.call(waiting(1), waiting(2), waiting(3))
        assert sorted(gates.entered) == [1, 2, 3]
        await gates.open(2)
        assert server.outputs == {"c2": "2"}
        await gates.open(1)
        assert "response.create" not in server.types
        await gates.open(3)
        assert server.outputs == {"c2": "2", "c1": "1", "c3": "3"}
        assert server.types.count("response.create") == 1


async def test_calls_wait_for_the_end_of_the_response() -> None:
    """Its arguments may be whole, but the response may yet be cut."""
    async with calling(get_weather) as (_, server):
        item = weather()
        await server.tell(
            server.created("r1"),
            frame("response.output_item.done", response_id="r1", item=item),
        )
        assert server.outputs == {}
        await server.end("r1")
        assert server.outputs == {"c1": "Fog in Rome."}
        assert server.types.count("response.create") == 1


@pytest.mark.parametrize("told_by", ["done", "arguments", "response"])
async def test_servers_that_tell_calls_in_one_way_only(told_by: str) -> None:
    async with calling(get_weather) as (_, server):
        item = weather()
        events = {
            "done": [frame("response.output_item.done", response_id="r1", item=item)],
            "arguments": [
                frame(
                    "response.output_item.added",
                    response_id="r1",
                    item={**item, "status": "in_progress", "arguments": ""},
                ),
                frame(
                    "response.function_call_arguments.done",
                    response_id="r1",
                    item_id=item["id"],
                    call_id="c1",
                    arguments=item["arguments"],
                ),
            ],
            "response": [],
        }
        await server.tell(server.created("r1"), *events[told_by])
        await server.end("r1", output=[item] if told_by == "response" else [])
        assert server.outputs == {"c1": "Fog in Rome."}


async def test_a_call_that_is_told_again_is_not_run_again() -> None:
    async with calling(get_weather) as (_, server):
        await server.call(weather())
        await server.call(weather(), response_id="r2", request=0)
        assert server.outputs == {"c1": "Fog in Rome."}
        assert server.types.count("response.create") == 1


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
async def test_calls_of_a_response_that_was_cut_are_answered_but_not_run(status: str) -> None:
    ran = False

    @tool
    async def get() -> None:
        nonlocal ran
        ran = True

    async with calling(get) as (_, server):
        cut = call_item("get", '{"a', "c2", "incomplete")
        await server.call(call_item("get"), cut, status=status)
        assert not ran
        assert server.errors == {"c1": "not_run", "c2": "not_run"}
        assert server.outcomes == {"c1": "not_run", "c2": "not_run"}
        assert "response.create" not in server.types


async def test_a_call_that_was_cut_alone_is_answered_but_not_run() -> None:
    async with calling(get_weather) as (_, server):
        await server.call(weather(), call_item("get_weather", '{"ci', "c2", "incomplete"))
        assert server.outputs["c1"] == "Fog in Rome."
        assert server.outcomes == {"c1": "completed", "c2": "not_run"}
        assert server.types.count("response.create") == 1


async def test_what_is_out_of_band_is_the_programs_business() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(weather(), request=0)

            tasks.start_soon(serve)
            async with connection.respond(conversation="none") as response:
                calls = [call async for call in response.function_calls]
        await arrived()
        assert [call.call_id for call in calls] == ["c1"]
        assert server.outputs == {}
        assert len(server.creates) == 1


# The arbiter


async def test_what_follows_waits_until_the_conversation_is_free() -> None:
    gates = Gates()
    async with calling(gates.wait) as (_, server):
        await server.call(waiting(1))
        await server.turn("r2")
        await gates.open(1)
        assert server.outputs == {"c1": "1"}
        assert server.creates == []
        await server.end("r2")
        await arrived()
        assert len(server.creates) == 1


async def test_a_race_with_turn_detection_is_run_again() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:
            answers: list[str] = []

            async def ask() -> None:
                answers.append(await connection.ask("Fog?"))

            tasks.start_soon(ask)
            await server.call(weather(), request=0)
            assert len(server.creates) == 2
            await server.refuse(1, has_active())
            await server.turn("r2")
            await server.end("r2")
            await arrived()
            assert len(server.creates) == 3
            await server.say("Fog.", "r3", 2)
        assert answers == ["Fog."]


async def test_a_refusal_is_raised_by_who_waits_for_what_follows() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(weather(), request=0)
                await server.refuse(1, "insufficient_quota")

            tasks.start_soon(serve)
            with pytest.raises(RequestError, match="insufficient_quota"):
                await connection.ask("Fog?")


async def test_a_refusal_that_nobody_waits_for_leaves_the_block() -> None:
    with pytest.raises(RequestError, match="insufficient_quota"):
        async with calling(get_weather) as (_, server):
            await server.call(weather())
            await server.refuse(0, "insufficient_quota")
            await anyio.sleep_forever()


async def test_what_follows_has_to_begin_in_time() -> None:
    with pytest.raises(AckTimeout):
        async with calling(get_weather, ack_timeout=0.01) as (_, server):
            await server.call(weather())
            await anyio.sleep_forever()


async def test_an_output_that_is_refused_is_raised_nowhere() -> None:
    async with calling(get_weather) as (connection, server):
        await server.call(weather())
        blamed = next(e for e in server.wire.events if e["type"] == "conversation.item.create")
        error = {"type": "invalid_request_error", "message": "No such call."}
        await server.tell(frame("error", error={**error, "event_id": blamed["event_id"]}))
        await server.say("Hm.", "r2", 0)
        assert await connection.receive()
        await anyio.sleep(0.1)  # longer than an error that nobody claims is held


# Rounds


async def test_the_model_may_go_on_and_on_up_to_a_limit() -> None:
    async with calling(get_weather, max_tool_rounds=2) as (_, server):
        await server.call(weather("c1"))
        await server.call(weather("c2"), response_id="r2", request=0)
        assert [create["response"].get("tool_choice") for create in server.creates] == [None, None]
        await server.call(weather("c3"), response_id="r3", request=1)
        assert server.outcomes == {"c1": "completed", "c2": "completed", "c3": "not_run"}
        assert server.creates[2]["response"]["tool_choice"] == "none"
        await server.call(weather("c4"), response_id="r4", request=2)  # it calls all the same
        assert server.outcomes["c4"] == "not_run"
        assert len(server.creates) == 3
        assert set(server.outputs) == {"c1", "c2", "c3", "c4"}


async def test_the_limit_is_that_of_calls_in_a_row() -> None:
    async with calling(get_weather, max_tool_rounds=1) as (_, server):
        for number in range(3):
            await server.call(weather(f"c{number}"), response_id=f"asked_{number}")
            await server.say("Fog.", f"said_{number}", number)
        assert set(server.outcomes.values()) == {"completed"}


async def test_what_follows_is_asked_as_the_one_before_was() -> None:
    async with calling(get_weather) as (connection, server):
        params = ResponseCreateParams(
            instructions="Be brief.", output_modalities=["text"], tool_choice="required"
        )
        async with group() as tasks:
            tasks.start_soon(connection.response.create, params)
            await server.call(weather(), request=0)
        follows = server.creates[1]["response"]
        assert (follows["instructions"], follows["output_modalities"]) == ("Be brief.", ["text"])
        assert follows["tool_choice"] == "auto"  # or it could never answer


async def test_a_session_that_requires_calls_lets_the_model_answer_them() -> None:
    async with calling(get_weather, session=Session(tool_choice="required")) as (_, server):
        await server.call(weather())
        assert server.creates[0]["response"]["tool_choice"] == "auto"


async def test_a_context_of_its_own_has_the_calls_and_their_outputs() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(weather(), request=0)
                await server.say("Fog.", "r2", 1)

            tasks.start_soon(serve)
            async with connection.respond(input="Only this.") as response:
                assert [text async for text in response.text] == ["Fog."]
        [said, call, output] = server.creates[1]["response"]["input"]
        assert said["content"][0]["text"] == "Only this."
        assert call == {"type": "item_reference", "id": "item_c1"}
        assert output == {"type": "item_reference", "id": server.items[0]["id"]}


# Who waits for the answer


async def test_ask_gives_the_answer_after_the_calls() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(weather("c1"), weather("c2"), request=0)
                await server.call(weather("c3"), response_id="r2", request=1)
                await server.say("Fog.", "r3", 2)

            tasks.start_soon(serve)
            assert await connection.ask("Fog?") == "Fog."
        assert set(server.outputs) == {"c1", "c2", "c3"}
        assert len(server.creates) == 3


async def test_a_handle_goes_on_to_the_end_of_the_last_response() -> None:
    gates = Gates()
    async with calling(gates.wait) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await arrived()
                await server.tell(
                    server.created("r1", 0),
                    frame(
                        "response.output_text.delta", response_id="r1", item_id="i", delta="Wait. "
                    ),
                )
                await server.tell(
                    frame("response.output_item.done", response_id="r1", item=waiting(1))
                )
                await server.end("r1", usage={"total_tokens": 1})
                assert (response.id, response.status) == ("r1", "in_progress")
                await gates.open(1)
                assert (response.id, response.status) == ("r1", "in_progress")
                await server.tell(
                    server.created("r2", 1),
                    frame(
                        "response.output_text.delta", response_id="r2", item_id="i", delta="One."
                    ),
                )
                assert (response.id, response.status) == ("r2", "in_progress")
                await server.end("r2", usage={"total_tokens": 2})

            tasks.start_soon(serve)
            async with connection.respond() as response:
                assert [text async for text in response.text] == ["Wait. ", "One."]
                assert [call.call_id async for call in response.function_calls] == ["c1"]
                assert [event.type async for event in response].count("response.done") == 2
                outcome = await response.result()
        assert (outcome.id, outcome.status) == ("r2", "completed")
        assert (response.id, response.status) == ("r2", "completed")
        assert response.usage is not None
        assert response.usage.total_tokens == 2


async def test_leaving_a_handle_while_its_tools_run_stops_the_rest() -> None:
    gates = Gates()
    async with calling(gates.wait, gates.listen) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(waiting(1), waiting(2, "listen"), request=0)

            tasks.start_soon(serve)
            async with connection.respond() as response:
                await response.function_calls.receive()
                await response.function_calls.receive()
        await arrived()
        assert response.status == "cancelled"
        assert server.outcomes == {"c2": "cancelled"}  # the other may come to its end
        await gates.open(1)
        assert server.outputs["c1"] == "1"
        assert len(server.creates) == 1


async def test_leaving_a_handle_before_what_follows_has_begun() -> None:
    async with calling(get_weather) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(weather(), request=0)

            tasks.start_soon(serve)
            async with connection.respond() as response:
                async for event in response:
                    if event.type == "response.done":
                        break
                await arrived()
                assert len(server.creates) == 2
        await server.begin("r2", 1)
        assert server.cancels == ["r2"]


async def test_leaving_a_handle_while_what_follows_waits_for_its_turn() -> None:
    gates = Gates()
    async with calling(gates.wait) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(waiting(1), request=0)
                await server.turn("r2")
                await gates.open(1)
                left.set()

            left = anyio.Event()
            tasks.start_soon(serve)
            async with connection.respond() as response:
                await left.wait()
        await arrived()
        assert response.status == "cancelled"
        await server.end("r2")
        await arrived()
        assert len(server.creates) == 1
        assert len(connection._lifetime.responses) == 0


async def test_a_response_that_the_server_begins_goes_on_in_its_handle() -> None:
    async with calling(get_weather) as (connection, server):
        responses = connection.responses()
        await server.turn("r1")
        handle = await responses.receive()
        await server.tell(frame("response.output_item.done", response_id="r1", item=weather()))
        await server.end("r1")
        await server.say("Fog.", "r2", 0)
        assert [text async for text in handle.text] == ["Fog."]
        assert handle.id == "r2"
        assert responses.held_events == 0


async def test_a_lost_connection_ends_a_handle_between_two_responses() -> None:
    gates = Gates()
    async with calling(gates.wait) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(waiting(1), request=0)
                server.wire.end()

            tasks.start_soon(serve)
            async with connection.respond() as response:
                with pytest.raises(ConnectionClosed):
                    await response.result()
        assert server.outputs == {}
        await gates.open(1)
        assert server.outcomes == {"c1": "connection_lost"}


async def test_leaving_the_tools_ends_a_handle_that_waits_for_them() -> None:
    gates = Gates()
    async with calling() as (connection, server):
        async with group() as tasks:
            errors: list[Exception] = []

            async def ask() -> None:
                try:
                    await connection.ask("One?")
                except ResponseFailed as error:
                    errors.append(error)

            async with connection.run_tools(gates.wait):
                tasks.start_soon(ask)
                await server.call(waiting(1), request=0)
        [error] = errors
        assert isinstance(error, ResponseFailed)
        assert error.code == "cancelled"


# Interruptions


async def speak(server: Caller) -> None:
    await server.tell(frame("input_audio_buffer.speech_started", item_id="spoken"))


async def test_the_user_interrupts_the_calls_that_allow_it() -> None:
    gates = Gates()
    async with calling(gates.wait, gates.listen) as (_, server):
        await server.call(waiting(1), waiting(2, "listen"))
        await speak(server)
        assert server.errors == {"c2": "cancelled"}
        assert server.outcomes == {"c2": "cancelled"}
        await gates.open(1)
        assert len(server.creates) == 1


async def test_where_all_calls_were_interrupted_nothing_follows() -> None:
    gates = Gates()
    async with calling(gates.listen) as (connection, server):
        async with group() as tasks:

            async def serve() -> None:
                await server.call(waiting(1, "listen"), waiting(2, "listen"), request=0)
                await speak(server)

            tasks.start_soon(serve)
            with pytest.raises(ResponseFailed) as caught:
                await connection.ask("One?")
        assert caught.value.code == "cancelled"
        assert server.errors == {"c1": "cancelled", "c2": "cancelled"}
        assert len(server.creates) == 1


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
