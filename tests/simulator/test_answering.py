"""Answers over a real socket: every piece a model may yield, voices, and listening."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import cast

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.events import McpCall
from anyrealtime.simulator import (
    ContentFiltered,
    FunctionCallRequest,
    McpCallRequest,
    ModelFailure,
    ModelRequest,
    NewMessage,
    RemoteTool,
    Said,
    Thought,
    Transcript,
    open_simulator,
)
from tests.simulator.client import Client, dial
from tests.simulator.schemas import Json

TRANSCRIBED = {
    "type": "realtime",
    "output_modalities": ["text"],
    "audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-4o-transcribe"}}},
}
TRANSCRIPTION = "conversation.item.input_audio_transcription."


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


def deltas(events: list[Json], kind: str) -> list[str]:
    return [event["delta"] for event in events if event["type"] == f"response.{kind}.delta"]


def sound(events: list[Json]) -> bytes:
    return b"".join(base64.b64decode(delta) for delta in deltas(events, "output_audio"))


async def respond(client: Client, **response: object) -> list[Json]:
    await client.send("response.create", response=response)
    return await client.until("response.done")


async def talk(client: Client, audio: bytes = bytes(9_600)) -> None:
    await client.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())
    await client.send("input_audio_buffer.commit")


async def test_sound_of_the_models_own() -> None:
    def model(_: ModelRequest) -> Iterator[Said]:
        yield Transcript("Hm, hm.")
        yield b"\1\2\3\4"
        yield NewMessage()
        yield "Spoken."

    def voice(text: str, voice: str, speed: float, /) -> bytes:
        return f"{text} {voice} {speed}.".encode()

    with anyio.fail_after(10):
        async with open_simulator(model=model, voice=voice) as simulator:
            async with dial(simulator.url) as client:
                events = await respond(client, audio={"output": {"voice": "marin"}})
                assert sound(events) == b"\1\2\3\4Spoken. marin 1.0."
                first, second = events[-1]["response"]["output"]
                assert first["content"][0]["transcript"] == "Hm, hm."
                assert second["content"][0]["transcript"] == "Spoken."
                events = await respond(client, output_modalities=["text"])
                assert sound(events) == b""
                first, second = events[-1]["response"]["output"]
                assert first["content"][0]["text"] == "Hm, hm."


async def test_a_voice_speaks_sentence_by_sentence_and_may_take_its_time() -> None:
    asked: list[str] = []

    async def voice(text: str, voice: str, speed: float, /) -> bytes:
        await checkpoint()
        asked.append(text)
        return b"\0\0"

    words = ["One ", "two. ", "Three", " four. Five"]
    with anyio.fail_after(10):
        async with open_simulator(model=lambda _: words, voice=voice) as simulator:
            async with dial(simulator.url) as client:
                events = await respond(client)
    assert asked == ["One two. ", "Three four. ", "Five"]
    assert sound(events) == b"\0\0" * 3
    assert "".join(deltas(events, "output_audio_transcript")) == "One two. Three four. Five"


async def _streamed() -> AsyncIterator[str]:
    for piece in ('{"ci', 'ty":"Pa', 'ris"}'):
        await checkpoint()
        yield piece


async def test_arguments_whole_and_in_pieces() -> None:
    def model(_: ModelRequest) -> Iterator[Said]:
        yield FunctionCallRequest("f", {"city": "Paris"}, "call_1")
        yield FunctionCallRequest("f", '{"cut', "call_2")
        yield FunctionCallRequest("f", ['{"city":', '"Paris"}'], "call_3")
        yield FunctionCallRequest("f", _streamed(), "call_4")

    with anyio.fail_after(10):
        async with open_simulator(model=model) as simulator, dial(simulator.url) as client:
            events = await respond(client)
    calls = events[-1]["response"]["output"]
    assert [call["call_id"] for call in calls] == ["call_1", "call_2", "call_3", "call_4"]
    texts = [call["arguments"] for call in calls]
    assert texts[1] == '{"cut'
    assert [json.loads(texts[index]) for index in (0, 2, 3)] == [{"city": "Paris"}] * 3
    by_item = [
        [
            event["delta"]
            for event in events
            if event["type"] == "response.function_call_arguments.delta"
            and event["item_id"] == call["id"]
        ]
        for call in calls
    ]
    assert by_item == [
        ['{"', "city", '":"', "Paris", '"}'],
        ['{"', "cut"],
        ['{"city":', '"Paris"}'],
        ['{"ci', 'ty":"Pa', 'ris"}'],
    ]


async def test_arguments_that_stream_end_with_their_response() -> None:
    closed = anyio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                await checkpoint()
                yield '"more",'
        finally:
            closed.set()

    with anyio.fail_after(10):
        async with (
            open_simulator(model=lambda _: FunctionCallRequest("f", endless())) as simulator,
            dial(simulator.url) as client,
        ):
            events = await respond(client, max_output_tokens=20)
            assert events[-1]["response"]["status"] == "incomplete"
            await closed.wait()
            await client.send("response.create")
            await client.wait("response.function_call_arguments.delta")
            await client.send("response.cancel")
            done = await client.wait("response.done")
            assert done["response"]["status"] == "cancelled"


async def test_what_is_no_piece_is_refused() -> None:
    with anyio.fail_after(10):
        with pytest.raises(TypeError, match="not 7"):
            async with (
                open_simulator(model=lambda _: [cast("Said", 7)]) as simulator,
                dial(simulator.url) as client,
            ):
                events = await respond(client)
                assert events[-1]["response"]["status"] == "failed"


async def test_a_transcription_comes_late_and_in_words() -> None:
    go_on = anyio.Event()
    asked: list[str] = []

    async def recogniser(audio: bytes, scripted: str | None, /) -> str:
        await go_on.wait()
        return f"{len(audio)} bytes heard"

    def model(request: ModelRequest) -> str:
        asked.append(request.text)
        return "Yes."

    with anyio.fail_after(10):
        async with open_simulator(model=model, recogniser=recogniser) as simulator:
            async with dial(simulator.url) as client:
                await client.send("session.update", session=TRANSCRIBED)
                await talk(client)
                await client.wait("conversation.item.done")
                await client.send("input_audio_buffer.clear")
                # The rest of the session goes on while it listens.
                assert (await client.receive())["type"] == "input_audio_buffer.cleared"
                go_on.set()
                events = await client.until(f"{TRANSCRIPTION}completed")
                assert [event["type"] for event in events] == [
                    *[f"{TRANSCRIPTION}delta"] * 3,
                    f"{TRANSCRIPTION}completed",
                ]
                assert "".join(event["delta"] for event in events[:3]) == "9600 bytes heard"
                assert events[-1]["transcript"] == "9600 bytes heard"
                await respond(client)
    assert asked == ["9600 bytes heard"]


async def test_the_model_has_the_words_though_the_client_did_not_ask_for_them() -> None:
    with anyio.fail_after(10):
        async with open_simulator(
            model=lambda request: request.text, recogniser=lambda _, __: "Good morning."
        ) as simulator:
            async with dial(simulator.url) as client:
                await talk(client)
                events = await respond(client, output_modalities=["text"])
                assert "".join(deltas(events, "output_text")) == "Good morning."
                await client.send("input_audio_buffer.clear")
                events = await client.until("input_audio_buffer.cleared")
                assert not any(event["type"].startswith(TRANSCRIPTION) for event in events)


async def test_a_recogniser_that_fails_on_purpose() -> None:
    def recogniser(audio: bytes, scripted: str | None, /) -> str:
        raise ModelFailure("Too noisy.", code="audio_unintelligible")

    with anyio.fail_after(10):
        async with open_simulator(recogniser=recogniser) as simulator:
            async with dial(simulator.url) as client:
                await client.send("session.update", session=TRANSCRIBED)
                await talk(client)
                failed = await client.wait(f"{TRANSCRIPTION}failed")
                assert failed["error"]["code"] == "audio_unintelligible"
                events = await respond(client)
                assert "I heard 0.2 seconds" in "".join(deltas(events, "output_text"))


async def test_a_broken_recogniser_is_raised_at_the_end() -> None:
    def recogniser(audio: bytes, scripted: str | None, /) -> str:
        raise ValueError("my recogniser is broken")

    with anyio.fail_after(10):
        with pytest.raises(ValueError, match="my recogniser is broken"):
            async with open_simulator(recogniser=recogniser) as simulator:
                async with dial(simulator.url) as client:
                    await client.send("session.update", session=TRANSCRIBED)
                    await talk(client)
                    failed = await client.wait(f"{TRANSCRIPTION}failed")
                    assert failed["error"]["type"] == "server_error"


def docs(request: ModelRequest) -> Iterator[Said]:
    """Search when asked to, then report what was found."""
    last = request.items[-1]
    if isinstance(last, McpCall):
        yield f"It says: {last.output}."
    else:
        assert [tool.name for tool in request.mcp_tools["docs"]] == ["search"]
        yield McpCallRequest("docs", "search", {"q": request.text})


async def search(arguments: Mapping[str, object]) -> str:
    await checkpoint()
    return f"all about {arguments['q']}"


async def test_a_tool_of_a_server_is_called_here() -> None:
    servers = {"docs": [RemoteTool(name="search", call=search)]}
    tool = {
        "type": "mcp",
        "server_label": "docs",
        "server_url": "https://docs.example",
        "require_approval": "never",
    }
    with anyio.fail_after(10):
        async with (
            open_simulator(model=docs, mcp=servers) as simulator,
            dial(simulator.url) as client,
        ):
            session = {"type": "realtime", "tools": [tool], "output_modalities": ["text"]}
            await client.send("session.update", session=session)
            await client.wait("mcp_list_tools.completed")
            await client.wait("conversation.item.done")
            await client.say("tea")
            await client.send("response.create")
            done = await client.wait("conversation.item.done")
            while done["item"]["type"] != "mcp_call":
                done = await client.wait("conversation.item.done")
            assert done["item"]["output"] == "all about tea"
            await client.send("response.create")
            answer = (await client.wait("response.done"))["response"]["output"][0]
            assert answer["content"][0]["text"] == "It says: all about tea."


async def test_a_model_may_be_stopped_by_a_filter() -> None:
    def model(_: ModelRequest) -> Iterator[Said]:
        yield Thought("Should I?")
        yield NewMessage("commentary")
        yield "I could tell you"
        raise ContentFiltered

    with anyio.fail_after(10):
        async with open_simulator(model=model) as simulator, dial(simulator.url) as client:
            await client.send("response.create")
            response = (await client.wait("response.done"))["response"]
            assert response["status_details"]["reason"] == "content_filter"
            assert response["output"][0]["phase"] == "commentary"
