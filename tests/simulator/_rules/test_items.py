"""What a client writes as an item, and what becomes of it."""

from __future__ import annotations

from anyrealtime.simulator._rules._grammar import Pcmu
from anyrealtime.simulator._rules._items import read_item
from anyrealtime.simulator._rules._payload import Ids, Payload


def read(item: Payload) -> Payload:
    return read_item(item, "item", Ids(1), Pcmu()).item


def test_what_is_missing_is_filled_in() -> None:
    call = read({"type": "function_call", "name": "f", "arguments": "{}"})
    assert call["status"] == "completed"
    assert str(call["id"]).startswith("item_")
    assert str(call["call_id"]).startswith("call_")


def test_what_is_said_is_kept() -> None:
    message: Payload = {
        "id": "mine",
        "type": "message",
        "status": "incomplete",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi"}],
    }
    assert read({**message, "object": "realtime.item"}) == message


def test_the_phase_of_an_assistants_message_is_kept() -> None:
    content = [{"type": "output_text", "text": "Hi"}]
    message: Payload = {"type": "message", "role": "assistant", "content": content}
    assert read({**message, "phase": "commentary"})["phase"] == "commentary"
    assert "phase" not in read({**message, "phase": None})


def test_an_item_of_a_server_is_kept_whole() -> None:
    call: Payload = {
        "id": "mine",
        "type": "mcp_call",
        "server_label": "docs",
        "name": "search",
        "arguments": "{}",
        "approval_request_id": None,
        "output": "found",
        "error": None,
    }
    assert read(call) == call


def test_an_output_has_no_status() -> None:
    output: Payload = {"id": "o", "type": "function_call_output", "call_id": "c", "output": "x"}
    assert read({**output, "status": "completed"}) == output


def test_sound_is_put_aside() -> None:
    content = [{"type": "input_text", "text": "Hi"}, {"type": "input_audio", "audio": "AAAA"}]
    entry = read_item(
        {"type": "message", "role": "user", "content": content}, "item", Ids(1), Pcmu()
    )
    assert entry.content[1] == {"type": "input_audio", "transcript": None}
    assert entry.sounds[1].format == Pcmu()
    assert entry.with_sound()["content"] == [content[0], entry.content[1] | {"audio": bytes(3)}]
