"""When a response may begin, what is sent for it, and what leaving it leaves behind."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup, TaskStatus

from anyrealtime import (
    AckTimeout,
    ConfigurationError,
    Connection,
    ConnectionClosed,
    ProtocolViolation,
    RequestError,
    ResponseHandle,
)
from anyrealtime._runtime._respond import IfActive, as_items, build_params
from anyrealtime.events import (
    AudioConfig,
    AudioOutput,
    FunctionTool,
    InputText,
    ItemReference,
    Message,
    ResponseCreate,
    ResponseCreateParams,
)
from tests._runtime.peers import LIMIT, arrived, frame
from tests._runtime.responses import done, has_active, said, talking


class Reply:
    """A `respond` in a task of its own, which stays in its block until it is let go."""

    def __init__(self) -> None:
        self.handle: ResponseHandle | None = None
        self.error: Exception | None = None
        self.scope = anyio.CancelScope()
        self.over = False
        self._leave = anyio.Event()

    def leave(self) -> None:
        self._leave.set()

    async def run(self, connection: Connection, **options: Any) -> None:
        try:
            with self.scope:
                async with connection.respond(**options) as self.handle:
                    await self._leave.wait()
        except Exception as exc:
            self.error = exc
        self.over = True


@pytest.fixture
async def tasks() -> Any:
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as group:
            yield group
            group.cancel_scope.cancel()


async def begun(tasks: TaskGroup, connection: Connection, **options: Any) -> Reply:
    reply = Reply()
    tasks.start_soon(lambda: reply.run(connection, **options))
    await arrived()
    return reply


# What is sent


async def test_the_block_begins_with_the_response(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection, instructions="Be brief.")
        [create] = server.creates
        assert create["response"]["instructions"] == "Be brief."
        assert set(create["response"]) == {"instructions", "metadata"}
        assert reply.handle is None
        await server.begin("r1", 0)
        assert reply.handle is not None
        assert (reply.handle.id, reply.handle.status) == ("r1", "in_progress")
        await server.end("r1")
        reply.leave()
        await arrived()
        assert reply.over
        assert server.cancels == []


def test_what_was_given_is_what_is_asked_for() -> None:
    tool = FunctionTool(name="f")
    base = ResponseCreateParams(instructions="base", parallel_tool_calls=False)
    params = build_params(
        {
            "params": base,
            "instructions": "mine",
            "input": ["hi", ItemReference(id="i1")],
            "conversation": "none",
            "output_modalities": ("audio",),
            "voice": "marin",
            "tools": (tool,),
            "tool_choice": "required",
            "max_output_tokens": "inf",
            "metadata": {"a": "b"},
        }
    )
    assert params == ResponseCreateParams(
        instructions="mine",
        parallel_tool_calls=False,
        input=[Message(role="user", content=[InputText(text="hi")]), ItemReference(id="i1")],
        conversation="none",
        output_modalities=["audio"],
        audio=AudioConfig(output=AudioOutput(voice="marin")),
        tools=[tool],
        tool_choice="required",
        max_output_tokens="inf",
        metadata={"a": "b"},
    )
    assert build_params({}) == ResponseCreateParams()
    assert build_params({"params": base, "conversation": "auto"}) == base


def test_a_voice_joins_the_rest_of_the_audio() -> None:
    audio = AudioConfig(output=AudioOutput(speed=1.5))
    params = build_params({"audio": audio, "voice": "marin"})
    assert params.audio == AudioConfig(output=AudioOutput(speed=1.5, voice="marin"))
    assert build_params({"audio": audio}).audio is audio


@pytest.mark.parametrize("given", ["hi", ["hi"], Message(role="user"), [ItemReference(id="i")], []])
def test_input_is_items(given: Any) -> None:
    items = as_items(given)
    assert all(isinstance(item, Message | ItemReference) for item in items)
    assert len(items) == (1 if isinstance(given, str | Message) else len(given))


async def test_metadata_of_the_programs_own_is_kept(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await begun(tasks, connection, metadata={"a": "b"})
        metadata = server.creates[0]["response"]["metadata"]
        assert metadata["a"] == "b"
        assert set(metadata) == {"a", "anyrealtime"}


async def test_the_beta_has_its_own_words(tasks: TaskGroup) -> None:
    async with talking(dialect="beta") as (connection, server):
        await begun(tasks, connection, output_modalities=["audio"], voice="alloy")
        response = server.creates[0]["response"]
        assert response["modalities"] == ["text", "audio"]
        assert response["voice"] == "alloy"
        assert "audio" not in response


@pytest.mark.parametrize(
    "options",
    [{"if_active": "never"}, {"max_events": 0}, {"max_bytes": 0}, {"max_events": True}],
)
async def test_arguments_that_are_wrong(options: dict[str, Any]) -> None:
    async with talking() as (connection, server):
        with pytest.raises(ConfigurationError):
            connection.respond(**options)
        await arrived()
        assert server.creates == []


# One at a time


async def test_the_conversation_has_one_response_at_a_time(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        replies = [await begun(tasks, connection) for _ in range(3)]
        for number, reply in enumerate(replies):
            assert len(server.creates) == number + 1
            await server.begin(f"r{number}", number)
            assert reply.handle is not None
            await server.tell(said("x", f"r{number}"))
            assert len(server.creates) == number + 1
            await server.end(f"r{number}")
        assert not any(reply.over for reply in replies)  # the blocks go on all the same


async def test_responses_apart_wait_for_nobody(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await begun(tasks, connection)
        await server.begin("r0", 0)
        apart = [await begun(tasks, connection, conversation="none") for _ in range(2)]
        assert [create["response"].get("conversation") for create in server.creates] == [
            None,
            "none",
            "none",
        ]
        await server.begin("r2", 2)
        await server.begin("r1", 1)
        assert [reply.handle and reply.handle.id for reply in apart] == ["r1", "r2"]


@pytest.mark.parametrize("by", ["turn detection", "an event", "a request"])
async def test_responses_that_others_began(tasks: TaskGroup, by: str) -> None:
    async with talking() as (connection, server):
        if by == "an event":
            await connection.send(ResponseCreate())
        elif by == "a request":
            tasks.start_soon(lambda: connection.request(ResponseCreate()))
        else:
            await server.begin("r0")
        await arrived()
        asked = len(server.creates)
        await begun(tasks, connection)
        assert len(server.creates) == asked
        if by != "turn detection":
            await server.begin("r0", 0 if by == "a request" else None)
        assert len(server.creates) == asked
        await server.end("r0")
        assert len(server.creates) == asked + 1


async def test_cancelling_the_active_one(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        first = await begun(tasks, connection)
        await server.begin("r0", 0)
        await server.tell(said("a", "r0"))
        second = await begun(tasks, connection, if_active="cancel")
        assert server.cancels == ["r0"]
        assert len(server.creates) == 1
        await server.end("r0", "cancelled", status_details={"reason": "client_cancelled"})
        assert len(server.creates) == 2
        await server.begin("r1", 1)
        assert second.handle is not None
        assert first.handle is not None
        assert (first.handle.status, first.handle.reason) == ("cancelled", "client_cancelled")
        assert [text async for text in first.handle.text] == ["a"]


async def test_cancelling_what_has_not_begun(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await connection.send(ResponseCreate())
        await begun(tasks, connection, if_active="cancel")
        assert server.cancels == []
        await server.begin("r0")
        assert server.cancels == ["r0"]
        await server.end("r0", "cancelled")
        assert len(server.creates) == 2


@pytest.mark.parametrize("when", ["asked", "active"])
async def test_raising_sends_nothing(tasks: TaskGroup, when: str) -> None:
    async with talking() as (connection, server):
        await begun(tasks, connection)
        if when == "active":
            await server.begin("r0", 0)
        with pytest.raises(ProtocolViolation):
            async with connection.respond(if_active="raise"):
                pytest.fail("there is a response")
        assert len(server.creates) == 1
        assert server.cancels == []
        apart = await begun(tasks, connection, conversation="none", if_active="raise")
        await server.begin("r1", 1)
        assert apart.handle is not None


@pytest.mark.parametrize("by", ["turn detection", "an event"])
async def test_raising_because_of_others(by: str) -> None:
    async with talking() as (connection, server):
        if by == "an event":
            await connection.send(ResponseCreate())
        else:
            await server.begin("r0")
        with pytest.raises(ProtocolViolation):
            async with connection.respond(if_active="raise"):
                pytest.fail("there is a response")


# Races with turn detection


@pytest.mark.parametrize("code", [has_active(), None])
@pytest.mark.parametrize("if_active", ["wait", "cancel"])
async def test_a_lost_race_is_run_again(
    tasks: TaskGroup, if_active: IfActive, code: str | None
) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection, if_active=if_active)
        await server.turn("vad")
        message = "Conversation already has an active response"
        await server.refuse(0, code, message=message)
        assert len(server.creates) == 1
        assert server.cancels == (["vad"] if if_active == "cancel" else [])
        await server.end("vad")
        assert len(server.creates) == 2
        await server.begin("r1", 1)
        assert reply.handle is not None
        assert reply.handle.id == "r1"


async def test_a_refusal_that_comes_before_the_beginning_it_is_about(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await begun(tasks, connection)
        await server.refuse(0, has_active())
        assert len(server.creates) == 1
        await server.turn("vad")
        assert len(server.creates) == 1
        await server.end("vad")
        assert len(server.creates) == 2


async def test_a_race_that_is_over_when_its_refusal_comes(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await begun(tasks, connection)
        blamed = server.creates[0]["event_id"]
        refusal = frame("error", error={"code": has_active(), "event_id": blamed, "message": ""})
        turn = [
            frame("input_audio_buffer.speech_stopped", item_id="u1"),
            frame("input_audio_buffer.committed", item_id="u1"),
        ]
        await server.tell(*turn, server.created("vad"), refusal, done("vad"))
        assert len(server.creates) == 2


async def test_only_so_many_races(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        for number in range(5):
            assert not reply.over
            assert len(server.creates) == number + 1
            await server.turn(f"vad{number}")
            await server.refuse(number, has_active())
            await server.end(f"vad{number}")
        assert isinstance(reply.error, RequestError)
        assert len(server.creates) == 5


async def test_a_race_raised(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection, if_active="raise")
        await server.refuse(0, has_active())
        assert isinstance(reply.error, RequestError)
        assert reply.error.code == has_active()


async def test_a_refusal_is_raised_at_its_own_call(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        await server.refuse(0, "invalid_value")
        assert isinstance(reply.error, RequestError)
        assert (reply.error.code, len(server.creates)) == ("invalid_value", 1)
        again = await begun(tasks, connection)
        await server.begin("r1", 1)
        assert again.handle is not None


async def test_a_server_that_does_not_answer(tasks: TaskGroup) -> None:
    async with talking(ack_timeout=0.05) as (connection, server):
        with pytest.raises(AckTimeout) as info:
            async with connection.respond():
                pytest.fail("it has not begun")
        assert (info.value.event_type, info.value.timeout) == ("response.create", 0.05)
        reply = await begun(tasks, connection)  # it is not waited for
        assert len(server.creates) == 2
        await server.begin("r0", 0)
        assert server.cancels == ["r0"]
        await server.begin("r1", 1)
        assert reply.handle is not None
        assert reply.handle.id == "r1"


async def test_a_request_by_other_ways_that_is_not_answered(tasks: TaskGroup) -> None:
    async with talking(ack_timeout=0.2) as (connection, server):
        await connection.send(ResponseCreate())
        reply = await begun(tasks, connection)
        assert len(server.creates) == 1
        while len(server.creates) == 1:
            await arrived()
        await server.begin("r1", 1)
        assert reply.handle is not None


# Servers that echo no metadata


async def test_without_metadata(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        server.echoes = False
        reply = await begun(tasks, connection)
        await server.begin("r1", 0)
        await server.tell(said("a"), done("r1"))
        assert reply.handle is not None
        assert [text async for text in reply.handle.text] == ["a"]


async def test_without_metadata_turn_detection_has_its_own(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        server.echoes = False
        reply = await begun(tasks, connection)
        await server.tell(
            frame("input_audio_buffer.speech_started", item_id="u1"),
            frame("input_audio_buffer.speech_stopped", item_id="u1"),
            frame("input_audio_buffer.committed", item_id="u1"),
            server.created("vad"),
        )
        assert reply.handle is None
        await server.tell(done("vad"), server.created("r1"))
        assert reply.handle is not None
        assert reply.handle.id == "r1"


# Leaving


async def test_leaving_early_cancels_and_does_not_wait(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        await server.begin("r0", 0)
        reply.leave()
        await arrived()
        assert reply.over
        assert server.cancels == ["r0"]
        following = await begun(tasks, connection)
        assert len(server.creates) == 1  # its place is taken until it is over
        await server.end("r0", "cancelled")
        assert len(server.creates) == 2
        await server.begin("r1", 1)
        assert following.handle is not None


async def test_leaving_while_nothing_can_be_sent() -> None:
    async with talking() as (connection, server):
        server.wire.can_send = False
        await connection.send(ResponseCreate(event_id="stuck" * 300_000))
        reply = Reply()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: reply.run(connection, conversation="none"))
            await arrived()
            assert reply.handle is None  # the queue is full: it is not asked for yet
            reply.scope.cancel()
        assert reply.over
        server.wire.can_send = True
        server.wire.change()
        await arrived()
        assert len(server.creates) == 1


async def test_the_cancellation_is_queued_though_the_queue_is_full(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        await server.begin("r0", 0)
        server.wire.can_send = False
        await connection.send(ResponseCreate(event_id="stuck" * 300_000))
        reply.leave()
        await arrived()
        assert reply.over
        server.wire.can_send = True
        server.wire.change()
        await arrived()
        assert server.cancels == ["r0"]


async def test_cancelled_before_it_began(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        reply.scope.cancel()
        await arrived()
        assert reply.over
        assert server.cancels == []
        following = await begun(tasks, connection)
        assert len(server.creates) == 1
        await server.begin("r0", 0)
        assert server.cancels == ["r0"]
        await server.tell(said("late", "r0"), done("r0", "cancelled"))
        await server.begin("r1", 1)
        assert following.handle is not None
        assert following.handle.id == "r1"


async def test_cancelled_and_then_refused(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        reply.scope.cancel()
        await server.refuse(0)  # a late answer, and nobody's
        await begun(tasks, connection)
        assert len(server.creates) == 2


async def test_cancelled_while_waiting_for_its_turn(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        await server.turn("vad")
        first = await begun(tasks, connection)
        second = await begun(tasks, connection)
        first.scope.cancel()
        await arrived()
        await server.end("vad")
        assert len(server.creates) == 1
        await server.begin("r0", 0)
        assert second.handle is not None


@pytest.mark.parametrize("if_active", ["wait", "cancel"])
async def test_cancelling_at_every_await_leaves_the_connection_usable(if_active: IfActive) -> None:
    """Each round cancels a little later; the server answers all that it was asked."""
    async with talking() as (connection, server):
        for turns in range(40):
            number = len(server.creates)
            async with anyio.create_task_group() as group:
                (await _after(turns, group, connection, if_active)).scope.cancel()
            await arrived()
            for request in range(number, len(server.creates)):
                await server.begin(f"r{request}", request)
                await server.end(f"r{request}", "cancelled")
        number = len(server.creates)
        async with anyio.create_task_group() as group:
            reply = await begun(group, connection)
            await server.begin("last", number)
            assert reply.handle is not None
            await server.end("last")
            reply.leave()


async def _after(
    turns: int, group: TaskGroup, connection: Connection, if_active: IfActive
) -> Reply:
    reply = Reply()

    async def run(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        await reply.run(connection, if_active=if_active)

    await group.start(run)
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()
    return reply


async def test_what_a_left_response_still_says_reaches_streams_only(tasks: TaskGroup) -> None:
    async with talking() as (connection, server):
        reply = await begun(tasks, connection)
        await server.begin("r0", 0)
        reply.leave()
        await arrived()
        await server.tell(said("late", "r0"), done("r0", "cancelled"))
        assert reply.handle is not None
        assert [text async for text in reply.handle.text] == []
        assert [event async for event in reply.handle] == []
        types = [(await connection.receive()).type for _ in range(4)]
        assert types[2:] == ["response.output_text.delta", "response.done"]


# Loss


@pytest.mark.parametrize("phase", ["in line", "asked"])
async def test_loss_before_it_began(tasks: TaskGroup, phase: str) -> None:
    with pytest.raises(ConnectionClosed):
        async with talking() as (connection, server):
            if phase == "in line":
                await server.turn("vad")
            reply = await begun(tasks, connection)
            server.wire.end(1006)
            await arrived()
            assert isinstance(reply.error, ConnectionClosed)
            with pytest.raises(ConnectionClosed):
                async with connection.respond():
                    pytest.fail("the connection is over")
            raise reply.error


async def test_a_response_after_closing() -> None:
    async with talking() as (connection, _):
        await connection.close()
        with pytest.raises(ConnectionClosed):
            async with connection.respond():
                pytest.fail("the connection is closed")


async def test_leaving_after_the_loss(tasks: TaskGroup) -> None:
    async with talking(errors="deliver") as (connection, server):
        reply = await begun(tasks, connection)
        await server.begin("r0", 0)
        server.wire.end(1000, "server")
        await arrived()
        reply.leave()
        await arrived()
        assert reply.over
        assert reply.error is None
        assert server.cancels == []
