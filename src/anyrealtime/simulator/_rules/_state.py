"""What the rules of one session share: the session, the conversation, what is to be sent and done.

The rules are divided by what they govern (`_session_commands`, `_input_buffer`, `_item_commands`,
`_response_commands`); this is the table they sit at. Nothing is decided here. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from anyrealtime.simulator._rules import _beta as beta
from anyrealtime.simulator._rules._conversation import Conversation
from anyrealtime.simulator._rules._effects import Effect
from anyrealtime.simulator._rules._payload import Ids, Payload
from anyrealtime.simulator._rules._playback import Playback
from anyrealtime.simulator._rules._session import Input, Opening, TranslationSession, new_session

BETA_TEMPERATURE: Final = 0.8

Commands: TypeAlias = Mapping[str, Callable[[Payload], None]]
"""What acts on a client event, by its type."""


_WITHOUT_ID: Final = frozenset({"input_audio_buffer.dtmf_event_received"})


class State:
    """One session, as all of its rules see and change it."""

    def __init__(self, opening: Opening, *, serial: int, obfuscate: bool, extras: bool) -> None:
        self.opening = opening
        self.obfuscate = obfuscate
        self.extras = extras
        self.ids = Ids(serial)
        self.session = new_session(opening, self.ids.new("sess"))
        self.temperature = BETA_TEMPERATURE
        self.conversation = Conversation()
        self.conversation_id = self.ids.new("conv")
        self.playback = Playback(self.emit) if opening.sideband else None
        self.effects: list[Effect] = []
        self.frames: list[bytes] = []

    @property
    def heard(self) -> Input:
        """How the client's sound is read, in a session that has turns."""
        assert not isinstance(self.session, TranslationSession)
        return self.session.audio.input

    def emit(self, kind: str, /, **fields: object) -> None:
        """Queue the server event `kind`, in the dialect the client speaks."""
        shown: tuple[str, Payload] | None = (kind, fields)
        if self.opening.beta:
            shown = beta.outwards(kind, fields, self.temperature)
        if shown is not None:
            event = {"type": shown[0], "event_id": self.ids.new("event"), **shown[1]}
            if shown[0] in _WITHOUT_ID:
                del event["event_id"]
            self.frames.append(msgspec.json.encode(event))
