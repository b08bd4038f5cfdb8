"""The rules of a transcription: how the words of what a client said aloud are told. No I/O."""

from __future__ import annotations

import re
from typing import Final

from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._effects import Transcribe
from anyrealtime.simulator._rules._output import obfuscation
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._responses import pieces
from anyrealtime.simulator._rules._session import TranslationSession
from anyrealtime.simulator._rules._state import State
from anyrealtime.simulator._rules._usage import heard_usage

WHOLE: Final = "whisper-1"
"""The oldest model of the service hears to the end before it writes; the others stream."""
DIARIZE: Final = "gpt-4o-transcribe-diarize"
"""It tells who says what when."""
LOGPROBS: Final = "item.input_audio_transcription.logprobs"
_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?]+(?=\s)|\Z)", re.DOTALL)
_SURE: Final = -0.01  # a log probability: one percent of doubt


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
        model = WHOLE if asked is None else asked.model
        whole = words is None or model == WHOLE
        for piece in pieces(transcript, None if whole else 1):
            hidden: Payload = {}
            if self._state.obfuscate:
                hidden["obfuscation"] = obfuscation(piece)
            self._tell(entry, "delta", delta=piece, **hidden, **self._doubts([piece]))
        if model == DIARIZE:
            self._tell_segments(entry, transcript, seconds)
        spent: Payload = {"type": "duration", "seconds": seconds}
        if model != WHOLE:
            spent = heard_usage(entry.sounds[0].duration_ms, transcript)
        doubts = self._doubts(pieces(transcript, 1))
        self._tell(entry, "completed", transcript=transcript, usage=spent, **doubts)

    def _tell_segments(self, entry: Entry, transcript: str, seconds: float) -> None:
        """Tell the sentences apart: all of one speaker, each as long as its part of the text."""
        for found in _SENTENCE.finditer(transcript):
            self._tell(
                entry,
                "segment",
                id=self._state.ids.new("seg"),
                text=found[0],
                speaker="speaker_1",
                start=round(seconds * found.start() / len(transcript), 3),
                end=round(seconds * found.end() / len(transcript), 3),
            )

    def _doubts(self, tokens: list[str]) -> Payload:
        """How sure the words are, where the session asks for it."""
        session = self._state.session
        if isinstance(session, TranslationSession) or LOGPROBS not in (session.include or ()):
            return {}
        doubts = [
            {"token": token, "logprob": _SURE, "bytes": list(token.encode())} for token in tokens
        ]
        return {"logprobs": doubts}

    def failed(self, entry: Entry, type: str, code: str | None, message: str) -> None:  # noqa: A002 - the protocol's own name
        """Tell that the words could not be made out."""
        error: Payload = {"type": type, "code": code, "message": message, "param": None}
        self._tell(entry, "failed", error=error)

    def _tell(self, entry: Entry, step: str, **fields: object) -> None:
        kind = f"conversation.item.input_audio_transcription.{step}"
        self._state.emit(kind, item_id=entry.id, content_index=0, **fields)
