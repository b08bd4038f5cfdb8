"""What a type checker must see of responses: pyright and mypy, both strict, read this file.

pytest runs it, too. Each line with `type: ignore` is a mistake that both must find.
"""

from __future__ import annotations

from typing import assert_type

import anyio
import pytest

from anyrealtime import ConfigurationError, EventStream, ResponseHandle
from anyrealtime.events import (
    FunctionCall,
    Item,
    ItemReference,
    Response,
    ResponseStatusDetails,
    ServerEvent,
    Usage,
)
from tests._runtime.peers import arrived
from tests._runtime.responses import done, said, talking


async def test_a_response_and_what_it_says() -> None:
    async with talking() as (connection, server):
        async with anyio.create_task_group() as group:

            async def answer() -> None:
                await arrived()
                await server.tell(server.created("r1", 0), said("a"), done("r1"))

            group.start_soon(answer)
            async with connection.respond("Be brief.", if_active="cancel") as response:
                assert_type(response, ResponseHandle)
                async for event in response:
                    assert_type(event, ServerEvent)
                async for text in response.text:
                    assert_type(text, str)
                    assert text == "a"
                async for spoken in response.transcript:
                    assert_type(spoken, str)
                async for chunk in response.audio:
                    assert_type(chunk, bytes)
                async for call in response.function_calls:
                    assert_type(call, FunctionCall)
                async for item in response.items:
                    assert_type(item, Item)
                assert_type(await response.result(), Response)
                assert_type(response.status, str)
                assert_type(response.status_details, ResponseStatusDetails | None)
                assert_type(response.reason, str | None)
                assert_type(response.usage, Usage | None)
                assert_type(response.id, str | None)


async def test_responses_and_answers() -> None:
    async with talking() as (connection, _):
        assert_type(connection.responses(), EventStream[ResponseHandle])
        with pytest.raises(ConfigurationError):
            assert_type(await connection.ask("Hi?", if_active="never"), str)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        connection.respond(input=["Hi?", ItemReference(id="i1")], voice="marin")
        with pytest.raises(TypeError):
            connection.respond(voise="marin")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
