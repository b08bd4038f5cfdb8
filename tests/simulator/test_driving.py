"""What the rules decide, carried out over a real socket: paced, cancelled, held back, ended."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.simulator import (
    FunctionCallRequest,
    Model,
    ModelRequest,
    Said,
    open_simulator,
)
from tests.simulator.client import ask, dial
from tests.simulator.driver import kinds

TEXT = {"output_modalities": ["text"]}
BETA_HEADER = [("OpenAI-Beta", "realtime=v1")]


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


async def test_models_of_every_kind() -> None:
    seen: list[ModelRequest] = []

    def generator(request: ModelRequest) -> Iterator[Said]:
        seen.append(request)
        yield "one "
        yield "two"

    async def async_generator(request: ModelRequest) -> AsyncIterator[Said]:
        await checkpoint()
        yield "one "
        yield FunctionCallRequest("f", {"a": 1})

    cases: list[tuple[Model, list[str], int | None]] = [
        (generator, ["one", " ", "two"], 1),
        (generator, ["one ", "two"], None),
        (async_generator, ["one", " "], 1),
        (lambda _: "one two three", ["one two", " three"], 2),
        (lambda _: ["one"], ["one"], 1),
        (lambda _: [], [], 1),
    ]
    with anyio.fail_after(10):
        for model, said, words in cases:
            async with (
                open_simulator(model=model, words_per_delta=words) as simulator,
                dial(simulator.url) as client,
            ):
                events = await ask(client, "What?", **TEXT, metadata={"key": "value"})
                assert [event["delta"] for event in events if "text.delta" in event["type"]] == said
    assert seen[0].text == "What?"
    assert seen[0].modality == "text"
    assert seen[0].metadata == {"key": "value"}


async def test_a_response_is_cancelled_between_two_deltas() -> None:
    ended = anyio.Event()

    async def endless(_: ModelRequest) -> AsyncIterator[Said]:
        try:
            while True:
                await checkpoint()
                yield "on and on "
        finally:
            ended.set()

    with anyio.fail_after(10):
        for pace in (0.0, 3600.0):
            async with (
                open_simulator(model=endless, pace=pace) as simulator,
                dial(simulator.url) as client,
            ):
                await client.send("response.create", response=TEXT)
                await client.wait("response.output_text.delta")
                await client.send("response.cancel")
                done = await client.wait("response.done")
                assert done["response"]["status"] == "cancelled"
                await ended.wait()
                await client.send("input_audio_buffer.clear")
                assert kinds(await client.until("input_audio_buffer.cleared")) == [
                    "rate_limits.updated",
                    "input_audio_buffer.cleared",
                ]


async def test_a_silent_model_is_cancelled_too() -> None:
    async def silent(_: ModelRequest) -> AsyncIterator[Said]:
        await anyio.sleep_forever()
        yield "never"

    with anyio.fail_after(10):
        async with open_simulator(model=silent) as simulator, dial(simulator.url) as client:
            await client.send("response.create")
            await client.send("response.cancel")
            assert (await client.wait("response.done"))["response"]["output"] == []


async def test_responses_apart_interleave() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator(model=lambda _: "one two three four five") as simulator,
            dial(simulator.url) as client,
        ):
            for _ in range(2):
                await client.send("response.create", response={**TEXT, "conversation": "none"})
            await client.send("response.create", response=TEXT)
            seen: list[str] = []
            for _ in range(3):
                seen += [
                    event["response_id"]
                    for event in await client.until("response.done")
                    if event["type"] == "response.output_text.delta"
                ]
            assert len(set(seen)) == 3
            first, last = seen.index(seen[-1]), len(seen) - 1 - seen[::-1].index(seen[0])
            assert first < last


async def test_a_client_that_does_not_read_holds_its_model_back() -> None:
    told = 0

    async def talkative(_: ModelRequest) -> AsyncIterator[Said]:
        nonlocal told
        while told < 400:
            await checkpoint()
            told += 1
            yield "x" * 2**16

    with anyio.fail_after(20):
        async with (
            open_simulator(model=talkative, max_unsent_bytes=2**18) as simulator,
            dial(simulator.url) as client,
        ):
            await client.send("response.create", response=TEXT)
            await anyio.wait_all_tasks_blocked()
            while told < 4:
                await anyio.wait_all_tasks_blocked()
            assert told < 400
            heard = 0
            while heard < 400:
                delta = (await client.wait("response.output_text.delta"))["delta"]
                assert delta == "x" * 2**16
                heard += 1


async def test_a_session_expires() -> None:
    with anyio.fail_after(10):
        async with open_simulator(session_seconds=0.05) as simulator, dial(simulator.url) as client:
            error = await client.wait("error")
            assert error["error"]["code"] == "session_expired"
            assert (await client.closed()).code == 1001


async def test_a_pace_is_kept_between_deltas(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await checkpoint()

    with anyio.fail_after(10):
        async with (
            open_simulator(model=lambda _: "one two three", pace=0.25) as simulator,
            dial(simulator.url) as client,
        ):
            await client.receive()
            monkeypatch.setattr("anyrealtime.simulator._driving.anyio.sleep", sleep)
            await client.send("response.create", response=TEXT)
            await client.wait("response.done")
            assert slept == [0.25] * 3


async def test_a_model_has_no_say_in_a_response_that_is_over() -> None:
    asked: list[str] = []

    def model(request: ModelRequest) -> str:
        asked.append(request.metadata["n"])
        return "done"

    with anyio.fail_after(10):
        async with open_simulator(model=model) as simulator, dial(simulator.url) as client:
            create = {"type": "response.create", "response": {**TEXT, "metadata": {"n": "1"}}}
            # Both frames in one segment: the cancel is read before the model is asked.
            client.protocol.send_text(json.dumps(create).encode())
            await client.send("response.cancel")
            await client.wait("response.done")
            create["response"] = {**TEXT, "metadata": {"n": "2"}}
            await client.send_text(json.dumps(create))
            await client.wait("response.done")
    assert asked == ["2"]


async def test_a_model_is_stopped_where_its_tokens_end() -> None:
    def endless(_: ModelRequest) -> Iterator[Said]:
        while True:
            yield "on and on "

    with anyio.fail_after(10):
        async with open_simulator(model=endless) as simulator, dial(simulator.url) as client:
            await client.send("response.create", response={**TEXT, "max_output_tokens": 7})
            response = (await client.wait("response.done"))["response"]
            assert response["status"] == "incomplete"
            assert response["usage"]["output_tokens"] == 7


async def test_a_translation_ends_as_the_client_asks() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            dial(f"{simulator.url}/translations") as client,
        ):
            created = await client.receive()
            assert created["session"]["type"] == "translation"
            assert created["session"]["model"] == "gpt-realtime-translate"
            audio = base64.b64encode(bytes([1, 2]) * 100).decode()
            await client.send("session.input_audio_buffer.append", audio=audio)
            await client.send("session.close")
            assert kinds(await client.until("session.closed")) == [
                "session.output_transcript.delta",
                "session.output_audio.delta",
                "session.closed",
            ]
            assert (await client.closed()).code == 1000
            assert simulator.connections[0].session["type"] == "translation"


async def test_a_beta_transcription_over_the_wire() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            dial(f"{simulator.url}?intent=transcription", headers=BETA_HEADER) as client,
        ):
            assert (await client.receive())["type"] == "transcription_session.created"
            await client.send("transcription_session.update", session={"include": None})
            assert (await client.receive())["type"] == "transcription_session.updated"
