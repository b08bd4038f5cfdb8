"""A server that answers as recorded: every recording at hand, by the library's own client."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from anyrealtime import ConfigurationError, ConnectionClosed, RequestError, open_realtime
from anyrealtime.events import (
    BetaSession,
    FunctionCallOutput,
    FunctionTool,
    ResponseCancel,
    Session,
    SessionUpdate,
)
from anyrealtime.simulator import RecordingError, read_recording
from anyrealtime.testing import (
    ReplayMismatch,
    ReplayServer,
    open_memory_simulator,
    record_to,
    replay,
)
from tests.testing.recordings import (
    ALL,
    LIMIT,
    SAMPLES,
    SHARED,
    received,
    received_in,
    sent,
    walk,
    write,
)

# All recordings


def hashed(path: Path) -> bool:
    """Whether the audio of a recording is unknown, so that nobody can send it again."""
    return "sha256" in path.read_text()


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
async def test_the_program_gets_what_was_recorded(path: Path) -> None:
    [session] = read_recording(path)
    async with replay(path) as server:
        assert await walk(session, server) == received_in(session)
        assert not server.unexpected


@pytest.mark.parametrize(
    "path", [path for path in ALL if not hashed(path)], ids=lambda path: path.stem
)
async def test_a_client_that_does_what_was_recorded_passes_strictly(path: Path) -> None:
    [session] = read_recording(path)
    async with replay(path, strict=True) as server:
        assert await walk(session, server) == received_in(session)


def test_there_are_recordings_of_our_own() -> None:
    assert len(list(SAMPLES.glob("*.jsonl"))) >= 3


# Programs that are not the recorded one

TEXT_TURNS = [
    ("test_openai_ws__test_text_in_audio_out_turn", "Hi there!"),
    ("test_azure_ws__test_text_in_audio_out_turn", "Hello there! Great to meet you!"),
    ("test_xai_ws__test_text_in_audio_out_turn", "Hello there!"),
    ("test_azure_voice_live_ws__test_text_in_audio_out_turn", "Hola, ¿qué tal?"),
    ("other-servers/aimock-1.43.0__ga_text", "Hello there! How can I help you today?"),
]
TOOL_ROUNDS = [
    "test_openai_ws__test_tool_call_round",
    "test_azure_ws__test_tool_call_round",
    "test_xai_ws__test_tool_call_round",
    "test_azure_voice_live_ws__test_tool_call_round",
    "other-servers/aimock-1.43.0__ga_function",
]
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="no recordings at hand")


def shared(name: str) -> Path:
    return SHARED / f"{name}.jsonl"


async def ask(server: ReplayServer, name: str) -> str:
    beta = "voice_live" in name
    session = BetaSession(instructions="?") if beta else Session(instructions="?")
    async with open_realtime(
        "m", base_url=server.base_url, session=session, dialect="beta" if beta else "ga"
    ) as connection:
        return await connection.ask("What I say is another thing.")


@needs_shared
@pytest.mark.parametrize(("name", "answer"), TEXT_TURNS)
async def test_a_turn_in_text(name: str, answer: str) -> None:
    """The recorded client sent item and request at once; this one waits in between."""
    with anyio.fail_after(LIMIT):
        async with replay(shared(name)) as server:
            assert await ask(server, name) == answer
            assert not server.unexpected


async def tool_round(server: ReplayServer, name: str) -> str:
    beta = "voice_live" in name
    session = BetaSession(instructions="?") if beta else Session(instructions="?")
    async with open_realtime(
        "m", base_url=server.base_url, session=session, dialect="beta" if beta else "ga"
    ) as connection:
        await connection.conversation.item.create("How is the weather?")
        async with connection.respond() as response:
            [call] = [call async for call in response.function_calls]
            await response.result()
        assert call.name == "get_weather"
        output = FunctionCallOutput(call_id=call.call_id, output="Rain.")
        await connection.conversation.item.create(output)
        async with connection.respond() as response:
            return "".join([piece async for piece in response.transcript])


@needs_shared
@pytest.mark.parametrize("name", TOOL_ROUNDS)
async def test_a_tool_round(name: str) -> None:
    """The recorded client sent the output before the response was done; this one after."""
    with anyio.fail_after(LIMIT):
        async with replay(shared(name)) as server:
            await tool_round(server, name)
            assert not server.unexpected


@needs_shared
async def test_seeding_a_history() -> None:
    with anyio.fail_after(LIMIT):
        async with replay(shared("test_openai_ws__test_message_history_seeding")) as server:
            async with open_realtime(
                "m", base_url=server.base_url, session=Session(instructions="?")
            ) as connection:
                for said in ("My name is Ada.", "Hello Ada!"):
                    await connection.conversation.item.create(said)
                assert await connection.ask("What is my name?")
                assert len(connection.conversation.items) == 4
            assert not server.unexpected


# Our own, recorded and replayed

WEATHER = FunctionTool(
    name="get_weather",
    description="The weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
)


async def ask_for_the_weather(server: ReplayServer) -> str:
    """The program with which the sample was recorded."""
    session = Session(output_modalities=["text"], tools=[WEATHER])
    async with open_realtime(
        "gpt-realtime", base_url=server.base_url, session=session
    ) as connection:
        await connection.conversation.item.create("What is the weather in Oslo?")
        async with connection.respond() as response:
            [call] = [call async for call in response.function_calls]
            await response.result()
        output = FunctionCallOutput(call_id=call.call_id, output="Foggy, 3 degrees.")
        await connection.conversation.item.create(output)
        async with connection.respond() as response:
            return "".join([piece async for piece in response.text])


@pytest.mark.parametrize("strict", [False, True])
async def test_the_same_program_again(strict: bool) -> None:
    """Its ids are others, and it must not notice."""
    with anyio.fail_after(LIMIT):
        async with replay(SAMPLES / "tool_round.jsonl", strict=strict) as server:
            assert await ask_for_the_weather(server) == "It is foggy in Oslo."
            assert not server.unexpected


async def test_silence_in_the_place_of_what_was_said() -> None:
    with anyio.fail_after(LIMIT):
        async with replay(SAMPLES / "spoken_answer.jsonl") as server:
            async with open_realtime("gpt-realtime", base_url=server.base_url) as connection:
                await connection.conversation.item.create("Hello!")
                async with connection.respond() as response:
                    sound = b"".join([chunk async for chunk in response.audio])
    assert len(sound) > 4800
    assert not any(sound)


async def test_a_recording_of_two_connections(tmp_path: Path) -> None:
    path = tmp_path / "two.jsonl"
    answers: list[str] = []
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator(model=lambda request: f"You said {request.text}") as real:
            with record_to(path) as recorder:
                for said in ("one", "two"):
                    async with open_realtime(transport=real.connect(), tap=recorder) as connection:
                        answers.append(await connection.ask(said))
        async with replay(path) as server:
            for answer in (*answers, *answers):
                async with open_realtime("m", base_url=server.base_url) as connection:
                    assert await connection.ask("whatever") == answer
    assert len(set(answers)) == 2


# What was not recorded


async def test_a_command_that_was_not_recorded_is_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, received("session.created", session={}))
    with anyio.fail_after(LIMIT):
        async with replay(path) as server:
            async with open_realtime("m", base_url=server.base_url) as connection:
                with pytest.raises(
                    RequestError, match=r"no answer to this session\.update"
                ) as caught:
                    await connection.session.update(Session(instructions="?"))
                assert caught.value.code == "not_recorded"
                await connection.send(ResponseCancel())
            update, cancel = server.unexpected
    assert isinstance(update, SessionUpdate)
    assert isinstance(cancel, ResponseCancel)


# Strict


async def test_strict_shows_what_the_client_did_instead() -> None:
    with anyio.fail_after(LIMIT), pytest.raises(ReplayMismatch) as caught:
        async with replay(SAMPLES / "tool_round.jsonl", strict=True) as server:
            session = Session(output_modalities=["text"], tools=[WEATHER])
            async with open_realtime("m", base_url=server.base_url, session=session) as connection:
                await connection.ask("What is the weather in Bergen?")
    message = str(caught.value)
    assert "the client's frame 2 is not the one that was recorded" in message
    assert '-        "text": "What is the weather in Oslo?"' in message
    assert '+        "text": "What is the weather in Bergen?"' in message
    lost = caught.value.__cause__
    assert isinstance(lost, ConnectionClosed)
    assert (lost.code, lost.reason) == (4400, "not as recorded")


async def test_strict_misses_what_was_not_said(tmp_path: Path) -> None:
    path = write(tmp_path, received("session.created", session={}), sent("response.create"))
    with anyio.fail_after(LIMIT):
        with pytest.raises(ReplayMismatch, match=r'without sending:\n-\{ "type": "response\.cr'):
            async with replay(path, strict=True) as server:
                async with open_realtime("m", base_url=server.base_url):
                    pass
        with pytest.raises(ReplayMismatch, match="no client came"):
            async with replay(path, strict=True):
                pass


async def test_the_blocks_own_error_is_not_hidden(tmp_path: Path) -> None:
    path = write(tmp_path, received("session.created", session={}), sent("response.create"))
    for strict in (False, True):
        with pytest.raises(KeyError) as caught:
            async with replay(path, strict=strict):
                raise KeyError("mine")
        assert caught.value.__cause__ is None


# Arguments


@pytest.mark.parametrize("speed", [0, -1.0, float("inf"), float("nan"), "slow", True])
async def test_a_wrong_speed(speed: object) -> None:
    with pytest.raises(ConfigurationError, match='speed= must be "recorded", a positive number'):
        async with replay(SAMPLES / "tool_round.jsonl", speed=speed):  # type: ignore[arg-type]
            pytest.fail("the block began")


async def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with replay(tmp_path / "missing"):
            pytest.fail("the block began")
    path = tmp_path / "other"
    path.write_text("{}\n")
    with pytest.raises(RecordingError, match="line 1"):
        async with replay(path):
            pytest.fail("the block began")


async def test_what_it_is() -> None:
    async with replay(SAMPLES / "tool_round.jsonl") as server:
        assert server.url.startswith("ws://127.0.0.1:")
        assert server.base_url.endswith("/v1")
        assert repr(server) == f"<ReplayServer {server.url} 0 connections>"
        assert not server.unexpected
