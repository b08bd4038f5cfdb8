"""`ask`, `responses`, and all of it against the simulator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import pytest
from anyio.abc import TaskGroup

from anyrealtime import (
    ConfigurationError,
    Connection,
    ConnectionClosed,
    RequestError,
    ResponseFailed,
    ResponseHandle,
    StreamOverflow,
    open_realtime,
)
from anyrealtime.events import (
    ConversationItemCreate,
    FunctionCallOutput,
    FunctionTool,
    ItemReference,
    ResponseCreate,
    Session,
)
from anyrealtime.simulator import (
    FunctionCallRequest,
    ModelFailure,
    ModelRequest,
    Said,
    open_simulator,
)
from tests._runtime.peers import LIMIT, arrived, frame
from tests._runtime.responses import done, said, talking


@pytest.fixture
async def tasks() -> AsyncGenerator[TaskGroup]:
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            yield group
            group.cancel_scope.cancel()


class Asked:
    """An `ask` in a task of its own."""

    def __init__(self) -> None:
        self.answer: str | None = None
        self.error: Exception | None = None

    async def run(self, connection: Connection, text: str, options: dict[str, Any]) -> None:
        try:
            self.answer = await connection.ask(text, **options)
        except Exception as exc:
            self.error = exc


async def asked(tasks: TaskGroup, connection: Connection, text: str, **options: Any) -> Asked:
    call = Asked()
    tasks.start_soon(call.run, connection, text, options)
    await arrived()
    return call


# ask


@pytest.mark.parametrize("kind", ["text", "audio_transcript"])
async def test_asking_gives_the_whole_answer(tasks: TaskGroup, kind: str) -> None:
    async with talking() as (connection, server):
        call = await asked(tasks, connection, "Hi?", instructions="Be brief.")
        assert server.types == ["conversation.item.create", "response.create"]
        item = server.wire.events[0]["item"]
        assert item["content"] == [{"type": "input_text", "text": "Hi?"}]
        assert item["role"] == "user"
        assert server.creates[0]["response"]["instructions"] == "Be brief."
        await server.begin("r1", 0)
        await server.tell(said("Hel", kind=kind), said("lo.", kind=kind), done("r1"))
        assert call.answer == "Hello."


async def test_asking_apart_adds_nothing_to_the_conversation(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        call = await asked(
            tasks, connection, "Hi?", conversation="none", input=[ItemReference(id="i1")]
        )
        [create] = server.wire.events
        given = create["response"]["input"]
        assert [item["type"] for item in given] == ["item_reference", "message"]
        await server.begin("r1", 0)
        await server.end("r1")
        assert call.answer == ""


async def test_questions_are_asked_one_after_the_other(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        first = await asked(tasks, connection, "one")
        second = await asked(tasks, connection, "two")
        assert len(server.wire.events) == 2
        await server.begin("r1", 0)
        await server.tell(said("1"), done("r1"))
        assert server.types == ["conversation.item.create", "response.create"] * 2
        await server.begin("r2", 1)
        await server.tell(said("2", "r2"), done("r2"))
        assert (first.answer, second.answer) == ("1", "2")


async def test_a_race_does_not_say_it_twice(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        call = await asked(tasks, connection, "Hi?")
        await server.turn("vad")
        await server.refuse(0, "conversation_already_has_active_response")
        await server.end("vad")
        assert server.types == ["conversation.item.create", "response.create", "response.create"]
        await server.begin("r1", 1)
        await server.tell(said("Hello."), done("r1"))
        assert call.answer == "Hello."


@pytest.mark.parametrize(
    ("status", "details", "code"),
    [
        ("failed", {"error": {"code": "insufficient_quota", "message": "No."}}, "insufficient_quota"),
        ("cancelled", {"reason": "turn_detected"}, "cancelled"),
        ("incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        ("incomplete", None, "incomplete"),
    ],
)  # fmt: skip
async def test_an_answer_that_is_not_whole(
    tasks: TaskGroup, status: str, details: dict[str, Any] | None, code: str
) -> None:
    async with talking() as (connection, server):
        call = await asked(tasks, connection, "Hi?")
        await server.begin("r1", 0)
        await server.tell(said("Hel"), done("r1", status, status_details=details))
        assert isinstance(call.error, ResponseFailed)
        assert call.error.code == code
        if details and "reason" in details:
            assert details["reason"] in str(call.error)


@pytest.mark.parametrize("refused", ["message", "response"])
async def test_a_question_that_is_refused(tasks: TaskGroup, refused: str) -> None:
    async with talking() as (connection, server):
        call = await asked(tasks, connection, "Hi?")
        event = server.wire.events[0 if refused == "message" else 1]
        error = {"code": "invalid_value", "event_id": event["event_id"], "message": "No."}
        await server.tell(frame("error", error=error))
        assert isinstance(call.error, RequestError)
        again = await asked(tasks, connection, "Hi!")
        if refused == "message":  # its response comes all the same, and nobody wants it
            await server.begin("r1", 0)
            assert server.cancels == ["r1"]
            await server.end("r1", "cancelled")
        await server.begin("r2", 1)
        await server.tell(said("Hello.", "r2"), done("r2"))
        assert again.answer == "Hello."


async def test_cancelling_a_question(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        with anyio.move_on_after(0.02):
            tasks.start_soon(server.begin, "r1", 0)
            await connection.ask("Hi?")
        await arrived()
        assert server.cancels == ["r1"]
        await server.end("r1", "cancelled")


async def test_what_cannot_be_asked() -> None:
    async with talking() as (connection, server):
        with pytest.raises(ConfigurationError):
            await connection.ask("Hi?", if_active="never")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        assert server.types == []


# responses


class Heard:
    """Takes the handles of `connection.responses()` in a task of its own."""

    def __init__(self) -> None:
        self.handles: list[ResponseHandle] = []
        self.error: Exception | None = None
        self.over = False

    async def run(self, connection: Connection) -> None:
        try:
            async for response in connection.responses():
                self.handles.append(response)
        except Exception as exc:
            self.error = exc
        self.over = True


async def heard(tasks: TaskGroup, connection: Connection) -> Heard:
    call = Heard()
    tasks.start_soon(call.run, connection)
    await arrived()
    return call


async def test_the_servers_own_responses_come_as_handles(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        call = await heard(tasks, connection)
        await server.turn("r1")
        await server.tell(said("a"), said("b"), done("r1"))
        await server.turn("r2")
        assert [handle.id for handle in call.handles] == ["r1", "r2"]
        first, second = call.handles
        assert [text async for text in first.text] == ["a", "b"]
        assert (await first.result()).status == "completed"
        async with second:
            pass
        await arrived()
        assert server.cancels == ["r2"]
        await server.end("r2", "cancelled")


async def test_responses_asked_for_by_events_are_among_them(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        call = await heard(tasks, connection)
        await connection.send(ResponseCreate())
        await server.begin("r1")
        await server.end("r1")
        tasks.start_soon(connection.ask, "Hi?")
        await arrived()
        await server.begin("r2", 1)
        await server.end("r2")
        assert [handle.id for handle in call.handles] == ["r1"]


async def test_two_who_listen_have_a_handle_each(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        calls = [await heard(tasks, connection) for _ in range(2)]
        await server.turn("r1")
        await server.tell(said("a"), done("r1"))
        handles = [call.handles[0] for call in calls]
        assert handles[0] is not handles[1]
        for handle in handles:
            assert [text async for text in handle.text] == ["a"]


async def test_listening_begins_with_the_call_and_ends_with_the_loop() -> None:
    async with talking() as (connection, server):
        await server.turn("r0")
        await server.end("r0")
        responses = connection.responses()
        assert connection._lifetime.responses.busy
        await server.turn("r1")
        assert (await anext(aiter(responses))).id == "r1"
        del responses
        await server.end("r1")
        assert not connection._lifetime.responses.busy


async def test_handles_that_nobody_takes() -> None:
    async with talking() as (connection, server):
        responses = connection.responses(max_events=1)
        for number in range(1030):
            server.wire.deliver(server.created(f"r{number}"), done(f"r{number}"))
        await arrived()
        with pytest.raises(StreamOverflow):
            await responses.receive()
        assert not connection._lifetime.responses.busy


@pytest.mark.parametrize("lost", [False, True])
async def test_the_iteration_ends_with_the_connection(tasks: TaskGroup, lost: bool) -> None:
    async with talking(errors="deliver") as (connection, server):
        call = await heard(tasks, connection)
        server.wire.end(1006 if lost else 1000, "network" if lost else "server")
        await arrived()
        assert call.over
        assert isinstance(call.error, ConnectionClosed) is lost
        late = connection.responses()
        with pytest.raises(ConnectionClosed if lost else anyio.EndOfStream):
            await late.receive()


@pytest.mark.parametrize("options", [{"max_events": 0}, {"max_bytes": 0}])
async def test_bounds_that_are_wrong(options: dict[str, Any]) -> None:
    async with talking() as (connection, _):
        with pytest.raises(ConfigurationError):
            connection.responses(**options)


# Against the simulator


@asynccontextmanager
async def simulated(
    model: Any = None,
    dialect: Literal["ga", "beta"] = "ga",
    pace: float = 0.0,
    session: Session | None = None,
) -> AsyncGenerator[Connection]:
    options = {} if model is None else {"model": model}
    with anyio.fail_after(LIMIT):
        async with (
            open_simulator(pace=pace, **options) as simulator,
            open_realtime(
                "m",
                base_url=simulator.base_url,
                api_key="k",
                dialect=dialect,
                session=session or Session(output_modalities=["text"]),
            ) as connection,
        ):
            yield connection


def echo(request: ModelRequest) -> Iterator[Said]:
    yield from (f"{word} " for word in request.text.split())


@pytest.mark.parametrize("dialect", ["ga", "beta"])
@pytest.mark.parametrize("modality", ["text", "audio"])
async def test_a_question_and_its_answer(
    dialect: Literal["ga", "beta"], modality: Literal["text", "audio"]
) -> None:
    session = Session(output_modalities=[modality])
    async with simulated(echo, dialect, session=session) as connection:
        assert (await connection.ask("one two three")).strip() == "one two three"
        async with connection.respond(input="four five", conversation="none") as response:
            text = [piece async for piece in response.text]
            sound = b"".join([chunk async for chunk in response.audio])
            spoken = [piece async for piece in response.transcript]
            assert "".join(text or spoken).strip() == "four five"
            assert bool(sound) == (modality == "audio")
            assert [type(item).__name__ for item in [i async for i in response.items]] == [
                "Message"
            ]
            assert response.usage is not None


async def test_fifty_at_once_each_get_their_own() -> None:
    async with simulated(echo, pace=0.001) as connection:
        answers: dict[int, str] = {}

        async def ask(number: int) -> None:
            async with connection.respond(input=f"I am {number}", conversation="none") as response:
                answers[number] = "".join([text async for text in response.text])

        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(ask, number)
        assert answers == {number: f"I am {number} " for number in range(50)}
        assert len(connection._lifetime.responses) == 0


async def test_fifty_in_a_row_take_their_turns() -> None:
    async with simulated(echo) as connection:
        answers: dict[int, str] = {}

        async def ask(number: int) -> None:
            answers[number] = await connection.ask(f"I am {number}")

        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(ask, number)
        assert answers == {number: f"I am {number} " for number in range(50)}


async def test_a_tool_call_and_its_answer() -> None:
    async with simulated() as connection:
        tools = [FunctionTool(name="get_weather", parameters={"type": "object"})]
        async with connection.respond(
            input="weather?", tools=tools, tool_choice="required"
        ) as response:
            [call] = [call async for call in response.function_calls]
        assert call.name == "get_weather"
        output = FunctionCallOutput(call_id=call.call_id, output="sunny")
        await connection.send(ConversationItemCreate(item=output))
        async with connection.respond() as response:
            assert "sunny" in "".join([text async for text in response.text])


async def test_a_model_that_fails() -> None:
    def model(request: ModelRequest) -> Iterator[Said]:
        yield "I "
        raise ModelFailure("no more", code="insufficient_quota")

    async with simulated(model) as connection:
        with pytest.raises(ResponseFailed, match="insufficient_quota"):
            await connection.ask("Hi?")


async def test_an_answer_that_is_too_long() -> None:
    async with simulated(echo) as connection:
        async with connection.respond(input="one two three", max_output_tokens=1) as response:
            result = await response.result()
        assert (result.status, response.reason) == ("incomplete", "max_output_tokens")


async def test_leaving_in_the_middle_and_going_on() -> None:
    async with simulated(pace=0.005) as connection:
        for _ in range(3):
            async with connection.respond(input="20 paragraphs") as response:
                async for _ in response.text:
                    break
            assert (await response.result()).status == "cancelled"
        assert "simulator" in await connection.ask("who are you?")


async def test_a_call_that_was_cut_is_not_given() -> None:
    def model(request: ModelRequest) -> Iterator[Said]:
        yield FunctionCallRequest("f", {"text": "long " * 50})

    async with simulated(model, pace=0.01) as connection:
        tools = [FunctionTool(name="f")]
        async with connection.respond(tools=tools) as response:
            async for event in response:
                if event.type == "response.function_call_arguments.delta":
                    break
            await response.cancel()
            assert response.status == "cancelled"
            assert [call async for call in response.function_calls] == []
