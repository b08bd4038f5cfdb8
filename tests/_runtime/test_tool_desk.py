"""Calls together: several at once, round after round, and the one response that follows them."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import (
    AckTimeout,
    RequestError,
)
from anyrealtime.events import (
    ResponseCreateParams,
    Session,
)
from anyrealtime.tools import tool
from tests._runtime.calls import (
    Gates,
    call_item,
    calling,
    get_weather,
    group,
    waiting,
    weather,
)
from tests._runtime.peers import arrived, frame
from tests._runtime.responses import has_active

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
