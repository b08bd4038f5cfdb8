"""One response as the program sees it: what it says, how it ends, how it is left."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import anyio
import pytest

from anyrealtime import (
    Connection,
    ConnectionClosed,
    InternalError,
    RequestError,
    ResponseFailed,
    ResponseHandle,
    StreamOverflow,
)
from anyrealtime.events import (
    FunctionCall,
    Message,
    ResponseDone,
    ResponseStatusDetails,
)
from tests._runtime.peers import LIMIT, FakeTransport, arrived, frame, opened
from tests._runtime.responses import Server, done, said

T = TypeVar("T")

CALL = {"type": "function_call", "id": "i2", "call_id": "c1", "name": "f", "arguments": "{}"}
USAGE = {"total_tokens": 7}


class Scopes(Server):
    """A server, and the blocks of `respond` that are open: they are left when the test is."""

    def __init__(self, wire: FakeTransport) -> None:
        super().__init__(wire)
        self.open: list[AbstractAsyncContextManager[ResponseHandle]] = []


@asynccontextmanager
async def talking(**options: Any) -> AsyncGenerator[tuple[Connection, Scopes]]:
    async with opened(**options) as (connection, wire):
        server = Scopes(wire)
        try:
            yield connection, server
        finally:
            for scope in server.open:
                await scope.__aexit__(None, None, None)


async def entered(
    server: Scopes,
    scope: AbstractAsyncContextManager[ResponseHandle],
    response_id: str = "r1",
    request: int = 0,
) -> ResponseHandle:
    """Enter a block of `respond` while the server begins the response."""
    server.open.append(scope)
    async with anyio.create_task_group() as group:
        group.start_soon(server.begin, response_id, request)
        return await scope.__aenter__()
    raise AssertionError("it was entered")


async def everything(stream: AsyncIterator[T]) -> list[T]:
    with anyio.fail_after(LIMIT):
        return [item async for item in stream]


async def told(stream: AsyncIterator[T]) -> tuple[list[T], Exception | None]:
    """All that a stream gives, and what it raises then."""
    items: list[T] = []
    try:
        async for item in stream:
            items.append(item)  # noqa: PERF401 - kept when the stream raises
    except Exception as exc:
        return items, exc
    return items, None


# What it says


async def test_each_kind_is_told_apart_and_from_the_beginning() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        await server.tell(
            said("a"),
            said("AAE=", kind="audio"),
            said("hi", kind="audio_transcript"),
            frame("response.output_item.done", response_id="r1", item={**CALL}),
            frame("conversation.item.done", item={"type": "message", "id": "i1"}),
            said("b"),
            done("r1", usage=USAGE),
        )
        assert await everything(response.text) == ["a", "b"]
        assert await everything(response.transcript) == ["hi"]
        assert await everything(response.audio) == [b"\0\1"]
        assert [call.name for call in await everything(response.function_calls)] == ["f"]
        assert [type(item) for item in await everything(response.items)] == [FunctionCall]
        types = [event.type async for event in response]
        assert (types[0], types[-1], len(types)) == ("response.created", "response.done", 7)
        assert response.status == "completed"
        assert response.usage is not None
        assert response.usage.total_tokens == 7
        assert (await response.result()).id == "r1"


async def test_kinds_read_at_the_same_time() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        read: dict[str, list[Any]] = {}

        async def read_all(name: str, stream: AsyncIterator[object]) -> None:
            read[name] = [item async for item in stream]

        async with anyio.create_task_group() as group:
            group.start_soon(read_all, "text", response.text)
            group.start_soon(read_all, "audio", response.audio)
            group.start_soon(read_all, "events", aiter(response))
            for number in range(10):
                await server.tell(said(str(number)), said("AAE=", kind="audio"))
            await server.end("r1")
        assert read["text"] == [str(number) for number in range(10)]
        assert read["audio"] == [b"\0\1"] * 10
        assert len(read["events"]) == 22


async def test_two_items_open_at_once_do_not_mix() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        await server.tell(
            said("a", item_id="i1"),
            said("1", item_id="i2", index=1),
            said("b", item_id="i1"),
            said("2", item_id="i2", index=1),
        )
        first = [await response.text.receive(), await response.text.receive()]
        assert first == ["a", "b"]
        item: dict[str, object] = {"type": "message", "id": "i1", "content": []}
        await server.tell(frame("response.output_item.done", response_id="r1", item=item))
        assert [await response.text.receive(), await response.text.receive()] == ["1", "2"]
        await server.end("r1")
        assert await everything(response.text) == []
        assert [type(item) for item in await everything(response.items)] == [Message]


async def test_what_comes_in_the_read_that_begins_it() -> None:
    async with talking() as (connection, server):
        async with anyio.create_task_group() as group:

            async def answer() -> None:
                await arrived()
                await server.tell(server.created("r1", 0), said("a"), said("b"), done("r1"))

            group.start_soon(answer)
            async with connection.respond() as response:
                assert await everything(response.text) == ["a", "b"]
        assert server.cancels == []


async def test_it_can_be_read_after_the_block() -> None:
    async with talking() as (connection, server):
        scope = connection.respond()
        response = await entered(server, scope)
        await server.tell(said("a"), done("r1"))
        await scope.__aexit__(None, None, None)
        assert await everything(response.text) == ["a"]
        assert (await response.result()).status == "completed"


# Bounds


async def test_a_kind_that_nobody_reads_fails_alone_and_holds_nothing() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond(max_events=3))
        for number in range(5):
            await server.tell(said(str(number)), said("AAE=", kind="audio"))
            assert await response.text.receive() == str(number)
        await server.end("r1")
        assert await everything(response.text) == []
        items, error = await told(response.audio)
        assert (items, type(error)) == ([], StreamOverflow)
        assert await everything(response.transcript) == []
        with pytest.raises(StreamOverflow):
            await anext(aiter(response))
        assert (await response.result()).status == "completed"


async def test_the_bound_in_bytes() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond(max_bytes=1000))
        await server.tell(said("x" * 2000))
        assert isinstance((await told(response.text))[1], StreamOverflow)
        await server.end("r1")


async def test_what_waits_for_an_earlier_item_is_bounded_too() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond(max_bytes=1000))
        await server.tell(said("a"))
        assert await response.text.receive() == "a"
        for _ in range(3):
            await server.tell(said("x" * 400, item_id="i2", index=1))
        assert isinstance((await told(response.text))[1], StreamOverflow)
        await server.end("r1")


async def test_a_handle_that_nobody_holds_leaves_nothing_behind() -> None:
    async with talking() as (connection, server):
        scope: Any = connection.respond()
        await entered(server, scope)
        await server.tell(said("a"), done("r1"))
        await scope.__aexit__(None, None, None)
        server.open.clear()
        del scope
        gc.collect()  # an unclosed stream would warn, and warnings are errors
        assert connection._lifetime.responses.busy is False
        assert len(connection._lifetime.dispatcher._adopted) == 0


# How it ends


@pytest.mark.parametrize("details", [{"type": "x", "reason": "max_output_tokens"}, "word"])
@pytest.mark.parametrize("status", ["cancelled", "incomplete"])
async def test_cancelled_and_incomplete_are_values(status: str, details: Any) -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        assert (response.status, response.reason, response.usage) == ("in_progress", None, None)
        await server.tell(said("a"), done("r1", status, status_details=details))
        assert await everything(response.text) == ["a"]
        assert (await response.result()).status == status
        assert response.status == status
        assert response.reason == (details["reason"] if isinstance(details, dict) else details)
        assert isinstance(response.status_details, ResponseStatusDetails)


async def test_a_failed_response_is_not_left_in_silence() -> None:
    async with talking() as (connection, server):
        scope = connection.respond()
        response = await entered(server, scope)
        server.open.remove(scope)
        await server.end("r1", "failed", status_details={"error": {"code": "insufficient_quota"}})
        assert [event.type for event in await everything(aiter(response))][-1] == "response.done"
        with pytest.raises(ResponseFailed, match="insufficient_quota"):
            await scope.__aexit__(None, None, None)


async def test_a_failure_is_raised_once() -> None:
    async with talking() as (connection, server):
        scope = connection.respond()
        response = await entered(server, scope)
        server.open.remove(scope)
        await server.end("r1", "failed")
        with pytest.raises(ResponseFailed):
            await response.result()
        assert not await scope.__aexit__(None, None, None)


@pytest.mark.parametrize("how", ["before it ends", "with an exception", "not failed"])
async def test_leaving_raises_nothing_of_its_own(how: str) -> None:
    async with talking() as (connection, server):
        responses = connection.responses()
        await server.turn("r1")
        handle = await responses.receive()
        if how != "before it ends":
            await server.end("r1", "incomplete" if how == "not failed" else "failed")
        if how == "with an exception":
            with pytest.raises(ZeroDivisionError):
                async with handle:
                    raise ZeroDivisionError
        else:
            async with handle:
                pass
        await arrived()
        assert server.cancels == (["r1"] if how == "before it ends" else [])


async def test_the_block_of_a_servers_own_response_tells_its_failure() -> None:
    async with talking() as (connection, server):
        responses = connection.responses()
        await server.turn("r1")
        handle = await responses.receive()
        with pytest.raises(ResponseFailed):
            async with handle:
                await server.end("r1", "failed")


async def test_a_failed_response_raises() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        error = {"type": "server_error", "code": "insufficient_quota", "message": "No more."}
        await server.tell(
            said("a"), done("r1", "failed", status_details={"type": "failed", "error": error})
        )
        for stream in (response.text, response.audio, response.items, response.function_calls):
            raised = (await told(stream))[1]
            assert isinstance(raised, ResponseFailed)
        assert isinstance(raised, ResponseFailed)
        assert (raised.code, raised.response_id) == ("insufficient_quota", "r1")
        assert "No more." in raised.message
        with pytest.raises(ResponseFailed, match="insufficient_quota"):
            await response.result()
        events, nothing = await told(aiter(response))
        assert nothing is None
        assert isinstance(events[-1], ResponseDone)
        assert response.status == "failed"


async def test_a_failure_without_a_reason() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        await server.end("r1", "failed")
        with pytest.raises(ResponseFailed, match=r"the response failed$"):
            await response.result()


async def test_a_response_that_another_overtakes() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        await server.tell(said("a"), server.created("r2"))
        assert await everything(response.text) == ["a"]
        assert (await response.result()).status == "cancelled"
        assert response.reason == "overtaken"


async def test_a_response_that_was_refused_after_all() -> None:
    """A server that echoes no metadata, and turn detection that did not announce itself."""
    async with talking() as (connection, server):
        server.echoes = False
        response = await entered(server, connection.respond())
        await server.refuse(0, "conversation_already_has_active_response")
        with pytest.raises(RequestError):
            await response.result()
        assert isinstance((await told(response.text))[1], RequestError)


@pytest.mark.parametrize("lost", ["network", "clean", "bug"])
async def test_the_end_of_the_connection_ends_it(lost: str) -> None:
    expected = InternalError if lost == "bug" else ConnectionClosed
    with pytest.raises((ConnectionClosed, InternalError)):
        async with talking() as (connection, server):
            response = await entered(server, connection.respond())
            await server.tell(said("a"))
            if lost == "bug":
                server.wire.fail(lambda: RuntimeError("a bug"))
            else:
                server.wire.end(1000 if lost == "clean" else 1006, "server")
            with anyio.CancelScope(shield=True):
                await arrived()
                texts, error = await told(response.text)
                assert (texts, type(error)) == (["a"], expected)
                for call in (response.result, response.cancel):
                    with pytest.raises(expected):
                        await call()
            raise ConnectionClosed(1006)


async def test_a_loss_while_the_result_is_waited_for_is_told_once() -> None:
    with pytest.raises(ValueError, match="own") as info:
        async with talking(close_timeout=0.01) as (connection, server):
            response = await entered(server, connection.respond())
            async with anyio.create_task_group() as group:
                group.start_soon(_lose, server)
                with pytest.raises(ConnectionClosed, match="1006"):
                    await response.result()
            await anyio.sleep(0.05)  # longer than the block is given to notice
            raise ValueError("the block's own")
    assert info.value.__context__ is None


async def _lose(server: Server) -> None:
    await arrived()
    server.wire.end(1006)


async def test_a_handle_outlives_its_connection() -> None:
    async with talking() as (connection, server):
        responses = connection.responses()
        await server.begin("r1")
        await server.tell(said("a"))
        response = await responses.receive()
    with pytest.raises(ConnectionClosed):
        await response.result()
    assert (await told(response.text))[0] == ["a"]


async def test_cancelling_the_waiting_leaves_the_response() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        with anyio.move_on_after(0.01):
            await response.result()
        assert server.cancels == []
        await server.end("r1")
        assert (await response.result()).status == "completed"


# Cancelling


async def test_cancelling_waits_for_the_end_and_drops_what_is_held() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        await server.tell(said("heard"), said("AAE=", kind="audio"))
        async with anyio.create_task_group() as group:
            group.start_soon(response.cancel)
            await arrived()
            assert server.cancels == ["r1"]
            await server.tell(said("late"))
            await server.end("r1", "cancelled", usage=USAGE)
        assert await everything(response.text) == []
        assert await everything(response.audio) == []
        assert response.status == "cancelled"
        assert response.usage is not None
        await response.cancel()
        assert server.cancels == ["r1"]


async def test_cancelling_ends_who_reads() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        async with anyio.create_task_group() as group:
            group.start_soon(everything, response.audio)
            await arrived()
            response.leave()
        await arrived()
        assert server.cancels == ["r1"]
        await server.end("r1", "cancelled")
        assert (await response.result()).status == "cancelled"


async def test_a_cancellation_that_comes_too_late() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        async with anyio.create_task_group() as group:
            group.start_soon(response.cancel)
            await arrived()
            await server.tell(_refusal(server, "response_cancel_not_active"))


async def test_a_server_that_does_not_cancel() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        async with anyio.create_task_group() as group:

            async def refuse() -> None:
                await arrived()
                await server.tell(_refusal(server, "server_error"))

            group.start_soon(refuse)
            with pytest.raises(RequestError, match="server_error"):
                await response.cancel()
        await server.end("r1")
        assert (await response.result()).status == "completed"


def _refusal(server: Server, code: str) -> bytes:
    [cancel] = [event for event in server.wire.events if event["type"] == "response.cancel"]
    return frame("error", error={"code": code, "event_id": cancel["event_id"], "message": "No."})


async def test_an_unclaimed_error_is_not_the_refusal_of_a_left_response() -> None:
    async with talking() as (connection, server):
        scope = connection.respond()
        await entered(server, scope)
        await scope.__aexit__(None, None, None)
        await arrived()
        await server.tell(_refusal(server, "server_error"))
        await server.end("r1")
        response = await entered(server, connection.respond(), "r2", 1)
        assert repr(response) == "<ResponseHandle r2 in_progress>"
        await server.end("r2")


async def test_a_handle_is_a_block_of_its_own() -> None:
    async with talking() as (connection, server):
        response = await entered(server, connection.respond())
        async with response as same:
            assert same is response
        await arrived()
        assert server.cancels == ["r1"]
        await server.end("r1")
