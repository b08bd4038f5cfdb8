"""The rules of a Realtime session: a client's frames in, server events and effects out.

One rulebook a connection. It decides what is legal and what is answered, in which order;
it starts no task, reads no clock and opens no socket. Whoever drives it sends what `take`
returns and carries out what `effects` returns, after every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

import msgspec
from msgspec import UnsetType

from anyrealtime.simulator import _beta as beta
from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._audio import InputBuffer, Sound
from anyrealtime.simulator._conversation import Conversation, Entry
from anyrealtime.simulator._errors import Refusal, invalid_type, invalid_value, missing_parameter
from anyrealtime.simulator._items import read_item
from anyrealtime.simulator._payload import Ids, Payload
from anyrealtime.simulator._responses import ResponseRun, Terms, obfuscation, terms
from anyrealtime.simulator._session import (
    Opening,
    RealtimeSession,
    new_session,
    plain,
    updated,
)
from anyrealtime.simulator._usage import RateLimits, Tokens, input_tokens

BETA_TEMPERATURE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Start:
    """Let the model answer: a response has begun and waits for what it is to say."""

    run: ResponseRun
    context: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The response with that id is over; its model need not go on."""

    response_id: str


Effect: TypeAlias = Start | Stop


class Rulebook:
    """The state of one session and everything a client may do to it."""

    def __init__(self, opening: Opening, *, serial: int, obfuscate: bool = False) -> None:
        self.opening = opening
        self.conversation = Conversation()
        self._ids = Ids(serial)
        self._obfuscate = obfuscate
        self._session = new_session(opening, self._ids.new("sess"))
        self._temperature = BETA_TEMPERATURE
        self._conversation_id = self._ids.new("conv")
        self._buffer = InputBuffer()
        self._limits = RateLimits()
        self._context_before = Tokens()
        self._runs: dict[str, ResponseRun] = {}
        self._frames: list[bytes] = []
        self._effects: list[Effect] = []
        self._commands = self._legal_commands()

    # What the driver calls

    def open(self) -> None:
        """Greet the client; one that joined a call elsewhere is not greeted."""
        if not self.opening.sideband:
            self._emit("session.created", session=self.session)

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

    def refuse(self, refusal: Refusal, event_id: str | None = None) -> None:
        """Send an `error` event, blaming the client event `event_id` if there is one."""
        self._emit("error", error=refusal.detail(event_id))

    def take(self) -> list[bytes]:
        """Return the frames that are to be sent now, in order."""
        frames, self._frames = self._frames, []
        return frames

    def effects(self) -> list[Effect]:
        """Return what is to be done now, in order."""
        effects, self._effects = self._effects, []
        return effects

    @property
    def session(self) -> Payload:
        """The session as `session.updated` shows it, in GA form."""
        return plain(self._session)

    # Sending

    def _emit(self, kind: str, /, **fields: object) -> None:
        shown: tuple[str, Payload] | None = (kind, fields)
        if self.opening.beta:
            shown = beta.outwards(kind, fields, self._temperature)
        if shown is not None:
            event = {"type": shown[0], "event_id": self._ids.new("event"), **shown[1]}
            self._frames.append(msgspec.json.encode(event))

    # Reading

    def _legal_commands(self) -> Mapping[str, Callable[[Payload], None]]:
        commands: dict[str, Callable[[Payload], None]] = {
            "session.update": self._session_update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._item_create,
            "conversation.item.truncate": self._item_truncate,
            "conversation.item.delete": self._item_delete,
            "conversation.item.retrieve": self._item_retrieve,
        }
        if not self.opening.transcription:
            commands["response.create"] = self._response_create
            commands["response.cancel"] = self._response_cancel
        if self.opening.sideband:
            commands["output_audio_buffer.clear"] = self._output_clear
        return commands

    def _command(self, event: Payload) -> Callable[[Payload], None]:
        if "type" not in event:
            raise missing_parameter("type")
        kind = event["type"]
        if not isinstance(kind, str):
            raise invalid_type("type", "a string", "something else")
        if kind not in self._commands:
            raise invalid_value("type", kind, tuple(self._commands))
        return self._commands[kind]

    # Session

    def _session_update(self, event: Payload) -> None:
        said = grammar.check(event, grammar.SessionUpdate, "").session
        temperature = self._temperature
        patch: grammar.SessionPatch | grammar.TranscriptionPatch
        if self.opening.transcription:
            patch = grammar.check(said, grammar.TranscriptionPatch, "session")
        elif self.opening.beta:
            flat = grammar.check(said, beta.BetaSession, "session")
            patch = beta.session_patch(flat)
            if not isinstance(flat.temperature, UnsetType):
                temperature = flat.temperature
        else:
            patch = grammar.check(said, grammar.SessionPatch, "session")
        self._session = updated(self._session, patch, voice_in_use=self.conversation.speaks)
        self._temperature = temperature
        self._emit("session.updated", session=self.session)

    # Input audio

    def _append(self, event: Payload) -> None:
        self._buffer.append(grammar.check(event, grammar.Append, "").audio)

    def _clear(self, event: Payload) -> None:
        grammar.check(event, grammar.Command, "")
        self._buffer.clear()
        self._emit("input_audio_buffer.cleared")

    def _commit(self, event: Payload) -> None:
        grammar.check(event, grammar.Command, "")
        sound = self._buffer.commit(self._session.audio.input.format)
        part: Payload = {"type": "input_audio", "transcript": None}
        item: Payload = {
            "id": self._ids.new("item"),
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [part],
        }
        entry = Entry(item, {0: sound})
        previous = self.conversation.add(entry)
        self._emit("input_audio_buffer.committed", previous_item_id=previous, item_id=entry.id)
        self._show_added(entry, previous)
        if self._session.audio.input.transcription is not None:
            self._transcribe(entry, part, sound)

    def _transcribe(self, entry: Entry, part: Payload, sound: Sound) -> None:
        """Nobody listens to the words: the transcript says how long the sound is."""
        seconds = sound.duration_ms / 1000
        transcript = f"({seconds:.1f} seconds of audio)"
        part["transcript"] = transcript
        kind = "conversation.item.input_audio_transcription"
        place: Payload = {"item_id": entry.id, "content_index": 0}
        hidden: Payload = {"obfuscation": obfuscation(transcript)} if self._obfuscate else {}
        self._emit(f"{kind}.delta", **place, delta=transcript, **hidden)
        self._emit(
            f"{kind}.completed",
            **place,
            transcript=transcript,
            usage={"type": "duration", "seconds": seconds},
        )

    def _output_clear(self, event: Payload) -> None:
        grammar.check(event, grammar.Command, "")
        active = self._active
        self._emit("output_audio_buffer.cleared", response_id=active.id if active else "")

    # Items

    def _item_create(self, event: Payload) -> None:
        said = grammar.check(event, grammar.ItemCreate, "")
        entry = self._entry(said.item, "item")
        if entry.item["type"] == "function_call_output":
            self._check_call(cast("str", entry.item["call_id"]))
        self._show_added(entry, self.conversation.add(entry, said.previous_item_id))

    def _show_added(self, entry: Entry, previous: str | None) -> None:
        self._emit("conversation.item.added", previous_item_id=previous, item=entry.item)
        self._emit("conversation.item.done", previous_item_id=previous, item=entry.item)

    def _entry(self, said: Payload, at: str) -> Entry:
        ga = beta.item_inwards(said) if self.opening.beta else said
        return read_item(ga, at, self._ids, self._session.audio.input.format)

    def _check_call(self, call_id: str) -> None:
        known = any(
            entry.item["type"] == "function_call" and entry.item["call_id"] == call_id
            for entry in self.conversation
        )
        if not known:
            raise Refusal(
                "invalid_tool_call_id",
                f"Tool call ID '{call_id}' not found in conversation.",
                param="item.call_id",
            )

    def _item_retrieve(self, event: Payload) -> None:
        said = grammar.check(event, grammar.ItemNamed, "")
        entry = self.conversation.retrieve(said.item_id)
        self._emit("conversation.item.retrieved", item=entry.with_sound())

    def _item_delete(self, event: Payload) -> None:
        said = grammar.check(event, grammar.ItemNamed, "")
        self.conversation.delete(said.item_id)
        self._emit("conversation.item.deleted", item_id=said.item_id)

    def _item_truncate(self, event: Payload) -> None:
        said = grammar.check(event, grammar.ItemTruncate, "")
        self.conversation.truncate(said.item_id, said.content_index, said.audio_end_ms)
        self._emit(
            "conversation.item.truncated",
            item_id=said.item_id,
            content_index=said.content_index,
            audio_end_ms=said.audio_end_ms,
        )

    # Responses

    @property
    def _active(self) -> ResponseRun | None:
        """The response that writes to the default conversation; there is at most one."""
        return next((run for run in self._runs.values() if run.writes), None)

    def _response_create(self, event: Payload) -> None:
        patch = self._response_patch(event)
        assert isinstance(self._session, RealtimeSession)
        agreed = terms(self._session, patch)
        apart = patch.conversation == "none"
        if not apart and (active := self._active) is not None:
            raise Refusal(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress: "
                f"{active.id}. Wait until the response is finished before creating a new one.",
            )
        self._begin(agreed, self._context(patch), apart=apart)

    def _begin(self, agreed: Terms, context: tuple[Entry, ...], *, apart: bool) -> None:
        given = input_tokens(agreed.instructions, context)
        run = ResponseRun(
            agreed,
            ids=self._ids,
            emit=self._emit,
            conversation=None if apart else self.conversation,
            conversation_id=self._conversation_id,
            given=given,
            cached=given.cached_after(self._context_before),
            obfuscate=self._obfuscate,
            ended=self._ended,
        )
        if not apart:
            self._context_before = given
        self._runs[run.id] = run
        run.begin()
        if self.opening.beta:
            self._emit(
                "rate_limits.updated",
                rate_limits=[self._limits.requests(), self._limits.tokens()],
            )
        self._effects.append(Start(run, context))

    def _response_patch(self, event: Payload) -> grammar.ResponsePatch:
        said = grammar.check(event, grammar.ResponseCreate, "").response or {}
        if self.opening.beta:
            return beta.response_patch(grammar.check(said, beta.BetaResponse, "response"))
        return grammar.check(said, grammar.ResponsePatch, "response")

    def _context(self, patch: grammar.ResponsePatch) -> tuple[Entry, ...]:
        """What the model is given to read: the conversation, or what the client gives instead."""
        if isinstance(patch.input, UnsetType):
            return tuple(self.conversation)
        return tuple(
            self._input_entry(item, f"response.input[{index}]")
            for index, item in enumerate(patch.input)
        )

    def _input_entry(self, said: Payload, at: str) -> Entry:
        if said.get("type") != "item_reference":
            return self._entry(said, at)
        item_id = grammar.check(said, grammar.ItemReference, at).id
        entry = self.conversation.find(item_id)
        if entry is None:
            raise Refusal(
                "invalid_value",
                f"Item with id '{item_id}' not found in conversation.",
                param=f"{at}.id",
            )
        return entry

    def _response_cancel(self, event: Payload) -> None:
        said = grammar.check(event, grammar.ResponseCancel, "")
        run = self._runs.get(said.response_id) if said.response_id else self._active
        if run is None:
            raise Refusal(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self.cancel(run, "client_cancelled")

    def cancel(
        self, run: ResponseRun, reason: Literal["client_cancelled", "turn_detected"]
    ) -> None:
        """End a response early, by the client's wish or because the user speaks."""
        run.cancel(reason)
        self._effects.append(Stop(run.id))

    def _ended(self, run: ResponseRun) -> None:
        del self._runs[run.id]
        self._limits.spend(run.given.total + run.made.total)
        if not self.opening.beta:
            self._emit("rate_limits.updated", rate_limits=[self._limits.tokens()])


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
