"""What may happen to a conversation's items: the values that its mirror tells.

Pure declarations. The items in them are as they were at that moment; nobody changes them later.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from anyrealtime.events import Item


class ItemAdded(Struct, frozen=True):
    """An item is in the conversation now. One that the model makes is still empty.

    Attributes:
        previous_item_id: the item it stands after, None for the first.
    """

    item: Item
    previous_item_id: str | None


class ItemDelta(Struct, frozen=True, gc=False):
    """An item's text got longer: what is written, said or heard, or a call's arguments.

    Attributes:
        content_index: of the part of a message; None for arguments.
    """

    item_id: str
    content_index: int | None
    delta: str


class ItemChanged(Struct, frozen=True):
    """An item is another one than its deltas made it: a transcript is final, it was retrieved."""

    item: Item


class ItemDone(Struct, frozen=True):
    """The server counts an item as whole, see its `status`. What a user said in it may follow."""

    item: Item


class ItemTruncated(Struct, frozen=True):
    """The audio of a part was cut to what was heard, and its transcript is gone.

    Attributes:
        audio_end_ms: how much is left, None if the server does not say.
    """

    item: Item
    content_index: int
    audio_end_ms: int | None


class ItemDeleted(Struct, frozen=True, gc=False):
    """An item is no more in the conversation."""

    item_id: str


class ItemsReordered(Struct, frozen=True):
    """Items that were there moved: this is the order of all. Only of late or missing news."""

    item_ids: tuple[str, ...]


Change: TypeAlias = (
    ItemAdded | ItemDelta | ItemChanged | ItemDone | ItemTruncated | ItemDeleted | ItemsReordered
)
"""One step of a conversation's items."""
