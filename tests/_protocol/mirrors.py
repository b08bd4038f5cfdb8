"""A mirror that tests play events to, and the items that these carry."""

from __future__ import annotations

from anyrealtime._protocol._changes import Change
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime.events import ContentPart, Item, Message
from tests._protocol.recorded import Tree, event

HEARD = "conversation.item.input_audio_transcription"


class Played:
    """A mirror and what it told."""

    def __init__(self, *, keep_audio_bytes: int = 0) -> None:
        self.mirror = ConversationMirror(keep_audio_bytes=keep_audio_bytes)
        self.changes: list[Change] = []

    def __call__(self, type_: str, **fields: object) -> list[Change]:
        decoded = event(type_, **fields)
        assert type(decoded) in self.mirror.relevant
        changes = self.mirror.apply(decoded)
        self.changes += changes
        return changes

    def added(self, item: Tree, previous: str | None = None) -> list[Change]:
        return self("conversation.item.added", item=item, previous_item_id=previous)

    @property
    def ids(self) -> str:
        return "".join(str(getattr(item, "id", "?")) for item in self.mirror.items)

    def only(self) -> Item:
        """The one item there is."""
        (item,) = self.mirror.items
        return item

    def content(self) -> list[ContentPart]:
        """What is in the one message there is."""
        item = self.only()
        assert isinstance(item, Message)
        return item.content


def user(item_id: str, text: str = "hello") -> Tree:
    content = [{"type": "input_text", "text": text}]
    return {
        "id": item_id,
        "type": "message",
        "role": "user",
        "status": "completed",
        "content": content,
    }


def spoken(item_id: str, transcript: str | None = None) -> Tree:
    return user(item_id) | {"content": [{"type": "input_audio", "transcript": transcript}]}


def making(item_id: str) -> Tree:
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }


def made(item_id: str, *content: Tree, status: str = "completed") -> Tree:
    return making(item_id) | {"status": status, "content": list(content)}


def calling(item_id: str, **fields: object) -> Tree:
    return {"id": item_id, "type": "function_call", "status": "in_progress", **fields}


def delta(item_id: str, piece: str, index: int = 0) -> Tree:
    return {"item_id": item_id, "content_index": index, "delta": piece}


def response(*output: Tree, **fields: object) -> Tree:
    return {"response": {"id": "resp_1", "status": "completed", "output": list(output), **fields}}
