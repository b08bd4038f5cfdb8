"""The rules of the input audio buffer: what a client does with its sound and what is heard in it.

Where the turns are says `_turns`, whether a silence has lasted too long `_idle`; what follows
from either is here. No I/O.
"""

from __future__ import annotations

from typing import Final

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._audio import InputBuffer, Sound
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._idle import IdleTimer
from anyrealtime.simulator._rules._item_commands import ItemRules
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._response_commands import ResponseRules
from anyrealtime.simulator._rules._responses import ResponseRun
from anyrealtime.simulator._rules._state import Commands, State
from anyrealtime.simulator._rules._transcription import TranscriptionRules
from anyrealtime.simulator._rules._turns import SpeechStarted, TurnDetector, as_server_vad
from anyrealtime.simulator._sound._detectors import DetectorFactory, SpeechDetector

KEPT_SILENCE_MS: Final = 30_000
"""While nobody speaks no more is kept than this: what the longest idle timeout commits."""


class InputRules:
    """What becomes of the sound that a client sends."""

    def __init__(
        self,
        state: State,
        items: ItemRules,
        responses: ResponseRules,
        transcription: TranscriptionRules,
        new_detector: DetectorFactory,
    ) -> None:
        self._state = state
        self._items = items
        self._responses = responses
        self._transcription = transcription
        self._new_detector = new_detector
        self._detector: SpeechDetector | None = None
        self._buffer = InputBuffer()
        self._turns: TurnDetector | None = None
        self._turn_id: str | None = None  # of the message that is being spoken
        self._idle = IdleTimer()

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        return {
            "input_audio_buffer.append": self.append,
            "input_audio_buffer.commit": self.commit,
            "input_audio_buffer.clear": self.clear,
        }

    # What the client does

    def append(self, event: Payload) -> None:
        """Add sound and listen to it. Nothing is answered but what was heard."""
        sound = grammar.check(event, grammar.Append, "").audio
        at_ms = self._buffer.end_ms
        self._buffer.append(sound)
        vad = self._vad
        if vad is None:
            return
        if self._turns is None:
            self._detector = self._detector or self._new_detector()
            form = self._state.heard.format
            self._turns = TurnDetector(self._detector, form, at_ms)
        for fact in self._turns.hear(sound, vad):
            if isinstance(fact, SpeechStarted):
                self._begin_turn(fact.start_ms, vad)
            else:
                self._end_turn(fact.end_ms, vad)
        if self._turn_id is None:
            kept_ms = KEPT_SILENCE_MS + vad.prefix_padding_ms
            self._buffer.forget_before(self._buffer.end_ms - kept_ms)

    def clear(self, event: Payload) -> None:
        """Forget what was not committed, and that somebody was speaking."""
        grammar.check(event, grammar.Command, "")
        self._buffer.clear()
        self._turns = self._turn_id = None
        self._state.emit("input_audio_buffer.cleared")

    def commit(self, event: Payload) -> None:
        """Make a user message of what was appended; who is speaking speaks on in another one."""
        grammar.check(event, grammar.Command, "")
        sound = self._buffer.commit()
        item_id = self._turn_id or self._state.ids.new("item")
        if self._turn_id is not None:
            self._turn_id = self._state.ids.new("item")
        self._idle.stop()
        self._keep(sound, item_id, answer=False)

    # What is heard

    @property
    def _vad(self) -> grammar.ServerVad | None:
        settings = self._state.heard.turn_detection
        return None if settings is None else as_server_vad(settings)

    def _begin_turn(self, start_ms: int, vad: grammar.ServerVad) -> None:
        self._idle.stop()
        self._buffer.forget_before(start_ms)
        self._turn_id = self._state.ids.new("item")
        self._state.emit(
            "input_audio_buffer.speech_started",
            audio_start_ms=self._buffer.start_ms,
            item_id=self._turn_id,
        )
        if vad.interrupt_response and (active := self._responses.active) is not None:
            self._responses.end_early(active, "turn_detected")

    def _end_turn(self, end_ms: int, vad: grammar.ServerVad) -> None:
        assert self._turn_id is not None
        item_id, self._turn_id = self._turn_id, None
        self._state.emit("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self._keep(self._buffer.take_until(end_ms), item_id, answer=vad.create_response)

    # What the driver and the other rules tell

    def settle(self) -> None:
        """Listen as the session now says; a turn that cannot go on is forgotten."""
        heard, vad = self._state.heard, self._vad
        self._buffer.reformat(heard.format)
        if self._turns is not None and (vad is None or self._turns.format != heard.format):
            self._turns = self._turn_id = None
        self._state.effects += self._idle.change(self._idle_timeout_ms)

    def answered(self, run: ResponseRun) -> None:
        """A response is over; from the end of its sound on silence is measured."""
        if run.writes and self._turn_id is None:
            self._state.effects += self._idle.answered(run.sound_ms, self._idle_timeout_ms)

    def alarm(self) -> None:
        """The time is over that an Alarm named."""
        if self._responses.active is not None:
            return  # its end sets another one
        since_ms, alarms = self._idle.ring(self._buffer.end_ms)
        self._state.effects += alarms
        if since_ms is None:
            return
        item_id, end_ms = self._state.ids.new("item"), self._buffer.end_ms
        self._buffer.forget_before(since_ms)
        self._state.emit(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=self._buffer.start_ms,
            audio_end_ms=end_ms,
            item_id=item_id,
        )
        self._keep(self._buffer.take_until(end_ms), item_id, answer=True)

    @property
    def _idle_timeout_ms(self) -> int | None:
        vad = self._vad
        # The beta has no event that would tell.
        return None if vad is None or self._state.opening.beta else vad.idle_timeout_ms

    # What becomes of a turn

    def _keep(self, sound: Sound, item_id: str, *, answer: bool) -> None:
        """Make a user message of `sound`, and let the model answer it."""
        item: Payload = {
            "id": item_id,
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        entry = Entry(item, {0: sound})
        previous = self._state.conversation.add(entry)
        self._state.emit("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        self._items.show(entry, previous)
        if answer:
            self._answer()
        self._transcription.begin(entry)

    def _answer(self) -> None:
        try:
            self._responses.answer_turn()
        except Refusal as refusal:
            # One is under way that speech did not interrupt: nobody's event is to blame.
            self._state.emit("error", error=refusal.detail(None))
