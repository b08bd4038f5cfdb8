"""The mirror of a conversation: its items as the server has them, from the events that tell.

No loop, no clock: events in, changes out, never an exception. What an item is made of is
`_mirrored`'s, what there is of them `_items`'.

Which items are in it. Those that a `conversation.item.*` event names; and at `response.done`
those of the response's output that no event announced, if the response writes to the
conversation. It does if it names one (`conversation_id`). If it names none, it does unless the
server was seen to name conversations or to announce what it generates, or this side has asked
for a response outside of the conversation: then it is such a response, whose items never enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from anyrealtime._protocol._changes import (
    Change,
    ItemChanged,
    ItemDelta,
    ItemTruncated,
)
from anyrealtime._protocol._drift import mended
from anyrealtime._protocol._items import Items
from anyrealtime._protocol._kept_audio import KeptAudio
from anyrealtime._protocol._mirrored import (
    GrowingText,
    Mirrored,
    PartKind,
    id_of,
    is_whole,
)
from anyrealtime.events import (
    SERVER_EVENTS,
    Audio,
    ClientEvent,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    ConversationItemInputAudioTranscriptionUpdated,
    ConversationItemRetrieved,
    ConversationItemTruncated,
    InputAudio,
    InvalidEvent,
    Item,
    Message,
    OutputAudio,
    OutputText,
    Response,
    ResponseAudioDelta,
    ResponseAudioTranscriptDelta,
    ResponseAudioTranscriptDone,
    ResponseCreate,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseTextDelta,
    ResponseTextDone,
    ServerEvent,
    Text,
)

_Delta: TypeAlias = ResponseOutputTextDelta | ResponseOutputAudioTranscriptDelta
_TextDone: TypeAlias = ResponseOutputTextDone | ResponseOutputAudioTranscriptDone
_ArgumentsDelta: TypeAlias = ResponseFunctionCallArgumentsDelta | ResponseMcpCallArgumentsDelta
_ArgumentsDone: TypeAlias = ResponseFunctionCallArgumentsDone | ResponseMcpCallArgumentsDone
_Heard: TypeAlias = (
    ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionUpdated
)
_Handler: TypeAlias = Callable[["ConversationMirror", Any], list[Change]]

_FIRST = "root"  # the protocol's word for "before all others"

_PARTS: Mapping[type, PartKind] = {
    ResponseOutputTextDelta: OutputText,
    ResponseOutputTextDone: OutputText,
    ResponseTextDelta: Text,
    ResponseTextDone: Text,
    ResponseOutputAudioTranscriptDelta: OutputAudio,
    ResponseOutputAudioTranscriptDone: OutputAudio,
    ResponseAudioTranscriptDelta: Audio,
    ResponseAudioTranscriptDone: Audio,
}


def _with_subclasses(handlers: Mapping[type, _Handler]) -> Mapping[type, _Handler]:
    """The same by exact class, the beta's subclasses among them: one lookup an event."""
    kinds: tuple[type, ...] = (InvalidEvent, *SERVER_EVENTS.values())
    return {
        kind: handler
        for kind in kinds
        for base, handler in handlers.items()
        if issubclass(kind, base)
    }


