"""Against aimock 1.42.1: its handshake is wrong; once that is mended it speaks GA and beta."""

from __future__ import annotations

import pytest

from anyrealtime import ConnectFailed
from anyrealtime.events import (
    BetaSession,
    ConversationItemCreate,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ResponseCreate,
    ResponseDone,
    ResponseOutputItemDone,
    Session,
    Text,
)
from interop.aimock_talk import (
    HELLO,
    OPENING,
    TEXT_TURN,
    WEATHER,
    ask,
    speak_over,
    text_of,
    transcribe,
)
from interop.transports import TRANSPORTS, TransportName, connect, kinds, receive_until, step


@step("error")
@TRANSPORTS
async def test_a_wrong_handshake(wrong_aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectFailed, match="did not answer as a WebSocket server") as caught:
        async with connect(wrong_aimock, transport):
            pytest.fail("it opened")
    assert "accept" in str(caught.value).lower()
    assert (caught.value.status, caught.value.close_code) == (None, None)


@step("text")
@TRANSPORTS
async def test_an_older_server(old_aimock: str, transport: TransportName) -> None:
    async with connect(old_aimock, transport, session=Session(tools=[WEATHER])) as connection:
        events, _ = await ask(connection, "hello")
        assert kinds(events) == [*OPENING, "conversation.item.added", *TEXT_TURN]
        assert text_of(events) == HELLO


@step("vad")
@TRANSPORTS
async def test_an_older_transcription_session(old_aimock: str, transport: TransportName) -> None:
    await transcribe(old_aimock, transport)


@step("interruption")
@TRANSPORTS
async def test_speech_interrupts_nothing_older(old_aimock: str, transport: TransportName) -> None:
    await speak_over(old_aimock, transport)


@step("text")
@TRANSPORTS
async def test_a_beta_text_turn(old_aimock: str, transport: TransportName) -> None:
    session = Session(instructions="Be brief.", output_modalities=["text"])
    async with connect(old_aimock, transport, session=session, dialect="beta") as connection:
        current = connection.session.current
        assert isinstance(current, BetaSession)
        assert (current.instructions, current.modalities) == ("Be brief.", ["text"])
        events, done = await ask(connection, "hello")
    assert kinds(events) == [
        *OPENING,
        "conversation.item.created",
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert text_of(events) == HELLO
    [item] = done.response.output or []
    assert isinstance(item, Message)
    assert item.content == [Text(text=HELLO)]


@step("function")
@TRANSPORTS
async def test_a_beta_function_call_by_hand(old_aimock: str, transport: TransportName) -> None:
    session = Session(tools=[WEATHER])
    async with connect(old_aimock, transport, session=session, dialect="beta") as connection:
        events, _ = await ask(connection, "weather")
        [done] = [event for event in events if isinstance(event, ResponseOutputItemDone)]
        assert isinstance(done.item, FunctionCall)
        assert (done.item.name, done.item.arguments) == ("get_weather", '{"city":"Paris"}')
        output = FunctionCallOutput(call_id=done.item.call_id, output='{"degrees":21}')
        await connection.send(ConversationItemCreate(item=output))
        await connection.send(ResponseCreate())
        events, _ = await receive_until(connection, ResponseDone)
    assert text_of(events) == "It is 21 degrees in Paris."
