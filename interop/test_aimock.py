"""Against aimock, a Realtime server in Node with a WebSocket stack of its own.

This is 1.43.0, which speaks GA and refuses beta as OpenAI does. It deviates from the protocol
in places: that is what these tests are for.
"""

from __future__ import annotations

import anyio
import pytest

from anyrealtime import ConnectFailed, ConnectionClosed, ServerError, open_realtime
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    ConversationItemAdded,
    ConversationItemCreate,
    ErrorEvent,
    FunctionCall,
    FunctionCallOutput,
    InputAudioBufferClear,
    InputAudioBufferCleared,
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
    ResponseOutputTextDone,
    ResponseStatusDetails,
    ServerEvent,
    Session,
    SessionUpdate,
    TranscriptionSession,
    UnknownEvent,
)
from interop.aimock_talk import HELLO, TEXT_TURN, WEATHER, ask, say, speak_over, text_of, transcribe
from interop.transports import (
    KEY,
    LIMIT,
    TRANSPORTS,
    TransportName,
    connect,
    kinds,
    receive_until,
    step,
)

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


@step("text")
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


@step("function")
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


@step("text")
@TRANSPORTS
async def test_many_turns_on_one_connection(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        for _ in range(20):
            events, _ = await ask(connection, "hello")
            assert text_of(events) == HELLO


@step("vad")
@TRANSPORTS
async def test_a_transcription_session(aimock: str, transport: TransportName) -> None:
    await transcribe(aimock, transport)


@step("interruption")
@TRANSPORTS
async def test_speech_interrupts_nothing(aimock: str, transport: TransportName) -> None:
    await speak_over(aimock, transport)


@step("cancel")
@TRANSPORTS
async def test_events_of_its_own(aimock: str, transport: TransportName) -> None:
    async with connect(aimock, transport) as connection:
        await connection.send(ResponseCancel())
        events, _ = await receive_until(connection, UnknownEvent)
        assert events[-1].type == "response.cancelled"
        await connection.send(InputAudioBufferClear())
        await receive_until(connection, InputAudioBufferCleared)


# Errors


@step("error")
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


@step("error")
@TRANSPORTS
async def test_an_error_nobody_claims_is_raised(aimock: str, transport: TransportName) -> None:
    with pytest.raises(ServerError) as caught:
        async with connect(aimock, transport) as connection:
            await connection.send(UnknownEvent("x", b"{"))
            with anyio.fail_after(LIMIT):
                await anyio.sleep_forever()
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", "invalid_json")


@step("error")
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


@step("error")
@TRANSPORTS
async def test_a_session_that_is_refused_is_no_connection(
    aimock: str, transport: TransportName
) -> None:
    with pytest.raises(ConnectFailed, match="does not support session type") as caught:
        async with connect(aimock, transport, session=TranscriptionSession()):
            pytest.fail("it opened")
    assert (caught.value.code, caught.value.close_code) == ("invalid_session_config", None)


# Ends


@step("error")
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


@step("error")
@TRANSPORTS
async def test_a_close_with_a_reason(strict_aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectionClosed) as caught:
        async with connect(strict_aimock, transport) as connection:
            await ask(connection, "no such")
    assert (caught.value.code, caught.value.by) == (1008, "server")
    assert caught.value.reason == "Strict mode: no fixture matched"


# Openings that fail


@step("error")
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


@step("error")
@TRANSPORTS
async def test_the_beta_is_switched_off(aimock: str, transport: TransportName) -> None:
    with pytest.raises(ConnectFailed, match="no longer supported") as caught:
        async with connect(aimock, transport, dialect="beta"):
            pytest.fail("it opened")
    assert (caught.value.code, caught.value.close_code) == ("beta_api_shape_disabled", 4000)
