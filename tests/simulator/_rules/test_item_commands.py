"""What is answered to each command about items."""

from __future__ import annotations

import base64
from typing import Any

from tests.simulator.driver import Driver


def test_item_create_is_acknowledged_twice() -> None:
    driver = Driver()
    item = {
        "id": "mine",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hi"}],
    }
    added, done = driver.tell("conversation.item.create", item=item)
    assert added["type"] == "conversation.item.added"
    assert done["type"] == "conversation.item.done"
    assert added["previous_item_id"] is None
    assert added["item"] == done["item"] == {**item, "status": "completed"}


def test_items_follow_each_other() -> None:
    driver = Driver()
    first, second = driver.say("one"), driver.say("two")
    item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]}
    added = driver.tell("conversation.item.create", item=item)[0]
    assert added["previous_item_id"] == second["id"]
    added = driver.tell("conversation.item.create", item=item, previous_item_id=first["id"])[0]
    assert added["previous_item_id"] == first["id"]
    added = driver.tell("conversation.item.create", item=item, previous_item_id="root")[0]
    assert added["previous_item_id"] is None
    error = driver.refused("conversation.item.create", item=item, previous_item_id="gone")
    assert error["param"] == "previous_item_id"


def test_items_are_retrieved_and_deleted() -> None:
    driver = Driver()
    item = driver.say("Hi")
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item["id"])
    assert retrieved["type"] == "conversation.item.retrieved"
    assert retrieved["item"] == item
    [deleted] = driver.tell("conversation.item.delete", item_id=item["id"])
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", item["id"])
    for verb in ("retrieve", "delete"):
        error = driver.refused(f"conversation.item.{verb}", item_id=item["id"])
        assert error["code"] == f"item_{verb}_invalid_item_id"
    error = driver.refused(
        "conversation.item.truncate", item_id="gone", content_index=0, audio_end_ms=0
    )
    assert error["code"] == "item_truncate_invalid_item_id"


def test_an_assistants_sound_is_truncated() -> None:
    driver = Driver()
    item = driver.answer("Hello there, this is long enough.")[-2]["response"]["output"][0]
    place: dict[str, Any] = {"item_id": item["id"], "content_index": 0}
    [truncated] = driver.tell("conversation.item.truncate", **place, audio_end_ms=300)
    assert truncated["type"] == "conversation.item.truncated"
    assert truncated["audio_end_ms"] == 300
    [retrieved] = driver.tell("conversation.item.retrieve", item_id=item["id"])
    [part] = retrieved["item"]["content"]
    assert part["transcript"] is None
    assert len(base64.b64decode(part["audio"])) == 300 * 48
    error = driver.refused("conversation.item.truncate", **place, audio_end_ms=301)
    assert error["message"] == "Audio content of 300ms is already shorter than 301ms"


def test_only_an_assistants_sound_is_truncated() -> None:
    driver = Driver()
    mine = driver.say("Hi")
    text = driver.answer("Hello.", output_modalities=["text"])[-2]["response"]["output"][0]
    for item in (mine, text):
        error = driver.refused(
            "conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=0
        )
        assert error["code"] == "unsupported_content_type"


def test_an_output_answers_a_call_that_was_made() -> None:
    driver = Driver()
    output = {"type": "function_call_output", "call_id": "call_1", "output": "12 degrees"}
    error = driver.refused("conversation.item.create", item=output)
    assert error["code"] == "invalid_tool_call_id"
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    driver.tell("conversation.item.create", item=call)
    added = driver.tell("conversation.item.create", item=output)[0]
    assert added["item"]["output"] == "12 degrees"
