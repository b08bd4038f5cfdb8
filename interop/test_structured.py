"""Acknowledged commands, responses as scopes and the mirror, against servers that others wrote.

None of them echoes metadata, aimock leaves ids out of what it acknowledges and ignores what it
does not know: all of it must still find its way to the call that waits.
"""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import AckTimeout, Connection, ConnectionClosed, ResponseFailed, ServerError
from anyrealtime.events import (
    ConversationItemCreate,
    ErrorEvent,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputText,
    Item,
    Message,
    Session,
)
from interop.transports import LIMIT, TRANSPORTS, TransportName, connect, receive_until, step

HELLO = "Hello there! How can I help you today?"
WEATHER = FunctionTool(name="get_weather", parameters={"type": "object", "properties": {}})


def said(items: tuple[Item, ...]) -> list[tuple[str | None, str]]:
    """Role and text of each message."""
    return [
        (item.role, "".join(getattr(part, "text", None) or "" for part in item.content or []))
        for item in items
        if isinstance(item, Message)
    ]


@step("text")
@TRANSPORTS
async def test_asking(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        with anyio.fail_after(LIMIT):
            assert await connection.ask("hello") == HELLO
            assert await connection.ask("hello again") == HELLO
        assert said(connection.conversation.items) == [
            ("user", "hello"),
            ("assistant", HELLO),
            ("user", "hello again"),
            ("assistant", HELLO),
        ]


@step("text")
@TRANSPORTS
async def test_asking_in_the_beta_dialect(old_aimock: str, transport: TransportName) -> None:
    async with connect(old_aimock, transport, dialect="beta") as connection:
        with anyio.fail_after(LIMIT):
            assert await connection.ask("hello") == HELLO
        assert said(connection.conversation.items) == [("user", "hello"), ("assistant", HELLO)]


@step("text")
@TRANSPORTS
async def test_asking_fakeai(fakeai: str, transport: TransportName) -> None:
    session = Session(output_modalities=["text"])
    async with connect(fakeai, transport, session=session, dialect="beta") as connection:
        with anyio.fail_after(LIMIT):
            for _ in range(2):
                answer = await connection.ask("hello")
                assert said(connection.conversation.items)[-2:] == [
                    ("user", "hello"),
                    ("assistant", answer),
                ]


@step("function")
@TRANSPORTS
async def test_a_function_call(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport, session=Session(tools=[WEATHER])) as connection:
        with anyio.fail_after(LIMIT):
            await connection.conversation.item.create("weather")
            async with connection.respond() as response:
                [call] = [call async for call in response.function_calls]
                outcome = await response.result()
            assert outcome.status == "completed"
            assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')
            output = FunctionCallOutput(call_id=call.call_id, output="21 degrees")
            await connection.conversation.item.create(output)
            async with connection.respond() as response:
                text = "".join([delta async for delta in response.text])
            assert text == "It is 21 degrees in Paris."
        kinds = [type(item) for item in connection.conversation.items]
        assert kinds == [Message, FunctionCall, FunctionCallOutput, Message]


@TRANSPORTS
async def test_commands_come_back_with_their_answers(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        with anyio.fail_after(LIMIT):
            updated = await connection.session.update(Session(instructions="Be brief."))
            assert isinstance(updated, Session)
            assert updated.instructions == "Be brief."
            item = await connection.conversation.item.create("hello")
            assert item.content == [InputText(text="hello")]
            await connection.input_audio_buffer.append(bytes(4800))
            assert await connection.input_audio_buffer.commit() is None  # aimock names no item
            await connection.input_audio_buffer.clear()
            assert item.id is not None
            with pytest.raises(AckTimeout):  # aimock does not know this command, and is silent
                await connection.conversation.item.retrieve(item.id, timeout=0.2)


@step("error")
@TRANSPORTS
async def test_a_failed_response(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        with anyio.fail_after(LIMIT):
            with pytest.raises(ResponseFailed, match=r"Too many\.") as caught:
                await connection.ask("fail")
            assert caught.value.code == "rate_limit_exceeded"
            assert await connection.ask("hello") == HELLO


async def leave_early(connection: Connection) -> None:
    """Leave a response after its first words, which cancels it, and ask again."""
    with anyio.fail_after(LIMIT):
        slowly = Message(role="user", content=[InputText(text="slowly")])
        await connection.send(ConversationItemCreate(item=slowly))  # FakeAI gives it another id
        async with connection.respond() as response:
            async for _ in response.text:
                break
        assert await connection.ask("hello")


@step("cancel")
@TRANSPORTS
async def test_a_response_that_is_left_early(aimock: str, transport: TransportName) -> None:
    """aimock does not cancel: it says all of it, then an event of its own."""
    async with connect(aimock, transport) as connection:
        await leave_early(connection)


@step("cancel")
@TRANSPORTS
async def test_leaving_early_in_the_beta_dialect(old_aimock: str, transport: TransportName) -> None:
    async with connect(old_aimock, transport, dialect="beta") as connection:
        await leave_early(connection)


@step("cancel")
@TRANSPORTS
async def test_leaving_fakeai_early(fakeai: str, transport: TransportName) -> None:
    """It reads the cancel when it has said all of it, and then there is nothing to cancel."""
    session = Session(output_modalities=["text"])
    async with connect(
        fakeai, transport, session=session, dialect="beta", errors="deliver"
    ) as connection:
        await leave_early(connection)
        _, refused = await receive_until(connection, ErrorEvent)
        assert refused.error.message == "No response in progress to cancel"


@step("error")
@TRANSPORTS
async def test_a_connection_that_breaks_in_mid_answer(
    aimock: str, transport: TransportName
) -> None:
    async with connect(aimock, transport) as connection:
        with anyio.fail_after(LIMIT):
            with pytest.raises(ConnectionClosed) as caught:
                await connection.ask("truncate")
            assert (caught.value.code, caught.value.by) == (1006, "network")


@step("error")
@TRANSPORTS
async def test_an_answer_that_ends_in_an_error(fakeai: str, transport: TransportName) -> None:
    """FakeAI's audio: the response never ends, and the error names no command."""
    with pytest.raises(ServerError), anyio.fail_after(LIMIT):
        async with connect(fakeai, transport, dialect="beta") as connection:
            await connection.ask("hello", output_modalities=["audio"])