class ConversationMirror:
    """The items of one connection's conversation.

    Args:
        keep_audio_bytes: how much of the newest output audio is kept; 0 keeps none.

    Attributes:
        relevant: the event classes that `apply` does something with; all others may be left out.
    """

    def __init__(self, *, keep_audio_bytes: int = 0) -> None:
        self._items = Items()
        self._by_id = self._items.by_id
        self._first: set[str] = set()  # asked to be put before all others
        self._all_announced = False
        self._audio = KeptAudio(keep_audio_bytes)
        self.relevant: frozenset[type] = (
            self._with_audio if keep_audio_bytes else self._without_audio
        )

    @property
    def items(self) -> tuple[Item, ...]:
        """The items, in order, with all that is known of them by now."""
        return self._items.snapshot()

    def get(self, item_id: str) -> Item | None:
        """One item, None if it is not in the conversation."""
        mirrored = self._by_id.get(item_id)
        return None if mirrored is None else mirrored.item

    def audio(self, item_id: str, content_index: int = 0) -> bytes:
        """The output audio that is kept of a part, as it came; a truncation does not shorten it.

        Empty if there was none; only its end if the rest had to make room.
        """
        return self._audio.get(item_id, content_index)

    def apply(self, event: ServerEvent) -> list[Change]:
        """Take over what an event says; what that changed."""
        handler = self._handlers.get(type(event))
        return [] if handler is None else handler(self, event)

    def sent(self, event: ClientEvent) -> None:
        """Note what this side asks for and servers do not repeat in their answers.

        Of interest are only ConversationItemCreate and ResponseCreate.
        """
        if isinstance(event, ConversationItemCreate):
            item_id = id_of(event.item)
            if event.previous_item_id == _FIRST and item_id is not None:
                self._first.add(item_id)
        elif isinstance(event, ResponseCreate):
            params = event.response
            if params is not None and params.conversation == "none":
                self._all_announced = True

    # Items

    def _on_added(self, event: ConversationItemAdded) -> list[Change]:
        item_id = id_of(event.item)
        if item_id is None:
            return []
        whole = is_whole(event.item)
        if not whole:
            self._all_announced = True  # this one is being generated
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return self._announce(item_id, event.item, event.previous_item_id, whole=whole)
        changes = self._items.tell(item_id, event.previous_item_id)
        if whole:
            changes += self._items.finish(mirrored, event.item)
        elif not mirrored.done:
            self._items.take(mirrored, event.item)
        return changes

    def _announce(
        self, item_id: str, item: Item, previous_id: str | None, *, whole: bool
    ) -> list[Change]:
        first = previous_id == _FIRST or (previous_id is None and item_id in self._first)
        self._first.discard(item_id)
        self._items.deleted.discard(item_id)
        return self._items.add(item_id, item, previous_id, whole=whole, first=first)

    def _on_done(self, event: ConversationItemDone) -> list[Change]:
        self._all_announced = True
        item_id = id_of(event.item)
        if item_id is None or item_id in self._items.deleted:
            return []
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return self._announce(item_id, event.item, event.previous_item_id, whole=True)
        changes = self._items.tell(item_id, event.previous_item_id)
        return changes + self._items.finish(mirrored, event.item)

    def _on_output_item_done(self, event: ResponseOutputItemDone) -> list[Change]:
        mirrored = self._by_id.get(id_of(event.item) or "")
        return [] if mirrored is None else self._items.finish(mirrored, event.item)

    def _on_response_done(self, event: ResponseDone) -> list[Change]:
        changes: list[Change] = []
        writes = self._writes(event.response)
        for item in event.response.output:
            item_id = id_of(item) or ""
            mirrored = self._by_id.get(item_id)
            if mirrored is not None:
                if not mirrored.final:
                    changes += self._items.finish(mirrored, item)
            elif item_id and writes and item_id not in self._items.deleted:
                changes += self._items.add(item_id, item, None, whole=True)
        return changes

    def _writes(self, response: Response) -> bool:
        """Whether a response writes to the conversation."""
        if response.conversation_id is not None:
            self._all_announced = True
            return True
        return not self._all_announced

    def _on_retrieved(self, event: ConversationItemRetrieved) -> list[Change]:
        item_id = id_of(event.item)
        if item_id is None or item_id in self._items.deleted:
            return []
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return self._items.add(item_id, event.item, None, whole=is_whole(event.item))
        if is_whole(event.item):
            return self._items.finish(mirrored, event.item)
        self._items.take(mirrored, event.item)
        return [ItemChanged(mirrored.item)]

    def _on_truncated(self, event: ConversationItemTruncated) -> list[Change]:
        mirrored = self._by_id.get(event.item_id or "")
        if mirrored is None:
            return []
        index = event.content_index or 0
        mirrored.texts.setdefault(index, GrowingText(OutputAudio)).remove()
        self._items.touch(mirrored)
        return [ItemTruncated(mirrored.item, index, event.audio_end_ms)]

    def _on_deleted(self, event: ConversationItemDeleted) -> list[Change]:
        if event.item_id is None:
            return []
        self._audio.forget(event.item_id)
        return self._items.delete(event.item_id)

    # What the model writes and says

    def _on_delta(self, event: _Delta) -> list[Change]:
        item_id, index = event.item_id or "", event.content_index or 0
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return []
        text = mirrored.texts.get(index)
        if text is None:
            if mirrored.final:
                return []
            text = mirrored.texts[index] = GrowingText(_PARTS[type(event)])
        elif text.closed:
            return []
        text.pieces.append(event.delta)
        self._items.touch(mirrored)
        return [ItemDelta(item_id, index, event.delta)]

    def _on_text_done(self, event: _TextDone) -> list[Change]:
        mirrored = self._by_id.get(event.item_id or "")
        if mirrored is None or mirrored.final:
            return []
        said = event.text if isinstance(event, ResponseOutputTextDone) else event.transcript
        index = event.content_index or 0
        text = mirrored.texts.setdefault(index, GrowingText(_PARTS[type(event)]))
        return self._set(mirrored, text, said)

    def _on_arguments_delta(self, event: _ArgumentsDelta) -> list[Change]:
        item_id = event.item_id or ""
        mirrored = self._by_id.get(item_id)
        if mirrored is None or mirrored.final:
            return []
        text = mirrored.arguments
        if text is None:
            text = mirrored.arguments = GrowingText(OutputText)
        if text.closed:
            return []
        text.pieces.append(event.delta)
        self._items.touch(mirrored)
        return [ItemDelta(item_id, None, event.delta)]

    def _on_arguments_done(self, event: _ArgumentsDone) -> list[Change]:
        mirrored = self._by_id.get(event.item_id or "")
        if mirrored is None or mirrored.final:
            return []
        text = mirrored.arguments = mirrored.arguments or GrowingText(OutputText)
        if isinstance(event, ResponseFunctionCallArgumentsDone):
            mirrored.name_call(event.call_id, event.name)
        return self._set(mirrored, text, event.arguments)

    def _set(self, mirrored: Mirrored, text: GrowingText, said: str) -> list[Change]:
        """A text is whole. Mostly its deltas have said so already."""
        if text.closed:
            return []
        known = text.join() if text.pieces else None
        text.close(said)
        if text.join() == known:
            return []
        self._items.touch(mirrored)
        return [ItemChanged(mirrored.item)]

    def _on_audio(self, event: ResponseOutputAudioDelta) -> list[Change]:
        item_id = event.item_id or ""
        if item_id in self._by_id:
            self._audio.add(item_id, event.content_index or 0, event.delta)
        return []

    # What the user says

    def _on_heard(self, event: ConversationItemInputAudioTranscriptionDelta) -> list[Change]:
        item_id, index = event.item_id or "", event.content_index or 0
        changes = self._expect(item_id)
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return changes
        text = mirrored.texts.get(index)
        if text is None:
            text = mirrored.texts[index] = GrowingText(InputAudio)
        elif text.closed:
            return changes
        text.pieces.append(event.delta)
        self._items.touch(mirrored)
        changes.append(ItemDelta(item_id, index, event.delta))
        return changes

    def _on_heard_all(self, event: _Heard) -> list[Change]:
        item_id, index = event.item_id or "", event.content_index or 0
        changes = self._expect(item_id)
        mirrored = self._by_id.get(item_id)
        if mirrored is None:
            return changes
        before = mirrored.texts.get(index)
        text = mirrored.texts[index] = GrowingText(InputAudio)
        text.pieces.append(event.transcript)
        text.closed = isinstance(event, ConversationItemInputAudioTranscriptionCompleted)
        if before is None or not before.closed or before.pieces != text.pieces:
            self._items.touch(mirrored)
            changes.append(ItemChanged(mirrored.item))
        return changes

    def _on_unheard(self, event: ConversationItemInputAudioTranscriptionFailed) -> list[Change]:
        mirrored = self._by_id.get(event.item_id or "")
        if mirrored is None:
            return []
        mirrored.texts.setdefault(event.content_index or 0, GrowingText(InputAudio)).remove()
        self._items.touch(mirrored)
        return [ItemChanged(mirrored.item)]

    def _expect(self, item_id: str) -> list[Change]:
        """Put in the user's item that a transcript belongs to, if its announcement was missed."""
        if not item_id or item_id in self._by_id or item_id in self._items.deleted:
            return []
        return self._items.add(item_id, Message(id=item_id, role="user"), None, whole=False)

    # What was not understood

    def _on_invalid(self, event: InvalidEvent) -> list[Change]:
        readable = mended(event)
        return [] if readable is None else self.apply(readable)

    _handlers: ClassVar[Mapping[type, _Handler]] = _with_subclasses(
        {
            InvalidEvent: _on_invalid,
            ConversationItemAdded: _on_added,
            ConversationItemDone: _on_done,
            ConversationItemRetrieved: _on_retrieved,
            ConversationItemTruncated: _on_truncated,
            ConversationItemDeleted: _on_deleted,
            ResponseOutputItemDone: _on_output_item_done,
            ResponseDone: _on_response_done,
            ResponseOutputTextDelta: _on_delta,
            ResponseOutputTextDone: _on_text_done,
            ResponseOutputAudioTranscriptDelta: _on_delta,
            ResponseOutputAudioTranscriptDone: _on_text_done,
            ResponseOutputAudioDelta: _on_audio,
            ResponseFunctionCallArgumentsDelta: _on_arguments_delta,
            ResponseFunctionCallArgumentsDone: _on_arguments_done,
            ResponseMcpCallArgumentsDelta: _on_arguments_delta,
            ResponseMcpCallArgumentsDone: _on_arguments_done,
            ConversationItemInputAudioTranscriptionDelta: _on_heard,
            ConversationItemInputAudioTranscriptionUpdated: _on_heard_all,
            ConversationItemInputAudioTranscriptionCompleted: _on_heard_all,
            ConversationItemInputAudioTranscriptionFailed: _on_unheard,
        }
    )
    _with_audio: ClassVar[frozenset[type]] = frozenset(_handlers)
    _without_audio: ClassVar[frozenset[type]] = _with_audio - {
        ResponseOutputAudioDelta,
        ResponseAudioDelta,
    }
