"""What a response is made of, part by part: from its events to its text, audio and items.

No loop, no clock. Two output items may be open at once: what belongs to the later one waits
until the earlier one is whole, so that neither's words end up in the other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeAlias, TypeVar

from anyrealtime.events import (
    FunctionCall,
    Item,
    Response,
    ResponseContentPartDone,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
)

T = TypeVar("T")

Part: TypeAlias = tuple[str | int | None, int]
"""A content part: its item, by id or else by its index, and its own index in that."""

_Placed: TypeAlias = (
    ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseContentPartDone
)


class Shelf(Generic[T]):
    """Things that are ready to be taken, and the sizes of the frames they came in."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._sizes: list[int] = []

    def add(self, item: T, size: int) -> None:
        """Put one thing down."""
        self._items.append(item)
        self._sizes.append(size)

    def take(self) -> tuple[list[T], list[int]]:
        """Take everything; the lists are the caller's."""
        taken = self._items, self._sizes
        if self._items:
            self._items, self._sizes = [], []
        return taken


class Lane(Shelf[T]):
    """One kind of deltas, in the order of the parts they belong to.

    Attributes:
        held_bytes: of what waits for an earlier part to be whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held_bytes: int = 0
        self._open: dict[Part, list[tuple[T, int]]] = {}  # the first is being told
        self._whole: set[Part] = set()
        self._told: set[Part] = set()

    def tell(self, part: Part, delta: T, size: int) -> None:
        """The next piece of a part."""
        waiting = self._open.get(part)
        if waiting is None:
            self._told.add(part)
            waiting = self._open[part] = []
        if part == next(iter(self._open)):
            self.add(delta, size)
        else:
            waiting.append((delta, size))
            self.held_bytes += size

    def close(self, part: Part, whole: T | None = None, size: int = 0) -> None:
        """A part is whole; `whole` is told now if no delta of it was."""
        if whole and part not in self._told:
            self.tell(part, whole, size)
        if part in self._open:
            self._whole.add(part)
            self._advance()

    def close_item(self, *names: str | int | None) -> None:
        """All parts of an item are whole."""
        for part in [part for part in self._open if part[0] is not None and part[0] in names]:
            self.close(part)

    def close_all(self) -> None:
        """Nothing more comes."""
        self._whole.update(self._open)
        self._advance()

    def begin_anew(self) -> None:
        """Another response begins, whose parts may have the same names."""
        self.close_all()
        self._told.clear()
        self._whole.clear()

    def _advance(self) -> None:
        while self._open:
            part, waiting = next(iter(self._open.items()))
            for delta, size in waiting:
                self.add(delta, size)
                self.held_bytes -= size
            waiting.clear()
            if part not in self._whole:
                return
            del self._open[part]


class Parts:
    """Everything one response has told so far and nobody has taken."""

    def __init__(self) -> None:
        self.text: Lane[str] = Lane()
        self.transcript: Lane[str] = Lane()
        self.audio: Lane[bytes] = Lane()
        self.items: Shelf[Item] = Shelf()
        self.function_calls: Shelf[FunctionCall] = Shelf()
        self._lanes: tuple[Lane[str], Lane[str], Lane[bytes]] = (
            self.text,
            self.transcript,
            self.audio,
        )
        self._given: set[str] = set()  # items
        self._gave_nameless = False

    def apply(self, event: ServerEvent, size: int) -> None:
        """Take in one event of the response."""
        if isinstance(event, ResponseOutputAudioDelta):
            self.audio.tell(_part(event), event.delta, size)
        elif isinstance(event, ResponseOutputAudioTranscriptDelta):
            self.transcript.tell(_part(event), event.delta, size)
        elif isinstance(event, ResponseOutputTextDelta):
            self.text.tell(_part(event), event.delta, size)
        elif isinstance(event, ResponseOutputTextDone):
            self.text.close(_part(event), event.text, size)
        elif isinstance(event, ResponseOutputAudioTranscriptDone):
            self.transcript.close(_part(event), event.transcript, size)
        elif isinstance(event, ResponseOutputAudioDone):
            self.audio.close(_part(event))
        elif isinstance(event, ResponseContentPartDone):
            for lane in self._lanes:
                lane.close(_part(event))
        elif isinstance(event, ResponseOutputItemDone):
            for lane in self._lanes:
                lane.close_item(_name(event.item), event.output_index)
            self._give(event.item, size)
        elif isinstance(event, ResponseDone):
            self._finish(event.response, size)

    def close(self) -> None:
        """Nothing more comes: what waited for something is ready."""
        for lane in self._lanes:
            lane.close_all()

    def said(self) -> tuple[str, str]:
        """All of the text and all of the transcript that nobody has taken."""
        self.close()
        return "".join(self.text.take()[0]), "".join(self.transcript.take()[0])

    def begin_anew(self) -> None:
        """Another response goes on where this one ended."""
        for lane in self._lanes:
            lane.begin_anew()
        self._gave_nameless = False

    def _finish(self, response: Response, size: int) -> None:
        self.close()
        if response.status in ("completed", None) and not self._gave_nameless:
            for item in response.output:
                self._give(item, size)

    def _give(self, item: Item, size: int) -> None:
        """An item that is whole is given once, whatever tells of it first."""
        identity = _identity(item)
        if _status(item) not in ("completed", None) or identity in self._given:
            return
        if identity is None:
            self._gave_nameless = True
        else:
            self._given.add(identity)
        self.items.add(item, size)
        if isinstance(item, FunctionCall):
            self.function_calls.add(item, size)


def _part(event: _Placed) -> Part:
    name = event.item_id
    return event.output_index if name is None else name, event.content_index or 0


def _name(item: Item) -> str | None:
    name = item.get("id") if isinstance(item, Mapping) else item.id
    return name if isinstance(name, str) and name else None


def _identity(item: Item) -> str | None:
    """What tells that two events are about the same item; servers may leave its id away."""
    if isinstance(item, FunctionCall) and item.call_id:
        return item.call_id
    return _name(item)


def _status(item: Item) -> object:
    return item.get("status") if isinstance(item, Mapping) else getattr(item, "status", None)
