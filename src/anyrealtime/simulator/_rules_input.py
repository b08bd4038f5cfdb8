"""The rules of the input audio buffer, and what becomes of a turn that is committed. No I/O."""

from __future__ import annotations

from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._audio import InputBuffer, Sound
from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._payload import Payload
from anyrealtime.simulator._responses import obfuscation
from anyrealtime.simulator._rules_items import ItemRules
from anyrealtime.simulator._state import Commands, State


class InputRules:
    """What a client may do with the sound it sends."""

    def __init__(self, state: State, items: ItemRules) -> None:
        self._state = state
        self._items = items
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
        heard = self._state.heard
        sound = self._buffer.commit(heard.format)
        part: Payload = {"type": "input_audio", "transcript": None}
        item: Payload = {
            "id": self._state.ids.new("item"),
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [part],
        }
        entry = Entry(item, {0: sound})
        previous = self._state.conversation.add(entry)
        self._state.emit(
            "input_audio_buffer.committed", previous_item_id=previous, item_id=entry.id
        )
        self._items.show(entry, previous)
        if heard.transcription is not None:
            self._transcribe(entry, part, sound)

    def _transcribe(self, entry: Entry, part: Payload, sound: Sound) -> None:
        """Nobody listens to the words: the transcript says how long the sound is."""
        seconds = sound.duration_ms / 1000
        transcript = f"({seconds:.1f} seconds of audio)"
        part["transcript"] = transcript
        kind = "conversation.item.input_audio_transcription"
        place: Payload = {"item_id": entry.id, "content_index": 0}
        hidden: Payload = {"obfuscation": obfuscation(transcript)} if self._state.obfuscate else {}
        self._state.emit(f"{kind}.delta", **place, delta=transcript, **hidden)
        self._state.emit(
            f"{kind}.completed",
            **place,
            transcript=transcript,
            usage={"type": "duration", "seconds": seconds},
        )
