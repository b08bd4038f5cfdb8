"""The rules of a translation session: sound goes in frame by frame, and words come out. No I/O."""

from __future__ import annotations

from typing import Final

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._effects import HangUp
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._session import TranslationSession
from anyrealtime.simulator._rules._state import Commands, State
from anyrealtime.simulator._sound._interpreter import (
    FRAME_MS,
    Interpreter,
    TranslationFrame,
)
from anyrealtime.simulator._sound._speech import BYTES_PER_MS, RATE_HZ

_FRAME_BYTES: Final = FRAME_MS * BYTES_PER_MS


class TranslationRules:
    """What a client may do with the sound it wants translated."""

    def __init__(self, state: State, interpret: Interpreter) -> None:
        self._state = state
        self._interpret = interpret
        self._buffer = bytearray()
        self._elapsed_ms = 0

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        return {
            "session.input_audio_buffer.append": self.append,
            "session.close": self.close,
        }

    def append(self, event: Payload) -> None:
        """Translate the sound as far as it fills frames; the rest waits for more."""
        self._buffer += grammar.check(event, grammar.Append, "").audio
        while len(self._buffer) >= _FRAME_BYTES:
            frame = bytes(self._buffer[:_FRAME_BYTES])
            del self._buffer[:_FRAME_BYTES]
            self._translate(frame)

    def close(self, event: Payload) -> None:
        """Translate what is left, say that it is over, and end the connection."""
        grammar.check(event, grammar.Command, "")
        if self._buffer:
            self._translate(bytes(self._buffer.ljust(_FRAME_BYTES, b"\0")))
            self._buffer.clear()
        self._state.emit("session.closed")
        self._state.effects.append(HangUp())

    def _translate(self, frame: bytes) -> None:
        session = self._state.session
        assert isinstance(session, TranslationSession)
        self._elapsed_ms += FRAME_MS
        said = self._interpret(
            TranslationFrame(
                audio=frame,
                elapsed_ms=self._elapsed_ms,
                language=session.audio.output.language,
            )
        )
        at = self._elapsed_ms
        if said.heard and session.audio.input.transcription is not None:
            self._state.emit("session.input_transcript.delta", delta=said.heard, elapsed_ms=at)
        if said.text:
            self._state.emit("session.output_transcript.delta", delta=said.text, elapsed_ms=at)
        if said.audio:
            self._state.emit(
                "session.output_audio.delta",
                delta=said.audio,
                sample_rate=RATE_HZ,
                channels=1,
                format="pcm16",
                elapsed_ms=at,
            )
