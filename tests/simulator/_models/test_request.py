"""How a model's request comes about from the state of a session."""

from __future__ import annotations

import base64

import pytest

from anyrealtime.audio import encode_pcmu
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
from anyrealtime.simulator import ModelRequest
from anyrealtime.simulator._models._request import model_request
from tests.simulator.driver import Driver


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


def asked(driver: Driver, **response: object) -> ModelRequest:
    driver.start(**response)
    request = model_request(driver.rules, driver.started[-1])
    driver.tell("response.cancel")
    return request


def test_before_the_user_said_anything() -> None:
    request = asked(Driver())
    assert (request.text, request.audio, request.heard_seconds) == ("", b"", 0.0)
    assert request.parallel_tool_calls is True


def test_the_session_is_told() -> None:
    driver = Driver()
    [created] = driver.opening
    assert asked(driver).session_id == created["session"]["id"]
    driver.tell("session.update", session={"type": "realtime", "parallel_tool_calls": False})
    assert asked(driver).parallel_tool_calls is False
    assert asked(driver, parallel_tool_calls=True).parallel_tool_calls is True


@pytest.mark.parametrize("kind", ["audio/pcm", "audio/pcmu"])
def test_what_was_said_aloud_is_heard_in_one_format(kind: str) -> None:
    driver = Driver()
    audio = {"input": {"format": {"type": kind}, "turn_detection": None}}
    driver.tell("session.update", session={"type": "realtime", "audio": audio})
    pcm = bytes(range(120)) * 80
    data = pcm if kind == "audio/pcm" else encode_pcmu(pcm[:3_200])
    driver.tell("input_audio_buffer.append", audio=base64.b64encode(data).decode())
    driver.tell("input_audio_buffer.commit")
    request = asked(driver)
    assert request.heard_seconds == 0.2
    assert len(request.audio) == 9_600
    assert (request.audio == pcm) == (kind == "audio/pcm")
    assert request.text == ""
    [entry] = driver.started[-1].context
    entry.words[0] = "Good morning."
    request = asked(driver)
    assert request.text == "Good morning."
    [message] = request.items
    assert isinstance(message, Message)
    assert isinstance(message.content[0], InputAudio)
    assert message.content[0].transcript == "Good morning."


def test_words_that_come_with_the_sound() -> None:
    driver = Driver()
    content = [
        {"type": "input_text", "text": "Listen:"},
        {"type": "input_audio", "audio": "AAAA", "transcript": "Good morning."},
    ]
    driver.tell(
        "conversation.item.create", item={"type": "message", "role": "user", "content": content}
    )
    assert asked(driver).text == "Listen: Good morning."
