"""How a connection ends, and who is told: the error rules and the rules of loss.

One object per connection, fed by the reader and asked by `open_realtime`. It ends the
streams, fails the commands and cancels the body; it reads no socket and decodes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, time

import anyio
from anyio.abc import TaskGroup

from anyrealtime._protocol._replies import Replies
from anyrealtime._protocol._responses import ResponseTracker
from anyrealtime._protocol._verdict import server_error, verdict
from anyrealtime._runtime._dispatch import Dispatcher
from anyrealtime._runtime._outbox import Outbox
from anyrealtime._transport._base import TransportClosed
from anyrealtime.errors import ConnectionClosed, InternalError, RealtimeError, ServerError
from anyrealtime.events import ErrorEvent

_HOLD = 0.05  # seconds an unclaimed error waits for the CLOSE that may follow it
_NORMAL = 1000  # RFC 6455, 7.4.1; 1001 is how sessions expire, so it is no clean end here


@dataclass(frozen=True, slots=True)
class SessionExpiring:
    """The session will soon be ended by the server. Subscribe to it by name.

    Attributes:
        expires_at: when, as a Unix time in seconds.
        remaining: seconds until then, by this machine's clock.
    """

    expires_at: int
    remaining: float


class Lifetime:
    """The end of one connection.

    Attributes:
        failure: what `open_realtime` raises; None as long as nothing went wrong.
        over: the connection has ended, for whatever reason.
        leaving: this side has decided to close.
    """

    def __init__(
        self,
        *,
        replies: Replies,
        close_timeout: float,
        deliver_errors: bool,
        expiry_notice: float = 60.0,
    ) -> None:
        self.dispatcher: Dispatcher = Dispatcher(self.told)
        self.outbox: Outbox = Outbox(self.raise_if_over)
        self.replies = replies
        self.responses: ResponseTracker = ResponseTracker()
        self.failure: RealtimeError | None = None
        self.over: bool = False
        self.leaving: bool = False
        self.close_timeout = close_timeout
        self._deliver_errors = deliver_errors
        self._expiry_notice = expiry_notice
        self._expires_at: int | None = None
        self._body: anyio.CancelScope | None = None  # cancelled when it was not told of a failure
        self._told = False
        self._held: ServerError | None = None  # an error that may belong to a CLOSE
        self._ending: Callable[[], RealtimeError] = lambda: ConnectionClosed(_NORMAL, "", "client")
        self._changed = anyio.Event()
        self._timers: TaskGroup | None = None

    # What the connection's own tasks tell

    def start(self, timers: TaskGroup) -> None:
        """Give the task group in which the rules that need time may wait."""
        self._timers = timers

    def on_error(self, event: ErrorEvent) -> None:
        """Apply the error rules to an `error` event; streams get it besides."""
        if self.responses.refused(event) | self.replies.refused(event):
            self.changed()
            return
        what = verdict(event.error)
        if what == "benign" or self.dispatcher.claims_errors():
            return
        if self._deliver_errors and self._entered:
            return
        if self._held is None and self._timers is not None and not self.leaving:
            self._held = server_error(event.error)
            hold = self.close_timeout if what == "raise_if_not_closed" else _HOLD
            self._timers.start_soon(self._raise_unless_closed, max(hold, _HOLD))

    def on_expiry_known(self, expires_at: int | None) -> None:
        """The server says when the session ends: tell the program ahead of time."""
        if expires_at is not None and expires_at != self._expires_at and self._timers is not None:
            self._expires_at = expires_at
            self._timers.start_soon(self._announce_expiry, expires_at)

    def on_closed(self, closed: TransportClosed) -> None:
        """The transport has ended, and everything it had received was published."""
        if self.over:
            return
        if self.leaving:
            self._end(clean=True)
            return
        error = self._held
        self._ending = lambda: ConnectionClosed(closed.code, closed.reason, closed.by, error)
        clean = closed.code == _NORMAL and closed.by == "server" and error is None
        self._end(clean=clean)
        if not clean and not self._entered:
            self.failure = self.failure or self._ending()
        elif not clean and self._timers is not None:
            self._timers.start_soon(self._cancel_idle_body)

    def on_bug(self, exc: Exception) -> None:
        """One of our own tasks failed."""

        def bug() -> InternalError:
            error = InternalError(f"a bug in anyrealtime, please report it: {exc!r}")
            error.__cause__ = exc
            return error

        self._ending = bug
        self.failure = self.failure or bug()
        self._end(clean=False)
        self._cancel_body()

    def told(self) -> None:
        """The body has had the loss raised to it."""
        self._told = True

    def changed(self) -> None:
        """Something that `wait_until` may wait for has happened."""
        self._changed.set()
        self._changed = anyio.Event()

    @property
    def _entered(self) -> bool:
        return self._body is not None

    # What the program's calls ask

    def raise_if_over(self) -> None:
        """Raise ConnectionClosed if nothing can be sent any more."""
        if self.over or self.leaving:
            self._told = True
            raise self._ending()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for `condition`; raise the failure if the connection fails before."""
        while not condition():
            if self.failure is not None:
                raise self.failure
            if self.over:
                raise self._ending()
            await self._changed.wait()

    def enter(self, body: anyio.CancelScope) -> None:
        """The connection is usable: the body begins."""
        if self.failure is not None:
            raise self.failure
        if self.over:
            raise self._ending()
        self._body = body
        if self._deliver_errors:
            self._held = None

    def leave(self) -> None:
        """This side closes: what ends the connection from now on is no loss."""
        self.leaving = True
        if self.failure is None and self._held is not None and not self._told:
            self.failure = self._ending() if self.over else self._held  # nobody had it

    def abandon(self) -> None:
        """The block is over: whatever still waits, in whatever task, is told."""
        self.responses.fail_all(self._ending)
        self.dispatcher.end(None)

    # The rules

    def _end(self, *, clean: bool) -> None:
        self.over = True
        self.responses.fail_all(self._ending)  # before their streams end as others do
        self.dispatcher.end(None if clean else self._ending)
        if self.replies.fail_all(self._ending):
            self._told = True
        self.outbox.close()
        self.changed()

    async def _announce_expiry(self, expires_at: int) -> None:
        await anyio.sleep(max(0.0, expires_at - self._expiry_notice - time()))
        if not self.over and expires_at == self._expires_at:
            notice = SessionExpiring(expires_at=expires_at, remaining=max(0.0, expires_at - time()))
            self.dispatcher.announce(notice)

    async def _raise_unless_closed(self, hold: float) -> None:
        with anyio.move_on_after(hold):
            await self._wait_until_over()
        if self._held is not None and not (self.over or self.leaving or self.failure):
            failure = self.failure = self._held
            self._held = None
            if not self._entered:
                self.replies.fail_all(lambda: failure)
            self.changed()
            self._cancel_body()

    def _cancel_body(self) -> None:
        if self._body is not None:
            self._body.cancel()

    async def _wait_until_over(self) -> None:
        while not self.over:
            await self._changed.wait()

    async def _cancel_idle_body(self) -> None:
        """Give the body the close timeout to come back; each event it takes begins it anew."""
        lost_at, began = perf_counter(), anyio.current_time()  # the loop's clock may be a test's
        while not (self._told or self.leaving):
            since_lost = max(0.0, self.dispatcher.taken_at() - lost_at)
            deadline = began + since_lost + self.close_timeout
            if anyio.current_time() >= deadline:
                self.failure = self.failure or self._ending()
                self._cancel_body()
                return
            await anyio.sleep_until(deadline)


def raise_outcome(error: BaseException | None, failure: BaseException | None) -> None:
    """Raise the body's exception, else our failure; if both, ours explains the body's."""
    if error is None:
        error = failure
    elif failure is not None:
        last = error
        while last is not failure and last.__context__ is not None:
            last = last.__context__
        if last is not failure:
            last.__context__ = failure
    if error is not None:
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context  # the cancellation that ended the body is ours
