"""The reader: frames to events, events to state, events to streams. It never waits for a program.

One task runs it for as long as the connection lives. What an event changes is `_protocol`'s;
who gets it is the dispatcher's; how it ends is the lifetime's.
"""

from __future__ import annotations

from anyrealtime._protocol._session import CREATED, UPDATED, SessionState
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._transport._base import Transport, TransportClosed
from anyrealtime.events import SERVER_EVENTS, ErrorEvent, InvalidEvent, ServerEvent, decode_server

# The classes that change what this side knows; all others only pass through.
_WATCHED = frozenset({InvalidEvent, ErrorEvent, *(SERVER_EVENTS[tag] for tag in CREATED | UPDATED)})


class Reader:
    """Reads one transport until it closes."""

    def __init__(self, transport: Transport, session: SessionState, lifetime: Lifetime) -> None:
        self._transport = transport
        self._session = session
        self._lifetime = lifetime

    async def run(self) -> None:
        """Read until the connection is over; why it is, is recorded and not raised."""
        receive, dispatcher = self._transport.receive, self._lifetime.dispatcher
        try:
            while True:
                frames = await receive()
                events = list(map(decode_server, frames))
                for event in events:
                    if type(event) in _WATCHED:
                        self._watch(event)
                dispatcher.publish(frames, events, list(map(len, frames)))
                await dispatcher.give_way()
        except TransportClosed as closed:
            self._lifetime.on_closed(closed)

    def _watch(self, event: ServerEvent) -> None:
        if isinstance(event, ErrorEvent):
            self._lifetime.on_error(event)
        elif event.type in CREATED or event.type in UPDATED:
            self._session.apply(event)
            self._lifetime.replies.answered(event)
            self._lifetime.changed()
