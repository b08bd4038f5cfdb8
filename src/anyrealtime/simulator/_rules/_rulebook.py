"""The rules of a Realtime session: a client's frames in, server events and effects out.

One rulebook a connection. It reads a frame and hands it to the rules that govern what it
names (`_session_commands`, `_input_buffer`, `_item_commands`, `_response_commands`,
`_translation`); it starts no
task, reads no clock and opens no socket. Whoever drives it sends what `take` returns and
carries out what `effects` returns, after every call; what needs the time is given a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import msgspec

from anyrealtime.simulator._rules._effects import Effect
from anyrealtime.simulator._rules._errors import (
    Refusal,
    invalid_type,
    invalid_value,
    missing_parameter,
)
from anyrealtime.simulator._rules._input_buffer import InputRules
from anyrealtime.simulator._rules._item_commands import ItemRules
from anyrealtime.simulator._rules._mcp import McpRules
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._response_commands import ResponseRules
from anyrealtime.simulator._rules._responses import ResponseRun
from anyrealtime.simulator._rules._session import Opening, RealtimeSession, shown
from anyrealtime.simulator._rules._session_commands import SessionRules
from anyrealtime.simulator._rules._state import Commands, State
from anyrealtime.simulator._rules._transcription import TranscriptionRules
from anyrealtime.simulator._rules._translation import TranslationRules
from anyrealtime.simulator._rules._usage import RateLimits
from anyrealtime.simulator._sound._detectors import DetectorFactory, EnergyDetector
from anyrealtime.simulator._sound._interpreter import Interpreter, default_interpreter

SERVED: Final = (
    "session.update",
    "session.close",
    "input_audio_buffer.append",
    "session.input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "conversation.item.create",
    "conversation.item.truncate",
    "conversation.item.delete",
    "conversation.item.retrieve",
    "response.create",
    "response.cancel",
)
"""What the live service says it knows, whatever the session is for."""


class Rulebook:
    """One session and everything a client may do to it."""

    def __init__(
        self,
        opening: Opening,
        *,
        serial: int,
        obfuscate: bool = False,
        extras: bool = False,
        tokens_per_minute: int | None = None,
        now: Callable[[], float] = lambda: 0.0,
        interpret: Interpreter = default_interpreter,
        detector: DetectorFactory = EnergyDetector,
    ) -> None:
        self.opening = opening
        self._state = State(opening, serial=serial, obfuscate=obfuscate, extras=extras)
        self.mcp = McpRules(self._state)
        self._session = SessionRules(self._state, changed=self._session_changed)
        self._items = ItemRules(self._state, self.mcp)
        self.transcription = TranscriptionRules(self._state)
        self._responses = ResponseRules(
            self._state,
            self._items,
            self.mcp,
            RateLimits(tokens_per_minute, now),
            ended=self._response_ended,
        )
        self._input = InputRules(
            self._state, self._items, self._responses, self.transcription, detector
        )
        self._translation = TranslationRules(self._state, interpret)
        self._commands = self._legal_commands()

    def _legal_commands(self) -> Commands:
        if self.opening.kind == "translation":
            return {**self._session.commands, **self._translation.commands}
        listening = {
            **self._session.commands,
            **self._input.commands,
            **self._items.commands,
        }
        if self.opening.kind == "transcription":
            return listening
        return {**listening, **self._responses.commands}

    def open(self) -> None:
        """Greet the client; one that joined a call elsewhere is not greeted."""
        if self.opening.sideband:
            return
        self._session.greet()
        if self._state.extras and self.opening.kind == "conversation":
            conversation = {
                "id": self._state.conversation_id,
                "object": "realtime.conversation",
            }
            self._state.emit("conversation.created", conversation=conversation)

    def text(self, frame: bytes) -> None:
        """Act on one text frame of the client's, or say what is wrong with it."""
        event_id = None
        try:
            event = _object(frame)
            said_id = event.get("event_id")
            event_id = said_id if isinstance(said_id, str) else None
            self._command(event)(event)
        except Refusal as refusal:
            self.refuse(refusal, event_id)

    def binary(self) -> None:
        """Refuse a binary frame; the service reads text only."""
        self.refuse(
            Refusal(
                "invalid_event",
                "Expected a text WebSocket message; binary frames are not supported.",
            )
        )

    def press(self, key: str, at: int) -> None:
        """Tell a client that watches a call which key was pressed, at that Unix time."""
        self._state.emit("input_audio_buffer.dtmf_event_received", event=key, received_at=at)

    def alarm(self) -> None:
        """Act on the end of the time that the last Alarm named."""
        self._input.alarm()

    def refuse(self, refusal: Refusal, event_id: str | None = None) -> None:
        """Send an `error` event, blaming the client event `event_id` if there is one."""
        self._state.emit("error", error=refusal.detail(event_id))

    def take(self) -> list[bytes]:
        """Return the frames that are to be sent now, in order."""
        frames, self._state.frames = self._state.frames, []
        return frames

    def effects(self) -> list[Effect]:
        """Return what is to be done now, in order."""
        effects, self._state.effects = self._state.effects, []
        return effects

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._state.session.id

    @property
    def session(self) -> Payload:
        """The session as `session.updated` shows it, in GA form."""
        return shown(self._state.session)

    def _session_changed(self) -> None:
        if self.opening.kind != "translation":
            self._input.settle()
        if isinstance(self._state.session, RealtimeSession):
            self.mcp.declare(self._state.session.tools)

    def _response_ended(self, run: ResponseRun) -> None:
        self._input.answered(run)
        for call in run.calls:
            self.mcp.make(call)

    def _command(self, event: Payload) -> Callable[[Payload], None]:
        if "type" not in event:
            raise missing_parameter("type")
        kind = event["type"]
        if not isinstance(kind, str):
            raise invalid_type("type", "a string", "something else")
        if kind in self._commands:
            return self._commands[kind]
        if kind in SERVED:
            where = f"a {self.opening.kind} session"
            raise Refusal("invalid_value", f"'{kind}' has no place in {where}.", param="type")
        raise invalid_value("type", kind, SERVED)


_FAILURES: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _object(frame: bytes) -> Payload:
    """Read a frame as a JSON object."""
    try:
        value: object = msgspec.json.decode(frame)
    except _FAILURES as failure:
        raise Refusal(
            "invalid_json", f"Invalid event: failed to parse JSON ({failure})."
        ) from failure
    if not isinstance(value, dict):
        raise Refusal("invalid_event", "Invalid event: expected a JSON object.")
    return cast("Payload", value)
