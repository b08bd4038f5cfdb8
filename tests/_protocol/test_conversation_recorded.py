"""After every recorded session the mirror says what the recording itself says."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec

from anyrealtime._protocol._changes import (
    ItemAdded,
    ItemDeleted,
    ItemDelta,
    ItemDone,
    ItemsReordered,
)
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime.events import Item, Message, decode_server
from tests._protocol.recorded import Tree, each_recording, needs_recordings, received

pytestmark = needs_recordings


class Told:
    """What a recording says of its items, read from its JSON alone."""

    def __init__(self, frames: list[Tree], *, announces: bool) -> None:
        self.ids: list[str] = []
        self.items: dict[str, Tree] = {}
        self.heard: dict[str, str] = {}
        self.truncated: set[str] = set()
        for frame in frames:
            kind = str(frame["type"])
            if kind.startswith("conversation.item.") and isinstance(frame.get("item"), dict):
                self._announce(cast("Tree", frame["item"]), frame.get("previous_item_id"))
            elif kind == "response.output_item.done":
                self._finish(cast("Tree", frame["item"]))
            elif kind == "response.done":
                output = cast("list[object]", cast("Tree", frame["response"])["output"])
                for item in output:
                    if isinstance(item, dict):
                        self._answer(cast("Tree", item), announces=announces)
            elif kind.endswith("input_audio_transcription.completed"):
                self.heard[str(frame["item_id"])] = str(frame["transcript"])
            elif kind == "conversation.item.truncated":
                self.truncated.add(str(frame["item_id"]))
            elif kind == "conversation.item.deleted" and frame["item_id"] in self.ids:
                self.ids.remove(str(frame["item_id"]))

    def _announce(self, item: Tree, previous: object) -> None:
        item_id = str(item["id"])
        if item_id not in self.ids:
            at = self.ids.index(str(previous)) + 1 if previous in self.ids else len(self.ids)
            self.ids.insert(at, item_id)
        self._finish(item)

    def _answer(self, item: Tree, *, announces: bool) -> None:
        if not announces:
            self._announce(item, None)
        self._finish(item)

    def _finish(self, item: Tree) -> None:
        told = {key: value for key, value in item.items() if value not in (None, "", [])}
        self.items.setdefault(str(item["id"]), {}).update(told)

    def text(self, item_id: str) -> str:
        """What was said or written in an item."""
        if item_id in self.truncated:
            return ""
        if item_id in self.heard:
            return self.heard[item_id]
        content = cast("list[object]", self.items[item_id].get("content", []))
        parts = [cast("Tree", part) for part in content if isinstance(part, dict)]
        return "".join(str(part.get("transcript") or part.get("text") or "") for part in parts)


def text_of(item: Item) -> str:
    if not isinstance(item, Message):
        return ""
    said = [
        getattr(part, "transcript", None) or getattr(part, "text", None) for part in item.content
    ]
    return "".join(str(words) for words in said if words)


@each_recording
def test_recording(path: Path) -> None:
    frames = received(path)
    told = Told(frames, announces=not path.stem.startswith("fakeai"))
    mirror = ConversationMirror(keep_audio_bytes=2**20)
    for frame in frames:
        mirror.apply(decode_server(msgspec.json.encode(frame)))
        ids = [str(getattr(item, "id", None)) for item in mirror.items]
        assert len(set(ids)) == len(ids)
    assert [getattr(item, "id", None) for item in mirror.items] == told.ids
    for item in mirror.items:
        item_id = str(getattr(item, "id", None))
        said = told.items[item_id]
        assert getattr(item, "type", None) == said["type"]
        assert text_of(item) == told.text(item_id)
        for name in ("status", "role", "call_id", "name", "arguments", "output"):
            if name in said and hasattr(item, name):
                assert getattr(item, name) == said[name]


@each_recording
def test_changes_tell_it_all(path: Path) -> None:
    """Who only listens to the changes knows the same items."""
    mirror = ConversationMirror()
    order: list[str] = []
    items: dict[str, Item] = {}
    grown: dict[str, str] = {}
    for frame in received(path):
        for change in mirror.apply(decode_server(msgspec.json.encode(frame))):
            if isinstance(change, ItemsReordered):
                order = list(change.item_ids)
            elif isinstance(change, ItemDeleted):
                order.remove(change.item_id)
                del items[change.item_id]
            elif isinstance(change, ItemDelta):
                grown[change.item_id] = grown.get(change.item_id, "") + change.delta
            else:
                item_id = str(getattr(change.item, "id", None))
                items[item_id] = change.item
                if isinstance(change, ItemAdded):
                    previous = change.previous_item_id
                    order.insert(0 if previous is None else order.index(previous) + 1, item_id)
                elif isinstance(change, ItemDone) and grown.get(item_id):
                    final = text_of(change.item) or getattr(change.item, "arguments", "")
                    assert not final or final == grown[item_id]
    assert [items[item_id] for item_id in order] == list(mirror.items)


@each_recording
def test_only_relevant_events_matter(path: Path) -> None:
    everything, relevant = ConversationMirror(), ConversationMirror()
    for frame in received(path):
        event = decode_server(msgspec.json.encode(frame))
        everything.apply(event)
        if type(event) in relevant.relevant:
            relevant.apply(event)
    assert everything.items == relevant.items
