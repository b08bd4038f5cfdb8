"""The rules of `session.update`: read in the client's dialect, refused or done as a whole. No I/O."""

from __future__ import annotations

from msgspec import UnsetType

from anyrealtime.simulator import _beta as beta
from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._payload import Payload
from anyrealtime.simulator._session import plain, updated
from anyrealtime.simulator._state import Commands, State


class SessionRules:
    """What a client may do to the session."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        return {"session.update": self.update}

    def greet(self) -> None:
        """Announce the session."""
        self._state.emit("session.created", session=plain(self._state.session))

    def update(self, event: Payload) -> None:
        """Change what the client names and show the whole session."""
        said = grammar.check(event, grammar.SessionUpdate, "").session
        state = self._state
        temperature = state.temperature
        patch: grammar.SessionPatch | grammar.TranscriptionPatch
        if state.opening.transcription:
            patch = grammar.check(said, grammar.TranscriptionPatch, "session")
        elif state.opening.beta:
            flat = grammar.check(said, beta.BetaSession, "session")
            patch = beta.session_patch(flat)
            if not isinstance(flat.temperature, UnsetType):
                temperature = flat.temperature
        else:
            patch = grammar.check(said, grammar.SessionPatch, "session")
        state.session = updated(state.session, patch, voice_in_use=state.conversation.speaks)
        state.temperature = temperature
        state.emit("session.updated", session=plain(state.session))
