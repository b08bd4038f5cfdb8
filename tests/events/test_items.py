"""Items and parts, as a program writes them and as servers leave things out of them."""

from __future__ import annotations

import json

import pytest

from anyrealtime.events import (
    ContentPart,
    ConversationItemAdded,
    ConversationItemCreate,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    ItemReference,
    McpApprovalResponse,
    McpCall,
    McpCallError,
    McpListTools,
    Message,
    OutputAudio,
    OutputText,
    decode_server,
    encode,
)
from tests.events.frames import Tree, frame


def written(item: Item) -> object:
    return json.loads(encode(ConversationItemCreate(item=item)))["item"]


def received(tree: Tree) -> Item:
    event = decode_server(frame({"type": "conversation.item.added", "item": tree}))
    assert isinstance(event, ConversationItemAdded)
    return event.item


def test_only_what_was_given_is_written() -> None:
    assert written(Message(role="user", content=[InputText(text="hello")])) == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "hello"}],
    }
    assert written(FunctionCallOutput(call_id="c", output="")) == {
        "type": "function_call_output",
        "call_id": "c",
        "output": "",
    }
    assert written(McpApprovalResponse(approval_request_id="r", approve=False)) == {
        "type": "mcp_approval_response",
        "approval_request_id": "r",
        "approve": False,
    }
    assert written(ItemReference(id="i")) == {"type": "item_reference", "id": "i"}


def test_what_the_protocol_demands_is_written_even_when_empty() -> None:
    assert written(Message(role="assistant")) == {
        "type": "message",
        "role": "assistant",
        "content": [],
    }
    assert written(FunctionCall()) == {
        "type": "function_call",
        "call_id": "",
        "name": "",
        "arguments": "",
    }
    assert written(McpListTools()) == {"type": "mcp_list_tools", "server_label": "", "tools": []}


@pytest.mark.parametrize(
    ("part", "tree"),
    [
        (InputAudio(audio=b"\x01\x02"), {"type": "input_audio", "audio": "AQI="}),
        (InputAudio(transcript=None), {"type": "input_audio", "transcript": None}),
        (InputAudio(), {"type": "input_audio"}),
        (InputImage(image_url="data:,"), {"type": "input_image", "image_url": "data:,"}),
        (OutputText(), {"type": "output_text", "text": ""}),
        (OutputAudio(transcript=""), {"type": "output_audio", "transcript": ""}),
    ],
)
def test_parts(part: ContentPart, tree: Tree) -> None:
    message: Tree = {"type": "message", "content": [tree]}
    assert written(Message(content=[part])) == message
    assert received(message) == Message(content=[part])


def test_an_item_without_its_usual_fields() -> None:
    assert received({"type": "message", "role": None}) == Message()
    assert received({"type": "function_call", "name": "n"}) == FunctionCall(name="n")
    assert received({"type": "mcp_call", "error": None}) == McpCall(error=None)


def test_why_a_call_failed() -> None:
    failed = received({"type": "mcp_call", "error": {"type": "protocol_error", "code": -32601}})
    assert failed == McpCall(error=McpCallError(type="protocol_error", code=-32601))
    assert "message" not in str(written(failed))
