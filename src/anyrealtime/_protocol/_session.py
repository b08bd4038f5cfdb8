"""What the server last said about the session: the one place that remembers it.

No loop, no clock: events in, attributes out.
"""

from __future__ import annotations

from typing import cast

from msgspec import UNSET

from anyrealtime.events import (
    AnySession,
    AudioFormat,
    BetaSession,
    ClientEvent,
    InvalidEvent,
    McpTool,
    ServerEvent,
    Session,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    Tool,
    decode_envelope,
)

CREATED = frozenset({"session.created", "transcription_session.created"})
UPDATED = frozenset({"session.updated", "transcription_session.updated"})


class SessionState:
    """The session of one connection.

    Attributes:
        created: whether the server has announced it.
        current: the effective session as the server last described it, None before that.
        id: the server's name for it, None before it is known.
        expires_at: Unix time in seconds at which the server ends it, None where it does not say.
    """

    def __init__(self) -> None:
        self.created: bool = False
        self.current: AnySession | None = None
        self.id: str | None = None
        self.expires_at: int | None = None
        self._sent_tools: list[Tool] = []

    @property
    def tools(self) -> list[Tool]:
        """What the model is offered, as this side may say it again.

        Servers keep the secrets of an MCP tool to themselves, and some do not tell tools at all.
        """
        told = getattr(self.current, "tools", None)
        if not told:
            return list(self._sent_tools if told is None or told is UNSET else ())
        ours = {tool.server_label: tool for tool in self._sent_tools if isinstance(tool, McpTool)}
        return [
            ours.get(tool.server_label, tool) if isinstance(tool, McpTool) else tool
            for tool in cast("list[Tool]", told)
        ]

    def sent(self, event: ClientEvent) -> None:
        """Take note of what this side has sent."""
        session = event.session if isinstance(event, SessionUpdate) else None
        if isinstance(session, Session | BetaSession) and isinstance(session.tools, list):
            self._sent_tools = session.tools

    def apply(self, event: ServerEvent) -> None:
        """Take over what an event of a type in CREATED or UPDATED says."""
        if event.type in CREATED:
            self.created = True
        if isinstance(event, SessionCreated | SessionUpdated):
            self.current = event.session
            self._identify(event.session.id, event.session.expires_at)
        elif isinstance(
            event, InvalidEvent
        ):  # its payload has drifted; who it is can still be read
            envelope = decode_envelope(event.raw)
            if envelope is not None and envelope.session is not None:
                self._identify(envelope.session.id, envelope.session.expires_at)

    def _identify(self, session_id: object, expires_at: object) -> None:
        if isinstance(session_id, str):
            self.id = session_id
        if isinstance(expires_at, int):
            self.expires_at = expires_at


def input_format_name(session: AnySession | None) -> str | None:
    """How the session wants the user's audio, by GA's or the beta's name; None if it does not say."""
    given: object = None
    if isinstance(session, BetaSession):
        given = session.input_audio_format
    if not given and session is not None and session.audio and session.audio.input:
        given = session.audio.input.format
    if isinstance(given, AudioFormat):
        return given.type
    return given if isinstance(given, str) else None
