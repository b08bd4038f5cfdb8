"""The conversation: an ordered list of items and what may be done to each.

An item is kept in the GA form in which events show it, its sound beside it: sound is
shown only to who retrieves the item. No events are made here, only refusals. No I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from anyrealtime.simulator._rules._audio import Sound
from anyrealtime.simulator._rules._errors import Refusal, no_such_item
from anyrealtime.simulator._rules._payload import Payload

ROOT = "root"


@dataclass(slots=True)
class Entry:
    """One item; the sound of its content parts, and the words that are known of it, by index."""

    item: Payload
    sounds: dict[int, Sound] = field(default_factory=dict[int, Sound])
    words: dict[int, str] = field(default_factory=dict[int, str])
    truncated: bool = False

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.item["id"])

    @property
    def content(self) -> list[Payload]:
        """The content parts of a message; empty for other items."""
        return cast("list[Payload]", self.item.get("content", []))

    def with_sound(self) -> Payload:
        """Return the item with the sound in its audio parts."""
        if not self.sounds:
            return self.item
        parts = [
            part | {"audio": bytes(self.sounds[index].data)} if index in self.sounds else part
            for index, part in enumerate(self.content)
        ]
        return self.item | {"content": parts}


class Conversation:
    """The default conversation of a session."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    @property
    def last_id(self) -> str | None:
        """The id of the last item, None while there is none."""
        return self._entries[-1].id if self._entries else None

    @property
    def speaks(self) -> bool:
        """Whether the assistant has been heard in it."""
        return any(entry.sounds and entry.item.get("role") == "assistant" for entry in self)

    def find(self, item_id: str) -> Entry | None:
        """Return the item with that id, None if there is none."""
        return next((entry for entry in self._entries if entry.id == item_id), None)

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Put `entry` behind the item `after` (at the end without it, first for "root").

        Returns the id of the item it now follows, None if it is the first.

        Raises:
            Refusal: there is no item `after`, or already one with the entry's id.
        """
        if self.find(entry.id) is not None:
            raise Refusal(
                "invalid_value",
                f"Invalid 'item.id': the conversation already has an item '{entry.id}'.",
                param="item.id",
            )
        place = len(self._entries)
        if after == ROOT:
            place = 0
        elif after is not None:
            place = self._place_behind(after)
        self._entries.insert(place, entry)
        return self._entries[place - 1].id if place else None

    def retrieve(self, item_id: str) -> Entry:
        """Return the item with that id.

        Raises:
            Refusal: there is none.
        """
        return self._entries[self._index(item_id, "retrieve")]

    def delete(self, item_id: str) -> None:
        """Take the item with that id out.

        Raises:
            Refusal: there is none.
        """
        del self._entries[self._index(item_id, "delete")]

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut an assistant's sound at `end_ms` and forget what was said in it.

        Raises:
            Refusal: there is no such item, no sound in that part, or less than `end_ms` of it.
        """
        entry = self._entries[self._index(item_id, "truncate")]
        sound = entry.sounds.get(content_index)
        if sound is None or entry.item.get("role") != "assistant":
            raise Refusal(
                "unsupported_content_type", "Only model output audio messages can be truncated"
            )
        if end_ms > sound.duration_ms:
            raise Refusal(
                "invalid_value",
                f"Audio content of {sound.duration_ms}ms is already shorter than {end_ms}ms",
                param="audio_end_ms",
            )
        sound.cut(end_ms)
        entry.truncated = True
        entry.content[content_index]["transcript"] = None

    def _place_behind(self, item_id: str) -> int:
        for index, entry in enumerate(self._entries, start=1):
            if entry.id == item_id:
                return index
        raise Refusal(
            "invalid_value",
            f"Previous item with id '{item_id}' not found in conversation.",
            param="previous_item_id",
        )

    def _index(self, item_id: str, verb: str) -> int:
        for index, entry in enumerate(self._entries):
            if entry.id == item_id:
                return index
        raise no_such_item(verb, item_id)
