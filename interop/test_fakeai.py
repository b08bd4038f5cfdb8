"""Against FakeAI, a beta server on FastAPI: random words, and every absent field sent as null."""

from __future__ import annotations

import pytest

from anyrealtime import ServerError
from anyrealtime.events import (
    BetaSession,
    ConversationItemCreate,
    ConversationItemCreated,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemRetrieve,
    ErrorEvent,
    FunctionTool,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputText,
    Message,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    ResponseTextDelta,
    ResponseTextDone,
    Session,
)
from interop.transports import TRANSPORTS, TransportName, connect, kinds, receive_until, step

TEXT = Session(instructions="Be brief.", output_modalities=["text"])
AUDIO = Session(output_modalities=["audio"])


@TRANSPORTS
async def test_a_session_in_ga_words(fakeai: str, transport: TransportName) -> None:
    async with connect(fakeai, transport, session=TEXT, dialect="beta") as connection:
        current = connection.session.current
        assert isinstance(current, BetaSession)
        assert (current.instructions, current.modalities) == ("Be brief.", ["text"])
        assert connection.session.id is not None
        assert connection.session.expires_at is not None


@step("text")
@TRANSPORTS
async def test_a_text_turn(fakeai: str, transport: TransportName) -> None:
    async with connect(fakeai, transport, session=TEXT, dialect="beta") as connection:
        item = Message(role="user", content=[InputText(text="Hello")])
        await connection.send(ConversationItemCreate(item=item))
        _, created = await receive_until(connection, ConversationItemCreated)
        assert isinstance(created.item, Message)
        assert created.item.content == [InputText(text="Hello")]
        await connection.send(ResponseCreate())
        events, done = await receive_until(connection, ResponseDone)
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "response.content_part.added",
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    deltas = [event.delta for event in events if isinstance(event, ResponseTextDelta)]
    assert len(deltas) > 1
    [told] = [event for event in events if isinstance(event, ResponseTextDone)]
    assert not told.text  # FakeAI puts the text into `delta`
    assert done.response.status == "completed"
    [said] = done.response.output or []
    assert isinstance(said, Message)
    assert [getattr(part, "text", None) for part in said.content or []] == ["".join(deltas)]


@step("error")
@TRANSPORTS
async def test_an_audio_turn_ends_in_an_error(fakeai: str, transport: TransportName) -> None:
    """It fails at the audio; an error that names no command is the program's to hear of."""
    with pytest.raises(ServerError) as caught:
        async with connect(fakeai, transport, session=AUDIO, dialect="beta") as connection:
            await connection.send(ResponseCreate())
            await receive_until(connection, ResponseDone)
    assert caught.value.type == "server_error"


@step("error")
@TRANSPORTS
async def test_an_audio_turn_to_those_who_want_its_errors(
    fakeai: str, transport: TransportName
) -> None:
    async with (
        connect(fakeai, transport, session=AUDIO, dialect="beta") as connection,
        connection.subscribe(ErrorEvent) as errors,
    ):
        await connection.send(InputAudioBufferAppend(audio=bytes(9600)))
        await connection.send(InputAudioBufferCommit())
        await receive_until(connection, InputAudioBufferCommitted)
        await connection.send(ResponseCreate())
        events, refused = await receive_until(connection, ErrorEvent)
        assert await errors.receive() is refused
        assert kinds(events)[-2:] == ["response.content_part.added", "error"]
        await connection.send(InputAudioBufferClear())  # the connection outlives it
        await receive_until(connection, InputAudioBufferCleared)


@step("error")
@TRANSPORTS
async def test_commands_and_their_answers(fakeai: str, transport: TransportName) -> None:
    async with connect(
        fakeai, transport, session=TEXT, dialect="beta", errors="deliver"
    ) as connection:
        item = Message(role="user", content=[InputText(text="Hello")])
        await connection.send(ConversationItemCreate(item=item))
        _, created = await receive_until(connection, ConversationItemCreated)
        assert created.item is not None
        item_id = getattr(created.item, "id", None)
        assert isinstance(item_id, str)
        await connection.send(ConversationItemRetrieve(item_id=item_id))
        _, refused = await receive_until(connection, ErrorEvent)
        assert refused.error.code == "unknown_event"  # it has no such command
        await connection.send(ConversationItemDelete(item_id=item_id))
        _, deleted = await receive_until(connection, ConversationItemDeleted)
        assert deleted.item_id == item_id


@step("function")
@TRANSPORTS
async def test_a_function_is_not_called(fakeai: str, transport: TransportName) -> None:
    """It says something else instead."""
    weather = FunctionTool(name="get_weather", description="The weather.", parameters={})
    session = Session(output_modalities=["text"], tools=[weather])
    async with connect(fakeai, transport, session=session, dialect="beta") as connection:
        await connection.send(ResponseCreate(response=ResponseCreateParams(tool_choice="required")))
        _, done = await receive_until(connection, ResponseDone)
    assert [type(item) for item in done.response.output or []] == [Message]


@step("vad")
@TRANSPORTS
async def test_an_audio_turn(fakeai: str, transport: TransportName) -> None:
    """Speech begins with the third append, whatever is in it, and ends with the commit."""
    async with connect(fakeai, transport, session=TEXT, dialect="beta") as connection:
        for _ in range(3):
            await connection.send(InputAudioBufferAppend(audio=bytes(4800)))
        await receive_until(connection, InputAudioBufferSpeechStarted)
        await connection.send(InputAudioBufferCommit())
        events, _ = await receive_until(connection, InputAudioBufferCommitted)
        assert kinds(events) == [
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
        ]
        await connection.send(ResponseCreate())
        _, done = await receive_until(connection, ResponseDone)
    assert done.response.status == "completed"


@step("interruption")
@TRANSPORTS
async def test_speech_interrupts_nothing(fakeai: str, transport: TransportName) -> None:
    """It reads nothing while it answers."""
    async with connect(fakeai, transport, session=TEXT, dialect="beta") as connection:
        await connection.send(ResponseCreate())
        for _ in range(3):
            await connection.send(InputAudioBufferAppend(audio=bytes(4800)))
        events, done = await receive_until(connection, ResponseDone)
        assert done.response.status == "completed"
        assert "input_audio_buffer.speech_started" not in kinds(events)
        await receive_until(connection, InputAudioBufferSpeechStarted)
