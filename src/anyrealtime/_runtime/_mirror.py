"""What a connection remembers of what it has received: the conversation, its cost, the rate limits.

The rules are `_protocol`'s; here is when they run. Deltas are the hot path, and most programs
never look at half an answer: they are laid aside and applied, joined, when somebody asks or
something that is no delta comes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
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
_MOST_LAID_ASIDE: Final = 4096  # events: then what was laid aside is applied, and takes less room
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
        self._aside: list[tuple[Any, list[str]]] = []  # of each part, a delta and all their texts
        self._parts: dict[str | None, tuple[type[Any], object, Callable[[str], None]]] = {}
        self._laid_aside = 0  # events since the last time
        self._streams: list[EventStream[Change]] = []

    def lay_aside(self, deltas: list[Any]) -> None:
        """Take events of the classes in `GROWTH`, which are applied when needed.

        Those that continue one part of an item become one. Two items may be open at once and
        their deltas take turns: what comes in between for another item matters to neither.
        """
        if self._streams:
            for event in deltas:
                self._tell(self.conversation.apply(event))
            return
        parts = self._parts
        for event in deltas:
            try:
                kind, index, append = parts[event.item_id]
            except KeyError:
                self._begin_part(event)
                continue
            if kind is event.__class__ and (index is _ONE or index == event.content_index):
                append(event.delta)
            else:
                self._begin_part(event)
        self._laid_aside += len(deltas)
        if self._laid_aside > _MOST_LAID_ASIDE:
            self.catch_up()

    def _begin_part(self, event: Any) -> None:
        texts: list[str] = [event.delta]
        is_call = isinstance(event, ResponseFunctionCallArgumentsDelta)
        index = _ONE if is_call else event.content_index
        self._parts[event.item_id] = (type(event), index, texts.append)
        self._aside.append((event, texts))

    def apply(self, event: ServerEvent) -> None:
        """Take an event of a class in `watched`."""
        if self._aside:
            self.catch_up()
        self.usage.apply(event)
        self.rate_limits.apply(event)
        self._tell(self.conversation.apply(event))

    def catch_up(self) -> None:
        """Apply the deltas that were laid aside."""
        aside, self._aside, self._laid_aside = self._aside, [], 0
        self._parts.clear()
        for first, texts in aside:
            whole = first if len(texts) == 1 else replace(first, delta="".join(texts))
            self.conversation.apply(whole)

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
