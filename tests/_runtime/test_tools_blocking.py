"""Tools that block or sleep delay nothing: no event, no PING, no other tool."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any

import anyio
import anyio.to_thread
import pytest

from anyrealtime import open_realtime
from anyrealtime.events import FunctionCallOutput, ResponseDone, ResponseOutputTextDelta, Session
from anyrealtime.simulator import FunctionCallRequest, ModelRequest, open_simulator
from anyrealtime.tools import tool
from tests._runtime.calls import call_item, calling
from tests._runtime.peers import LIMIT, arrived, text
from tests._runtime.sockets import SOCKETS


@pytest.mark.parametrize("in_thread", [True, False])
async def test_no_event_and_no_other_tool_waits(in_thread: bool) -> None:
    release, entered = threading.Event(), threading.Event()

    @tool
    def block() -> None:
        entered.set()
        release.wait(15)

    @tool
    async def sleep() -> None:
        entered.set()
        await anyio.sleep_forever()

    @tool
    def quick() -> str:
        return "quick"

    try:
        async with calling(block, sleep, quick) as (connection, server):
            async with connection.subscribe(ResponseOutputTextDelta) as stream:
                await server.call(call_item("block" if in_thread else "sleep"))
                await anyio.to_thread.run_sync(entered.wait)
                server.wire.deliver(*[text(number) for number in range(1000)])
                for number in range(1000):
                    assert (await stream.receive()).delta == str(number)
                await server.call(call_item("quick", call_id="c2"), response_id="r2")
                await server.until(1)
                assert server.outputs == {"c2": "quick"}
                release.set()
    finally:
        release.set()


async def test_many_threads_that_block_leave_the_others_theirs() -> None:
    """The tools' threads are their own: those that a program's other parts use stay free."""
    release = threading.Event()

    @tool
    def block() -> None:
        release.wait(15)

    try:
        async with calling(block) as (_, server):
            await server.call(*[call_item("block", call_id=f"c{n}") for n in range(100)])
            assert await anyio.to_thread.run_sync(lambda: "free") == "free"
            assert server.outputs == {}
            release.set()
            await server.until(1)
            assert len(server.outputs) == 100
    finally:
        release.set()


def model(request: ModelRequest) -> Any:
    if isinstance(request.items[-1], FunctionCallOutput):
        return ["It took its time."]
    return [FunctionCallRequest("block", {})]


@SOCKETS
async def test_a_ping_is_answered_while_tools_block(transport: Any) -> None:
    """The server gives up on a client that is silent for longer than this tool takes."""
    longer = 1.0

    @tool
    def block() -> str:
        threading.Event().wait(longer)
        return "done"

    with anyio.fail_after(LIMIT):
        async with open_simulator(model=model) as simulator:
            async with open_realtime(
                url=simulator.url,
                transport=transport,
                proxy=False,
                session=Session(output_modalities=["text"]),
                tools=[block],
                ping_interval=longer / 10,
                ping_timeout=longer / 5,
            ) as connection:
                began = perf_counter()
                async with connection.subscribe(ResponseDone) as done:
                    assert await connection.ask("Well?") == "It took its time."
                    assert (await done.receive()).response.status == "completed"
                assert perf_counter() - began > longer


async def test_a_coroutine_that_blocks_the_loop_is_the_programs_own_fault() -> None:
    """It delays everything, as it would anywhere: but nothing is lost by it."""

    @tool
    async def rude() -> str:
        threading.Event().wait(0.05)
        return "sorry"

    async with calling(rude) as (_, server):
        await server.call(call_item("rude"))
        await arrived()
        assert server.outputs == {"c1": "sorry"}
