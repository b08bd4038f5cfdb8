"""Against aimock, a Realtime server in Node with a WebSocket stack of its own.

1.43.0 speaks GA and refuses beta as OpenAI does; 1.42.1 speaks both, once its wrong handshake
is mended. It deviates from the protocol in places: that is what these tests are for.
"""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import ConnectFailed, Connection, ConnectionClosed, ServerError, open_realtime
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    AudioTranscription,
    BetaSession,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemInputAudioTranscriptionCompleted,
    ErrorEvent,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputText,
    InvalidEvent,
    Message,
    OutputText,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseStatusDetails,
    ServerEvent,
    Session,
    SessionUpdate,
    Text,
    TranscriptionSession,
    UnknownEvent,
)
from interop.transports import KEY, LIMIT, TRANSPORTS, TransportName, connect, kinds, receive_until

HELLO = "Hello there! How can I help you today?"
WEATHER = FunctionTool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
OPENING = ["session.created", "session.updated"]
TEXT_TURN = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


async def say(connection: Connection, text: str, item_id: str | None = None) -> None:
    """Send a user's message."""
    item = Message(id=item_id, role="user", content=[InputText(text=text)])
    await connection.send(ConversationItemCreate(item=item))


async def ask(connection: Connection, text: str) -> tuple[list[ServerEvent], ResponseDone]:
    """Send a user's message and receive up to the end of the response to it."""
    await say(connection, text)
    await connection.send(ResponseCreate())
    return await receive_until(connection, ResponseDone)


def text_of(events: list[ServerEvent]) -> str:
    """What the deltas say together."""
    return "".join(event.delta for event in events if isinstance(event, ResponseOutputTextDelta))


# GA


@TRANSPORTS
async def test_a_session_is_set_when_the_block_begins(
    aimock: str, transport: TransportName
) -> None:
    session = Session(
        instructions="Be brief.",
        output_modalities=["text"],
        tools=[WEATHER],
        audio=AudioConfig(input=AudioInput(turn_detection=None)),
    )
    async with connect(aimock, transport, session=session) as connection:
        current = connection.session.current
        assert isinstance(current, Session)
        assert (current.model, current.instructions) == ("gpt-realtime", "Be brief.")
        assert current.tools == [WEATHER]
        assert connection.session.id is not None
        assert connection.session.expires_at is not None


