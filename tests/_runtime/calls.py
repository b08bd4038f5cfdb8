"""A server whose model calls functions, on a transport in the test's hands. Nothing here asserts."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from anyrealtime import Connection, open_realtime
from anyrealtime.tools import ToolCallFinished, ToolCallProgress, tool
from tests._runtime.peers import CREATED, LIMIT, FakeTransport, arrived, frame
from tests._runtime.responses import Server, done


def call_item(
    name: str, arguments: object = "{}", call_id: str = "c1", status: str = "completed"
) -> dict[str, object]:
    """A call as an item of the conversation."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {
        "id": f"item_{call_id}",
        "type": "function_call",
        "status": status,
        "name": name,
        "call_id": call_id,
        "arguments": text,
    }


class Caller(Server):
    """A server, what it was told of its calls, and ways to make some."""

    def __init__(self, wire: UpdatingTransport) -> None:
        super().__init__(wire)
        wire.on_sent = self._hear
        self.heard = anyio.Event()
        self.finished: list[ToolCallFinished] = []
        self.progress: list[ToolCallProgress] = []

    def _hear(self) -> None:
        self.heard.set()
        self.heard = anyio.Event()

    @property
    def items(self) -> list[dict[str, Any]]:
        return [e["item"] for e in self.wire.events if e["type"] == "conversation.item.create"]

    @property
    def outputs(self) -> dict[str, str]:
        """What the calls were answered, by their ids. Each was answered once, or this fails."""
        found = [item for item in self.items if item["type"] == "function_call_output"]
        outputs = {item["call_id"]: item["output"] for item in found}
        if len(outputs) != len(found):
            raise AssertionError(f"a call was answered twice: {found}")
        return outputs

    @property
    def errors(self) -> dict[str, str]:
        """The codes of the answers that are no results."""
        return {id_: json.loads(text)["error"]["code"] for id_, text in self.outputs.items()}

    @property
    def outcomes(self) -> dict[str, str]:
        return {told.call_id: told.outcome for told in self.finished}

    async def call(
        self,
        *items: dict[str, object],
        response_id: str = "r1",
        request: int | None = None,
        status: str = "completed",
    ) -> None:
        """A whole response that makes these calls, in one read."""
        await arrived()
        told: list[bytes] = [self.created(response_id, request)]
        for item in items:
            begun = {**item, "status": "in_progress", "arguments": ""}
            told.append(frame("response.output_item.added", response_id=response_id, item=begun))
            told.append(
                frame(
                    "response.function_call_arguments.done",
                    response_id=response_id,
                    item_id=item["id"],
                    call_id=item["call_id"],
                    name=item["name"],
                    arguments=item["arguments"],
                )
            )
            told.append(frame("response.output_item.done", response_id=response_id, item=item))
        await self.tell(*told, done(response_id, status, output=list(items)))

    async def say(self, text: str, response_id: str, request: int | None = None) -> None:
        """A whole response that says something."""
        await arrived()
        await self.tell(
            self.created(response_id, request),
            frame(
                "response.output_text.delta",
                response_id=response_id,
                item_id=f"said_{response_id}",
                output_index=0,
                content_index=0,
                delta=text,
            ),
            done(response_id),
        )

    async def until(self, count: int, type_: str = "response.create") -> None:
        """Wait until the client has sent so many events of that type: threads take their time."""
        while self.types.count(type_) < count:
            await self.heard.wait()
        await arrived()


class UpdatingTransport(FakeTransport):
    """One whose server takes every change of the session.

    Attributes:
        on_sent: called when the client has sent something.
    """

    on_sent: Callable[[], object] = list

    async def send(self, frames: Sequence[bytes]) -> None:
        await super().send(frames)
        self.on_sent()
        for event in map(json.loads, frames):
            if event["type"] == "session.update":
                self.deliver(frame("session.updated", session={"id": "sess_1", **event["session"]}))


@asynccontextmanager
async def calling(*tools: Any, **options: Any) -> AsyncGenerator[tuple[Connection, Caller]]:
    """An open connection that runs these tools, and its server."""
    wire = UpdatingTransport(CREATED)
    server = Caller(wire)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire, tools=tools, **options) as connection:
            listen(connection, server)
            yield connection, server


def listen(connection: Connection, server: Caller) -> None:
    """The server's record has what the program is told of its calls."""
    dispatcher = connection._lifetime.dispatcher
    announce = dispatcher.announce

    def listening(notice: object) -> None:
        if isinstance(notice, ToolCallFinished):
            server.finished.append(notice)
        elif isinstance(notice, ToolCallProgress):
            server.progress.append(notice)
        announce(notice)

    dispatcher.announce = listening  # type: ignore[method-assign]


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
