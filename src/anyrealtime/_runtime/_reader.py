"""The reader: frames to events, events to state, events to streams. It never waits for a program.

One task runs it for as long as the connection lives. What an event changes is `_protocol`'s;
who gets it is the dispatcher's; how it ends is the lifetime's.
"""

from __future__ import annotations

from typing import Final

from anyio.lowlevel import checkpoint

from anyrealtime._protocol._answers import ANSWERS
from anyrealtime._protocol._responses import WATCHED as _OF_RESPONSES
from anyrealtime._protocol._session import CREATED, UPDATED, SessionState
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._mirror import GROWTH, Mirror
from anyrealtime._transport._base import Transport, TransportClosed
from anyrealtime.events import (
    SERVER_EVENTS,
    ErrorEvent,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    InvalidEvent,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseOutputItemAdded,
    ServerEvent,
)
from anyrealtime.events.codec import decode_server_frames

_SESSION = CREATED | UPDATED
_TURN_ENDS = InputAudioBufferSpeechStopped | InputAudioBufferTimeoutTriggered

_AT_ONCE: Final = 384  # events: small ones and what a program does with them take a millisecond

# The classes that change what this side knows; all others only pass through.
_WATCHED = (
    ANSWERS
    | _OF_RESPONSES
    | {
        InvalidEvent,
        ErrorEvent,
        InputAudioBufferSpeechStopped,
        InputAudioBufferTimeoutTriggered,
        ResponseMcpCallCompleted,
        ResponseMcpCallFailed,
        ResponseOutputItemAdded,  # some servers tell a call's name here only
        *(SERVER_EVENTS[tag] for tag in _SESSION),
    }
)


class Reader:
    """Reads one transport until it closes."""

    def __init__(
        self, transport: Transport, session: SessionState, mirror: Mirror, lifetime: Lifetime
    ) -> None:
        self._transport = transport
        self._session = session
        self._mirror = mirror
        self._lifetime = lifetime
        self._watched = _WATCHED | mirror.watched

    async def run(self) -> None:
        """Read until the connection is over; why it is, is recorded and not raised."""
        receive, give_way = self._transport.receive, self._lifetime.dispatcher.give_way
        try:
            while True:
                frames = await receive()
                for start in range(0, len(frames), _AT_ONCE):
                    if start:
                        await checkpoint()
                    self._read(frames[start : start + _AT_ONCE])
                    await give_way()
                del frames  # an idle session holds nothing that was taken
        except TransportClosed as closed:
            self._lifetime.on_closed(closed)

    def _read(self, frames: list[bytes]) -> None:
        """Decode, show the events that change anything to what they change, and publish them all."""
        events = decode_server_frames(frames)
        sizes = list(map(len, frames))
        kinds = set(map(type, events))
        if self._lifetime.responses.busy:
            self._watch_all(events, sizes)
        elif not self._watched.isdisjoint(kinds):
            self._watch_some(events)
        else:  # as most reads are: no loop for them, but what the mirror makes of their deltas
            self._mirror.lay_aside(events if kinds <= GROWTH else _deltas(events))
        self._lifetime.dispatcher.publish(frames, events, sizes)

    def _watch_some(self, events: list[ServerEvent]) -> None:
        """Show the events that change anything to what they change; nobody follows a response."""
        start = 0
        for index, event in enumerate(events):
            if type(event) in self._watched:
                self._mirror.lay_aside(_deltas(events[start:index]))
                start = index + 1
                self._watch(event)
        self._mirror.lay_aside(_deltas(events[start:]))

    def _watch_all(self, events: list[ServerEvent], sizes: list[int]) -> None:
        """Show every event to the responses that somebody follows."""
        responses = self._lifetime.responses
        for event, size in zip(events, sizes, strict=True):
            if type(event) in self._watched:
                self._watch(event, size)
            else:
                if type(event) in GROWTH:
                    self._mirror.lay_aside([event])
                responses.apply(event, size)
        responses.batch_ended()

    def _watch(self, event: ServerEvent, size: int = 0) -> None:
        if isinstance(event, ErrorEvent):
            self._lifetime.on_error(event)
            return
        tag = self._lifetime.responses.apply(event, size)
        self._mirror.apply(event)
        if event.type in _SESSION:
            self._session.apply(event)
            self._lifetime.on_expiry_known(self._session.expires_at)
            self._lifetime.changed()
        if isinstance(event, _TURN_ENDS):
            self._lifetime.replies.watch_turn(event)
        else:
            self._lifetime.replies.answered(event, tag)


def _deltas(events: list[ServerEvent]) -> list[ServerEvent]:
    return [event for event in events if type(event) in GROWTH]
