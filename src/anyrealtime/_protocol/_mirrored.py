"""One item of the mirror: what the server last said of it, and what has come since in pieces.

Pieces are only kept; they are joined when somebody looks. Nothing here knows of events, of
other items or of an order. Structs are replaced and never changed.
"""

from __future__ import annotations

from typing import TypeAlias, cast

from msgspec.structs import replace

from anyrealtime.events import (
    Audio,
    ContentPart,
    FunctionCall,
    InputAudio,
    InputText,
    Item,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    Message,
    OutputAudio,
    OutputText,
    Text,
    UnknownObject,
)

PartKind: TypeAlias = type[OutputText | Text | OutputAudio | Audio | InputAudio]
_Call: TypeAlias = FunctionCall | McpCall | McpApprovalRequest


def id_of(item: Item) -> str | None:
    """The item's id, if it has one."""
    item_id: object = item.get("id") if isinstance(item, UnknownObject) else item.id
    return item_id if isinstance(item_id, str) and item_id else None


def is_whole(item: Item) -> bool:
    """Whether an item is complete where it is announced; those the model makes are not.

    Some servers give no status to what clients create.
    """
    status: object = (
        item.get("status") if isinstance(item, UnknownObject) else getattr(item, "status", None)
    )
    if status is None:
        return isinstance(item, McpApprovalResponse) or (hasattr(item, "status") and says_all(item))
    return status != "in_progress"


def says_all(item: Item) -> bool:
    """Whether an item comes with what it holds: some servers leave that away when it is done."""
    if isinstance(item, Message):
        return bool(item.content)
    return bool(item.arguments) if isinstance(item, _Call) else True


class GrowingText:
    """A text that comes in pieces.

    Attributes:
        part: what it becomes a part of, where the server has not said that yet.
        closed: whether it is whole, so that no delta belongs to it.
        removed: whether the server has forgotten it.
    """

    __slots__ = ("closed", "part", "pieces", "removed")

    def __init__(self, part: PartKind) -> None:
        self.part: PartKind = part
        self.pieces: list[str] = []
        self.closed = False
        self.removed = False

    def join(self) -> str:
        """All of it so far."""
        if len(self.pieces) != 1:
            self.pieces = ["".join(self.pieces)]
        return self.pieces[0]

    def close(self, text: str) -> None:
        """It is whole: this, or what has come if the server does not repeat it."""
        if text or not self.pieces:
            self.pieces = [text]
        self.closed = True

    def remove(self) -> None:
        """It is gone, and what belongs to it may still come."""
        self.pieces = []
        self.closed = self.removed = True


class Mirrored:
    """One item of the conversation.

    Attributes:
        done: whether the server has said that the item is whole.
        final: whether it has also said what is in it; no output is to come then.
        stale: whether a text has changed since `item` was looked at.
        texts: by content index, what has come in pieces, and the user's transcripts.
        arguments: of a call, as they come.
    """

    __slots__ = ("_base", "_item", "arguments", "done", "final", "stale", "texts")

    def __init__(self, item: Item) -> None:
        self._base = item
        self._item = item
        self.done = self.final = self.stale = False
        self.texts: dict[int, GrowingText] = {}
        self.arguments: GrowingText | None = None

    @property
    def item(self) -> Item:
        """The item with all that is known of it."""
        if self.stale:
            self._item = self._filled()
            self.stale = False
        return self._item

    def take(self, item: Item, *, final: bool) -> None:
        """Replace it by what the server says now; what that leaves open stays as it was."""
        self._base = base = _completed(item, self._base)
        self.stale = True
        if not final:
            return
        self.final = True
        if isinstance(base, _Call) and base.arguments:
            self.arguments = None
        content = base.content if isinstance(base, Message) else []
        for index, text in list(self.texts.items()):
            heard = text.part is InputAudio
            told = 0 <= index < len(content) and _says(content[index])
            if told and not text.removed and (text.closed or not heard):
                del self.texts[index]
            elif not heard:
                text.closed = True

    def name_call(self, call_id: str, name: str | None) -> None:
        """Fill in what a function call is called, where the item left it open."""
        if isinstance(self._base, FunctionCall):
            named = FunctionCall(call_id=call_id, name=name or "")
            self._base = _completed(self._base, named)
            self.stale = True

    def _filled(self) -> Item:
        base = self._base
        if isinstance(base, _Call):
            return base if self.arguments is None else _with_arguments(base, self.arguments.join())
        if not isinstance(base, Message) or not self.texts:
            return base
        content = list(base.content)
        for index, text in sorted(self.texts.items()):
            said = None if text.removed else text.join()
            if 0 <= index < len(content):
                content[index] = _with_text(content[index], said)
            elif said is not None:
                content.append(_with_text(text.part(), said))
        return replace(base, content=content)


def _completed(item: Item, old: Item) -> Item:
    """`item`, and what it leaves away of what `old` said."""
    if isinstance(item, Message) and isinstance(old, Message):
        return item if item.content else replace(item, content=old.content)
    if isinstance(item, FunctionCall) and isinstance(old, FunctionCall):
        return replace(
            item,
            call_id=item.call_id or old.call_id,
            name=item.name or old.name,
            arguments=item.arguments or old.arguments,
        )
    return item


def _with_arguments(call: _Call, arguments: str) -> Item:
    return replace(call, arguments=arguments)


def _with_text(part: ContentPart, text: str | None) -> ContentPart:
    """The part with this text; without one, the words of audio are gone and others stay."""
    if isinstance(part, InputAudio | OutputAudio | Audio):
        return replace(part, transcript=text)
    if isinstance(part, InputText | OutputText | Text) and text is not None:
        return replace(part, text=text)
    return part


def _says(part: ContentPart) -> bool:
    text = getattr(part, "transcript", None) or getattr(part, "text", None)
    return bool(cast("object", text))
