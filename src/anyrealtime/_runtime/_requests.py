"""Sending, and waiting for what answers: the one place where a call becomes a frame.

A command is made ready and matched by `_protocol`; the outbox takes its frame; the reader brings
its answer, or its error, back to the call that waits here.
"""

from __future__ import annotations

import anyio

from anyrealtime._protocol._answers import tag_of
from anyrealtime._protocol._commands import Commands
from anyrealtime._protocol._run import writes
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime.errors import AckTimeout, ConfigurationError
from anyrealtime.events import (
    ClientEvent,
    ResponseCreate,
    ResponseCreateParams,
    ServerEvent,
    encode,
)


class Requests:
    """The outgoing side of one connection."""

    def __init__(self, commands: Commands, lifetime: Lifetime, ack_timeout: float) -> None:
        self.ack_timeout = ack_timeout
        self._commands = commands
        self._lifetime = lifetime

    async def send(self, event: ClientEvent) -> str:
        """Queue an event and return its id; see `Connection.send`."""
        event = await self.put(self._commands.prepare(event))
        self._note(event)
        return event.event_id or ""

    async def request(self, event: ClientEvent, *, timeout: float | None = None) -> ServerEvent:
        """Send a command and wait for the event that answers it; see `Connection.request`."""
        seconds = self.ack_timeout if timeout is None else timeout
        if not seconds > 0:
            raise ConfigurationError(
                f"timeout= must be a positive number of seconds, not {timeout!r}"
            )
        event = self._commands.prepare_request(event)
        settled = anyio.Event()
        pending = self._lifetime.replies.expect(event, settled.set)
        sent = False
        try:
            with anyio.move_on_after(seconds):
                await self.put(event)
                sent = True
                self._note(event)
                await settled.wait()
        finally:
            self._lifetime.replies.give_up(pending, sent=sent)
        if pending.error is not None:
            raise pending.error
        if pending.answer is None:
            raise AckTimeout(event.type, seconds)
        return pending.answer

    # For who keeps account of the answer itself, as `respond` does

    def named(self, event: ClientEvent) -> ClientEvent:
        """An event made ready: what it makes has a name of ours by which the answer is known."""
        return self._commands.prepare_request(event)

    async def put(self, event: ClientEvent) -> ClientEvent:
        """Queue an event that was made ready. Cancelling queues nothing."""
        await self._lifetime.outbox.put(encode(event))
        self._observe(event)
        return event

    def put_nowait(self, event: ClientEvent) -> str:
        """Queue a small event from where nothing may wait, and return its id."""
        event = self._commands.prepare(event)
        self._lifetime.outbox.put_nowait(encode(event))
        return event.event_id or ""

    def post(self, event: ClientEvent) -> None:
        """Queue an event from where nothing may wait, and whose answer nobody waits for.

        If the server refuses it, that is no failure of anything else: streams have the error.
        """
        event = self.named(event)
        pending = self._lifetime.replies.expect(event, lambda: None)
        self._lifetime.outbox.put_nowait(encode(event))
        self._lifetime.replies.give_up(pending)
        self._observe(event)

    def _observe(self, event: ClientEvent) -> None:
        if (observer := self._lifetime.responses.observer) is not None:
            observer.on_sent(event)

    def _note(self, event: ClientEvent) -> None:
        """Let `respond` know of a response that is asked for by other ways."""
        if isinstance(event, ResponseCreate):
            params = event.response or ResponseCreateParams()
            run = self._lifetime.responses.sent(
                tag_of(params.metadata), event.event_id or "", writes=writes(params)
            )
            run.params = params
