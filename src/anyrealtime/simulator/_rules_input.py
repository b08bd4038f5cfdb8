"""The rules of the input audio buffer, and what becomes of a turn that is committed. No I/O."""

from __future__ import annotations

from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._audio import InputBuffer
from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._payload import Payload
from anyrealtime.simulator._rules_items import ItemRules
from anyrealtime.simulator._rules_transcription import TranscriptionRules
from anyrealtime.simulator._state import Commands, State


class InputRules:
    """What a client may do with the sound it sends."""

    def __init__(self, state: State, items: ItemRules, transcription: TranscriptionRules) -> None:
        self._state = state
        self._items = items
        self._transcription = transcription
        self._buffer = InputBuffer()

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        return {
            "input_audio_buffer.append": self.append,
            "input_audio_buffer.commit": self.commit,
            "input_audio_buffer.clear": self.clear,
        }

    def append(self, event: Payload) -> None:
        """Add sound. Nothing is answered."""
        self._buffer.append(grammar.check(event, grammar.Append, "").audio)

    def clear(self, event: Payload) -> None:
        """Forget what was not committed."""
        grammar.check(event, grammar.Command, "")
        self._buffer.clear()
        self._state.emit("input_audio_buffer.cleared")

    def commit(self, event: Payload) -> None:
        """Make a user message of what was appended."""
        grammar.check(event, grammar.Command, "")
        sound = self._buffer.commit(self._state.heard.format)
        item: Payload = {
            "id": self._state.ids.new("item"),
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        entry = Entry(item, {0: sound})
        previous = self._state.conversation.add(entry)
        self._state.emit(
            "input_audio_buffer.committed", previous_item_id=previous, item_id=entry.id
        )
        self._items.show(entry, previous)
        self._transcription.begin(entry)
