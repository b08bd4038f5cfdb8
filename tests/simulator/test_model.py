"""The seam for models: what they are given, and every way to answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Message,
    OutputAudio,
    OutputText,
)
from anyrealtime.simulator import FunctionCallRequest, ModelRequest, Said
from anyrealtime.simulator._connection import model_request
from anyrealtime.simulator._model import said
from tests.simulator.driver import Driver

REQUEST = ModelRequest(
    items=(),
    instructions="",
    tools=(),
    tool_choice="auto",
    modality="text",
    text="",
    heard_seconds=0.0,
    metadata={},
    model="mine",
)


def test_a_request_is_in_the_words_of_the_vocabulary() -> None:
    driver = Driver()
    driver.answer("Hello.", output_modalities=["text"])
    driver.answer("Hello.")
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    driver.tell("conversation.item.create", item=call)
    output = {"type": "function_call_output", "call_id": "c", "output": "yes"}
    driver.tell("conversation.item.create", item=output)
    content = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_audio", "audio": "AAAAAA=="},
    ]
    driver.tell(
        "conversation.item.create", item={"type": "message", "role": "user", "content": content}
    )
    tools = [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "m"}]
    driver.start(
        tools=tools, tool_choice={"type": "function", "name": "f"}, instructions="Be quick."
    )
    request = model_request(driver.rules, driver.started[-1])
    kinds = [type(item) for item in request.items]
    assert kinds == [Message, Message, FunctionCall, FunctionCallOutput, Message]
    parts = [part for item in request.items if isinstance(item, Message) for part in item.content]
    assert isinstance(parts[0], OutputText)
    assert isinstance(parts[1], OutputAudio)
    assert parts[1].audio
    assert parts[2:] == [
        InputText(text="Look"),
        InputImage(image_url="data:image/png;base64,AAAA"),
        InputAudio(audio=bytes(4), transcript=None),
    ]
    assert request.text == "Look"
    assert request.instructions == "Be quick."
    assert [tool.name for tool in request.tools] == ["f"]
    assert request.tool_choice == "f"
    assert request.model == "gpt-realtime"


def test_arguments_travel_as_text() -> None:
    assert FunctionCallRequest("f").arguments_text == "{}"
    assert FunctionCallRequest("f", {"a": 1}).arguments_text == '{"a":1}'
    assert FunctionCallRequest("f", '{"cut').arguments_text == '{"cut'


async def test_an_async_model_is_closed_with_its_response(anyio_backend: str) -> None:
    closed = False

    async def model(_: ModelRequest) -> AsyncIterator[Said]:
        nonlocal closed
        await checkpoint()
        try:
            yield "one"
            yield "two"
        finally:
            closed = True

    with anyio.fail_after(5):
        parts = said(model, REQUEST)
        assert await anext(parts) == "one"
        await parts.aclose()
    assert closed


async def test_any_async_iterable_will_do(anyio_backend: str) -> None:
    class Once:
        def __aiter__(self) -> AsyncIterator[Said]:
            return self

        async def __anext__(self) -> Said:
            await checkpoint()
            raise StopAsyncIteration

    with anyio.fail_after(5):
        with pytest.raises(StopAsyncIteration):
            await anext(said(lambda _: Once(), REQUEST))
