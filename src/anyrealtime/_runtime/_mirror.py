"""What a connection remembers of what it has received: the conversation, its cost, the rate limits.

The rules are `_protocol`'s; here is when they run. Deltas are the hot path, and most programs
never look at half an answer: they are laid aside and applied, joined, when somebody asks or
something that is no delta comes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, get_args

from msgspec.structs import replace

from anyrealtime._protocol._changes import Change
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime._protocol._usage import RateLimits, UsageTotals
from anyrealtime._runtime._dispatch import Dispatcher
from anyrealtime._runtime._stream import EventStream, Overflow
from anyrealtime.events import (
    SERVER_EVENTS,
    ResponseFunctionCallArgumentsDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ServerEvent,
)

_Growth: TypeAlias = (
    ResponseOutputTextDelta
    | ResponseOutputAudioTranscriptDelta
    | ResponseFunctionCallArgumentsDelta
)

GROWTH: Final = frozenset(
    kind for kind in SERVER_EVENTS.values() if issubclass(kind, get_args(_Growth))
)
"""The classes that only make an item's text longer."""

_CHANGE_BYTES: Final = 256  # what a change counts in a stream that is bounded by bytes
_MOST_LAID_ASIDE: Final = 256  # events: few enough to stay in the cache until they are joined
_ONE: Final = object()  # the index of a part that an item has but one of: a call's arguments


class Mirror:
    """The memory of one connection.

    Args:
        keep_audio_bytes: how much of the newest output audio is kept.
    """

    def __init__(self, dispatcher: Dispatcher, *, keep_audio_bytes: int = 0) -> None:
        self.conversation: ConversationMirror = ConversationMirror(
            keep_audio_bytes=keep_audio_bytes
        )
        self.usage: UsageTotals = UsageTotals()
        self.rate_limits: RateLimits = RateLimits()
        self.watched: frozenset[type] = (
            self.conversation.relevant | UsageTotals.relevant | RateLimits.relevant
        ) - GROWTH
        self._dispatcher = dispatcher
        self._aside: list[ServerEvent] = []
        self._streams: list[EventStream[Change]] = []

    def lay_aside(self, events: list[ServerEvent]) -> None:
        """Take events of which none is in `watched`; their deltas are applied when needed."""
        # Only deltas: audio that is held for a moment longer costs the cache more than this.
        self._aside += [event for event in events if type(event) in GROWTH]
        if self._streams or len(self._aside) > _MOST_LAID_ASIDE:
            self.catch_up()

    def apply(self, event: ServerEvent) -> None:
        """Take an event of a class in `watched`."""
        if self._aside:
            self.catch_up()
        self.usage.apply(event)
        self.rate_limits.apply(event)
        self._tell(self.conversation.apply(event))

    def catch_up(self) -> None:
        """Apply the deltas that were laid aside."""
        growth, self._aside = self._aside, []
        if self._streams:
            for event in growth:
                self._tell(self.conversation.apply(event))
        else:
            for event in _joined(growth):
                self.conversation.apply(event)

    @asynccontextmanager
    async def changes(
        self, *, max_events: int, max_bytes: int, overflow: Overflow
    ) -> AsyncGenerator[EventStream[Change], None]:
        """A stream of what changes from now on, registered until the exit."""
        self.catch_up()
        with self._dispatcher.side_stream(
            max_events=max_events, max_bytes=max_bytes, overflow=overflow
        ) as stream:
            self._streams.append(stream)
            try:
                yield stream
            finally:
                self._streams.remove(stream)

    def _tell(self, changes: list[Change]) -> None:
        if changes:
            sizes = [_CHANGE_BYTES] * len(changes)
            for stream in self._streams:
                stream.put(changes, sizes, _CHANGE_BYTES * len(changes))


def _joined(growth: list[Any]) -> Iterator[Any]:
    """The same text in fewer deltas: of each item, those that continue one part become one.

    Two items may be open at once and their deltas take turns: what comes in between for
    another item does not matter to either.
    """
    pieces: list[tuple[Any, list[str]]] = []
    parts: dict[str | None, tuple[type, object, Callable[[str], None]]] = {}
    for event in growth:
        kind: type[Any] = event.__class__
        part = parts.get(event.item_id)
        if (
            part is not None
            and part[0] is kind
            and (part[1] is _ONE or part[1] == event.content_index)
        ):
            part[2](event.delta)
        else:
            deltas: list[str] = [event.delta]
            is_call = issubclass(kind, ResponseFunctionCallArgumentsDelta)
            index = _ONE if is_call else event.content_index
            parts[event.item_id] = (kind, index, deltas.append)
            pieces.append((event, deltas))
    for first, deltas in pieces:
        yield first if len(deltas) == 1 else replace(first, delta="".join(deltas))
