"""The items of a conversation: each once, in order, and a cheap look at all of them.

Knows items and their ids, and no event: which event does what to them is `_conversation`'s.
"""

from __future__ import annotations

from anyrealtime._protocol._changes import (
    Change,
    ItemAdded,
    ItemChanged,
    ItemDeleted,
    ItemDone,
    ItemsReordered,
)
from anyrealtime._protocol._mirrored import Mirrored, says_all
from anyrealtime._protocol._order import Order
from anyrealtime.events import Item


class Items:
    """What is in a conversation. Each method returns what it changed.

    Attributes:
        by_id: the items. Who changes one of them calls `touch`.
        deleted: ids that were deleted, and not announced again since.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Mirrored] = {}
        self.deleted: set[str] = set()
        self._order = Order()
        self._snapshot: tuple[Item, ...] | None = ()

    def snapshot(self) -> tuple[Item, ...]:
        """All of them, in order; the same tuple until something changes."""
        if self._snapshot is None:
            by_id = self.by_id
            self._snapshot = tuple([by_id[item_id].item for item_id in self._order.line()])
        return self._snapshot

    def touch(self, mirrored: Mirrored) -> None:
        """A text of this item has changed."""
        mirrored.stale = True
        self._snapshot = None

    def add(
        self, item_id: str, item: Item, previous_id: str | None, *, whole: bool, first: bool = False
    ) -> list[Change]:
        """Put in an item that is not there. Without a predecessor it goes to the end."""
        mirrored = self.by_id[item_id] = Mirrored(item)
        moved = self._order.add(item_id, previous_id, first=first)
        self._snapshot = None
        changes: list[Change] = [ItemAdded(item, self._order.before(item_id))]
        if moved:
            changes.append(self._reordered())
        if whole:
            changes += self.finish(mirrored, item)
        return changes

    def tell(self, item_id: str, previous_id: str | None) -> list[Change]:
        """Say the predecessor of an item that is there; the first word counts."""
        if not self._order.tell(item_id, previous_id):
            return []
        self._snapshot = None
        return [self._reordered()]

    def take(self, mirrored: Mirrored, item: Item) -> None:
        """The server says what an item is so far."""
        mirrored.take(item, final=False)
        self.touch(mirrored)

    def finish(self, mirrored: Mirrored, item: Item) -> list[Change]:
        """The server says that an item is whole, and mostly what is in it."""
        before, done = mirrored.item, mirrored.done
        mirrored.take(item, final=says_all(item))
        mirrored.done = True
        self.touch(mirrored)
        if not done:
            return [ItemDone(mirrored.item)]
        return [] if mirrored.item == before else [ItemChanged(mirrored.item)]

    def delete(self, item_id: str) -> list[Change]:
        """Take an item out; what is told of it later does not bring it back."""
        self.deleted.add(item_id)
        if self.by_id.pop(item_id, None) is None:
            return []
        self._order.remove(item_id)
        self._snapshot = None
        return [ItemDeleted(item_id)]

    def _reordered(self) -> ItemsReordered:
        return ItemsReordered(tuple(self._order.line()))
