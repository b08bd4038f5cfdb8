"""The conversation: an order of items, and what is refused."""

from __future__ import annotations

import pytest

from anyrealtime.simulator._rules._conversation import Conversation, Entry
from anyrealtime.simulator._rules._errors import Refusal


def entry(item_id: str) -> Entry:
    return Entry({"id": item_id, "type": "function_call_output"})


def test_items_are_put_where_they_belong() -> None:
    conversation = Conversation()
    assert conversation.last_id is None
    assert conversation.add(entry("b")) is None
    assert conversation.add(entry("d")) == "b"
    assert conversation.add(entry("c"), "b") == "b"
    assert conversation.add(entry("a"), "root") is None
    assert [each.id for each in conversation] == ["a", "b", "c", "d"]
    assert conversation.last_id == "d"


def test_what_cannot_be_put_changes_nothing() -> None:
    conversation = Conversation()
    conversation.add(entry("a"))
    with pytest.raises(Refusal, match="already has an item"):
        conversation.add(entry("a"))
    with pytest.raises(Refusal, match="'gone' not found"):
        conversation.add(entry("b"), "gone")
    assert [each.id for each in conversation] == ["a"]


def test_items_without_sound_are_shown_as_they_are() -> None:
    assert entry("a").with_sound() == {"id": "a", "type": "function_call_output"}
    assert entry("a").content == []
    assert not Conversation().speaks
