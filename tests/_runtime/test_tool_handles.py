"""Who waits for an answer that needs calls: `ask`, `respond`, `responses`; and interruptions."""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import (
    ConnectionClosed,
    ResponseFailed,
)
from tests._runtime.calls import (
    Caller,
    Gates,
    calling,
    get_weather,
    group,
    waiting,
    weather,
)
from tests._runtime.peers import arrived, frame

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
