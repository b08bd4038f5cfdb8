"""Functions that are not async: their threads, how many, and what leaving them means."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread

from anyrealtime.tools import tool
from tests._runtime.calls import call_item, calling
from tests._runtime.peers import arrived

# Threads


async def test_a_function_that_is_not_async_runs_in_a_worker_thread() -> None:
    @tool
    def get(city: str) -> str:
        return f"{city} {threading.current_thread() is threading.main_thread()}"

    async with calling(get) as (_, server):
        await server.call(call_item("get", {"city": "Rome"}))
        await server.until(1)
        assert server.outputs == {"c1": "Rome False"}


async def test_what_a_function_that_is_not_async_gives_is_awaited_if_it_can_be() -> None:
    async def later() -> str:
        return "later"

    @tool
    def get() -> Any:
        return later()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        assert server.outputs == {"c1": "later"}


async def test_what_a_thread_raises_is_told_like_everything_else() -> None:
    @tool
    def get() -> None:
        raise ValueError("No fog.")

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await server.until(1)
        assert server.errors == {"c1": "tool_error"}


async def test_a_thread_that_may_be_abandoned_is() -> None:
    entered, release, ended = threading.Event(), threading.Event(), threading.Event()

    @tool(abandon_on_cancel=True)
    def get() -> None:
        entered.set()
        release.wait(15)
        ended.set()

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await anyio.to_thread.run_sync(entered.wait)
    assert not ended.is_set()
    release.set()


async def test_a_thread_learns_that_nobody_wants_it_any_more() -> None:
    entered, noticed = threading.Event(), threading.Event()

    @tool
    def get() -> None:
        entered.set()
        while True:
            try:
                anyio.from_thread.check_cancelled()
            except BaseException:
                noticed.set()
                raise
            threading.Event().wait(0.001)

    async with calling(get) as (_, server):
        await server.call(call_item("get"))
        await anyio.to_thread.run_sync(entered.wait)
    assert noticed.is_set()
    assert server.errors == {"c1": "cancelled"}


async def test_only_so_many_threads_at_a_time() -> None:
    release, running = threading.Event(), threading.Semaphore(0)

    @tool
    def get() -> None:
        running.release()
        release.wait(15)

    async with calling() as (connection, server):
        async with connection.run_tools(get, max_threads=1):
            await server.call(call_item("get"), call_item("get", call_id="c2"))
            await anyio.to_thread.run_sync(running.acquire)
            await arrived()
            assert not running.acquire(blocking=False)
            release.set()
            await server.until(1)
            assert server.outputs == {"c1": "null", "c2": "null"}
