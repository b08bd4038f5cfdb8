"""The rules of `session.update`: read in the client's dialect, refused or done as a whole. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from msgspec import UnsetType

from anyrealtime.simulator._rules import _beta as beta
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._session import Patch, shown, updated
from anyrealtime.simulator._rules._state import Commands, State

UPDATE = "session.update"
TRANSCRIPTION_UPDATE = "transcription_session.update"


class SessionRules:
    """What a client may do to the session."""

    def __init__(self, state: State, *, changed: Callable[[], None]) -> None:
        self._state = state
        self._tell_changed = changed

    @property
    def commands(self) -> Commands:
        """The client events that are answered here; beta has one for each kind of session."""
        if not self._state.opening.beta:
            return {UPDATE: self.update}
        transcribes = self._state.opening.kind == "transcription"
        return {
            UPDATE: self._refuse_kind if transcribes else self.update,
            TRANSCRIPTION_UPDATE: self.update if transcribes else self._refuse_kind,
        }

    def greet(self) -> None:
        """Announce the session."""
        self._state.emit("session.created", session=shown(self._state.session))

    def update(self, event: Payload) -> None:
        """Change what the client names and show the whole session."""
        said = grammar.check(event, grammar.SessionUpdate, "").session
        state = self._state
        patch, temperature = self._patch(said)
        state.session = updated(state.session, patch, voice_in_use=state.conversation.speaks)
        state.temperature = temperature
        state.emit("session.updated", session=shown(state.session))
        self._tell_changed()

    def _patch(self, said: Payload) -> tuple[Patch, float]:
        """Read what is to change, in GA form, and beta's temperature, which GA has no room for."""
        opening, temperature = self._state.opening, self._state.temperature
        if opening.kind == "translation":
            return grammar.check(said, grammar.TranslationPatch, "session"), temperature
        if opening.kind == "transcription":
            if opening.beta:
                flat = grammar.check(said, beta.BetaTranscription, "session")
                return beta.transcription_patch(flat), temperature
            return grammar.check(said, grammar.TranscriptionPatch, "session"), temperature
        if not opening.beta:
            return grammar.check(said, grammar.SessionPatch, "session"), temperature
        whole = grammar.check(said, beta.BetaSession, "session")
        if not isinstance(whole.temperature, UnsetType):
            temperature = whole.temperature
        return beta.session_patch(whole), temperature

    def _refuse_kind(self, event: Payload) -> NoReturn:
        kind = self._state.opening.kind
        raise Refusal(
            "invalid_value", f"'{event['type']}' does not update a {kind} session.", param="type"
        )