@TRANSPORTS
async def test_a_text_turn(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        await say(connection, "hello", "item_mine")
        _, added = await receive_until(connection, ConversationItemAdded)
        assert isinstance(added.item, Message)
        assert (added.item.id, added.item.content) == ("item_mine", [InputText(text="hello")])
        await connection.send(ResponseCreate())
        events, done = await receive_until(connection, ResponseDone)
    assert kinds(events) == TEXT_TURN
    assert text_of(events) == HELLO
    assert [event.text for event in events if isinstance(event, ResponseOutputTextDone)] == [HELLO]
    [created] = [event for event in events if isinstance(event, ResponseCreated)]
    assert created.response.id == done.response.id
    assert done.response.status == "completed"
    [item] = done.response.output or []
    assert isinstance(item, Message)
    assert item.content == [OutputText(text=HELLO)]


@TRANSPORTS
async def test_a_function_call_by_hand(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport, session=Session(tools=[WEATHER])) as connection:
        events, done = await ask(connection, "weather")
        [call] = done.response.output or []
        assert isinstance(call, FunctionCall)
        assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')
        deltas = [
            event for event in events if isinstance(event, ResponseFunctionCallArgumentsDelta)
        ]
        assert "".join(event.delta for event in deltas) == call.arguments
        [told] = [event for event in events if isinstance(event, ResponseFunctionCallArgumentsDone)]
        assert (told.call_id, told.arguments) == (call.call_id, call.arguments)

        output = FunctionCallOutput(call_id=call.call_id, output='{"degrees":21}')
        await connection.send(ConversationItemCreate(item=output))
        await connection.send(ResponseCreate())
        events, _ = await receive_until(connection, ResponseDone)
    assert text_of(events) == "It is 21 degrees in Paris."


@TRANSPORTS
async def test_many_turns_on_one_connection(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        for _ in range(20):
            events, _ = await ask(connection, "hello")
            assert text_of(events) == HELLO


@TRANSPORTS
async def test_a_transcription_session(aimock: str, transport: TransportName) -> None:
    session = TranscriptionSession(
        audio=AudioConfig(input=AudioInput(transcription=AudioTranscription(model="whisper-1")))
    )
    async with connect(aimock, transport, session=session, intent="transcription") as connection:
        assert isinstance(connection.session.current, TranscriptionSession)
        await connection.send(InputAudioBufferAppend(audio=bytes(4800)))
        await connection.send(InputAudioBufferCommit())
        events, completed = await receive_until(
            connection, ConversationItemInputAudioTranscriptionCompleted
        )
        assert completed.transcript == "good morning"
        [committed] = [event for event in events if isinstance(event, InputAudioBufferCommitted)]
        assert not committed.item_id  # aimock leaves it out


@TRANSPORTS
async def test_events_of_its_own(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        await connection.send(ResponseCancel())
        events, _ = await receive_until(connection, UnknownEvent)
        assert events[-1].type == "response.cancelled"
        await connection.send(InputAudioBufferClear())
        await receive_until(connection, InputAudioBufferCleared)


# Errors


@TRANSPORTS
async def test_a_response_that_fails(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        for text, code in [("fail", "rate_limit_exceeded"), ("no such", "no_fixture_match")]:
            _, done = await ask(connection, text)
            assert done.response.status == "failed"
            details = done.response.status_details
            assert isinstance(details, ResponseStatusDetails)
            assert details.error is not None
            assert details.error.code == code
        events, _ = await ask(connection, "hello")
        assert text_of(events) == HELLO


@TRANSPORTS
async def test_an_error_nobody_claims_is_raised(aimock: str, transport: TransportName) -> None:
    with pytest.raises(ServerError) as caught:
        async with connect(aimock, transport) as connection:
            await connection.send(UnknownEvent("x", b"{"))
            with anyio.fail_after(LIMIT):
                await anyio.sleep_forever()
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", "invalid_json")


@TRANSPORTS
async def test_an_error_is_an_event_where_it_is_wanted(
    aimock: str, transport: TransportName
) -> None:
    async with connect(aimock, transport, errors="deliver") as connection:
        await connection.send(SessionUpdate(session=TranscriptionSession()))
        _, refused = await receive_until(connection, ErrorEvent)
        assert refused.error.code == "invalid_session_config"
        events, _ = await ask(connection, "hello")
        assert text_of(events) == HELLO


@TRANSPORTS
async def test_a_session_that_is_refused_is_no_connection(
    aimock: str, transport: TransportName
) -> None:
    with pytest.raises(ConnectFailed, match="does not support session type") as caught:
        async with connect(aimock, transport, session=TranscriptionSession()):
            pytest.fail("it opened")
    assert (caught.value.code, caught.value.close_code) == ("invalid_session_config", None)


# Ends


@TRANSPORTS
@pytest.mark.parametrize("text", ["truncate", "vanish"])
async def test_a_server_that_vanishes_in_mid_response(
    aimock: str, transport: TransportName, text: str
) -> None:
    events: list[ServerEvent] = []
    with pytest.raises(ConnectionClosed) as caught, anyio.fail_after(LIMIT):
        async with connect(aimock, transport) as connection:
            await say(connection, text)
            await connection.send(ResponseCreate())
            async for event in connection:
                assert not isinstance(event, InvalidEvent)
                events.append(event)
    assert (caught.value.code, caught.value.by) == (1006, "network")
    said = text_of(events)
    assert said
    assert "one two three four five six".startswith(said)
    if text == "truncate":
        assert said == "one two thre"


@TRANSPORTS
async def test_a_close_with_a_reason(strict_aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with connect(strict_aimock, transport) as connection:
            await ask(connection, "no such")
    assert (caught.value.code, caught.value.by) == (1008, "server")
    assert caught.value.reason == "Strict mode: no fixture matched"


# Openings that fail


@TRANSPORTS
async def test_a_key_that_is_refused_with_a_status(
    locked_aimock: str, transport: TransportName
) -> None:
    with pytest.raises(ConnectFailed) as caught:
        async with connect(locked_aimock, transport):
            pytest.fail("it opened")
    assert caught.value.status == 401
    assert caught.value.code == "invalid_api_key"
    assert KEY not in str(caught.value)
    async with open_realtime(
        "m", base_url=locked_aimock, api_key="another", transport=transport, proxy=False
    ) as connection:
        events, _ = await ask(connection, "hello")
        assert text_of(events) == HELLO


@TRANSPORTS
async def test_the_beta_is_switched_off(aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectFailed, match="no longer supported") as caught:
        async with connect(aimock, transport, dialect="beta"):
            pytest.fail("it opened")
    assert (caught.value.code, caught.value.close_code) == ("beta_api_shape_disabled", 4000)


@TRANSPORTS
async def test_a_wrong_handshake(wrong_aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectFailed, match="did not answer as a WebSocket server") as caught:
        async with connect(wrong_aimock, transport):
            pytest.fail("it opened")
    assert "accept" in str(caught.value).lower()
    assert (caught.value.status, caught.value.close_code) == (None, None)


# 1.42.1, mended


@TRANSPORTS
async def test_an_older_server(old_aimock: str, transport: TransportName) -> None:
    async with connect(old_aimock, transport, session=Session(tools=[WEATHER])) as connection:
        events, _ = await ask(connection, "hello")
        assert kinds(events) == [*OPENING, "conversation.item.added", *TEXT_TURN]
        assert text_of(events) == HELLO


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
