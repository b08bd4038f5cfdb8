"""The rules of a transcription: how the words of what a client said aloud are told. No I/O."""

from __future__ import annotations

from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._effects import Transcribe
from anyrealtime.simulator._output import obfuscation
from anyrealtime.simulator._payload import Payload
from anyrealtime.simulator._responses import pieces
from anyrealtime.simulator._state import State

WHOLE = "whisper-1"
"""The oldest model of the service hears to the end before it writes; the others stream."""


class TranscriptionRules:
    """What becomes of a committed sound whose words the client wants."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(self, entry: Entry) -> None:
        """Have the words made out, if the session asks for them."""
        if self._state.heard.transcription is not None:
            self._state.effects.append(Transcribe(entry))

    def transcribed(self, entry: Entry, words: str | None) -> None:
        """Tell the words; None tells how long the sound is instead."""
        seconds = entry.sounds[0].duration_ms / 1000
        transcript = f"({seconds:.1f} seconds of audio)" if words is None else words
        entry.content[0]["transcript"] = transcript
        asked = self._state.heard.transcription
        whole = words is None or asked is None or asked.model == WHOLE
        for piece in pieces(transcript, None if whole else 1):
            hidden: Payload = {}
            if self._state.obfuscate:
                hidden["obfuscation"] = obfuscation(piece)
            self._tell(entry, "delta", delta=piece, **hidden)
        spent: Payload = {"type": "duration", "seconds": seconds}
        self._tell(entry, "completed", transcript=transcript, usage=spent)

    def failed(self, entry: Entry, type: str, code: str | None, message: str) -> None:  # noqa: A002 - the protocol's own name
        """Tell that the words could not be made out."""
        error: Payload = {"type": type, "code": code, "message": message, "param": None}
        self._tell(entry, "failed", error=error)

    def _tell(self, entry: Entry, step: str, **fields: object) -> None:
        kind = f"conversation.item.input_audio_transcription.{step}"
        self._state.emit(kind, item_id=entry.id, content_index=0, **fields)
