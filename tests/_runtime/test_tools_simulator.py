"""Tools over real sockets: a model that calls them in every way, and what went over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from anyrealtime import open_realtime
from anyrealtime.events import (
    ConversationItemCreate,
    FunctionCallOutput,
    ResponseCreate,
    Session,
)
from anyrealtime.simulator import (
    FunctionCallRequest,
    ModelRequest,
    Said,
    Simulator,
    open_simulator,
)
from anyrealtime.tools import tool
from tests._runtime.peers import LIMIT
from tests._runtime.sockets import SOCKETS


@tool
def add(a: int, b: int) -> int:
    return a + b


@tool
async def slow(seconds: float) -> str:
    await anyio.sleep(seconds)
    return f"slept {seconds}"


@tool
async def fail() -> None:
    raise LookupError("gone")


def model(request: ModelRequest) -> Iterator[Said]:
    """As many rounds as there are numbers in the question, with as many calls as they say."""
    outputs = [item.output for item in request.items if isinstance(item, FunctionCallOutput)]
    match request.text.split():
        case ["parallel"] if not outputs:
            yield "One moment. "
            yield FunctionCallRequest("slow", {"seconds": 0.05}, alongside=True)
            yield FunctionCallRequest("add", ['{"a": ', "1, ", '"b": 2}'])
            yield FunctionCallRequest("fail")
        case ["chained"] if len(outputs) < 3:
            yield FunctionCallRequest("add", {"a": len(outputs), "b": 1})
        case ["wrong"] if not outputs:
            yield FunctionCallRequest("add", '{"a": 1, "b"')
            yield FunctionCallRequest("add", {"a": "one", "b": 2})
            yield FunctionCallRequest("subtract", {"a": 1})
        case _:
            yield f"Done: {len(outputs)}."


def sent(simulator: Simulator) -> tuple[list[str], int]:
    """The outputs that the client has sent, one for each call, and its requests of responses."""
    [connection] = simulator.connections
    items = [
        event.item.output
        for event in connection.received
        if isinstance(event, ConversationItemCreate) and isinstance(event.item, FunctionCallOutput)
    ]
    return items, sum(isinstance(event, ResponseCreate) for event in connection.received)


@SOCKETS
@pytest.mark.parametrize(
    ("question", "answers", "rounds"),
    [
        ("parallel", {"3", "slept 0.05", "tool_error"}, 1),
        ("chained", {"1", "2", "3"}, 3),
        ("wrong", {"invalid_arguments", "unknown_tool"}, 1),
    ],
)
async def test_every_way_of_calling(
    transport: Any, question: str, answers: set[str], rounds: int
) -> None:
    with anyio.fail_after(LIMIT):
        async with (
            open_simulator(model=model) as simulator,
            open_realtime(
                url=simulator.url,
                transport=transport,
                proxy=False,
                session=Session(output_modalities=["text"]),
                tools=[add, slow, fail],
            ) as connection,
        ):
            assert await connection.ask(question) == "Done: 3."
            outputs, creates = sent(simulator)
            assert len(outputs) == 3
            assert creates == 1 + rounds
            codes = {
                json.loads(text)["error"]["code"] if text.startswith("{") else text
                for text in outputs
            }
            assert codes == answers
            assert await connection.ask("more") == "Done: 3."
