"""Which reply answers which command: the table of commands that wait.

No loop and no clock: a command is entered, events are shown to the table, and each entry
settles once. An entry leaves on its answer, on the error that names it, and when the
connection ends; who waits on it is not known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from anyrealtime._protocol._verdict import request_error
from anyrealtime.events import ErrorEvent, ServerEvent

# The answers that carry no id: they come in the order of the commands (PROTOCOL.md 6.1).
ANSWERS_IN_ORDER = {
    "session.update": frozenset({"session.updated"}),
    "transcription_session.update": frozenset({"transcription_session.updated", "session.updated"}),
}


class Pending:
    """One command that waits for its answer.

    Attributes:
        answer: the answering event, once it has come.
        error: why none will come.
    """

    def __init__(self, event_id: str, event_type: str, on_settled: Callable[[], None]) -> None:
        self.event_id = event_id
        self.event_type = event_type
        self.answer: ServerEvent | None = None
        self.error: Exception | None = None
        self._on_settled = on_settled

    @property
    def settled(self) -> bool:
        """Whether there is an answer or an error."""
        return self.answer is not None or self.error is not None

    def settle(self, *, answer: ServerEvent | None = None, error: Exception | None = None) -> None:
        """Record the outcome and tell whoever waits."""
        self.answer, self.error = answer, error
        self._on_settled()


class Replies:
    """The commands of one connection that wait for an answer."""

    def __init__(self) -> None:
        self._by_id: dict[str, Pending] = {}
        self._in_order: dict[str, deque[Pending]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def expect(self, event_type: str, event_id: str, on_settled: Callable[[], None]) -> Pending:
        """Enter a command. Do so before it is sent: its answer may be quick."""
        pending = Pending(event_id, event_type, on_settled)
        self._by_id[event_id] = pending
        for answer in ANSWERS_IN_ORDER[event_type]:
            self._in_order.setdefault(answer, deque()).append(pending)
        return pending

    def abandon(self, pending: Pending) -> None:
        """Nobody waits any more, but the answer will come: its place in the order stays."""
        self._by_id.pop(pending.event_id, None)

    def answered(self, event: ServerEvent) -> bool:
        """Settle the command that `event` answers; False if it answers none."""
        waiting = self._in_order.get(event.type)
        if not waiting:
            return False
        pending = waiting.popleft()
        self._remove_from_order(pending)
        if self._by_id.pop(pending.event_id, None) is not None:
            pending.settle(answer=event)
        return True

    def refused(self, event: ErrorEvent) -> bool:
        """Settle the command that `event` blames; False if it blames none that waits."""
        event_id = event.error.event_id
        if event_id is None:
            return False
        for pending in {p for waiting in self._in_order.values() for p in waiting}:
            if pending.event_id == event_id:  # also an abandoned one: it gives its place up
                self._remove_from_order(pending)
        pending_by_id = self._by_id.pop(event_id, None)
        if pending_by_id is None:
            return False
        pending_by_id.settle(error=request_error(event.error))
        return True

    def fail_all(self, make_error: Callable[[], Exception]) -> int:
        """Settle everything that waits with an error; how many there were."""
        pendings = list(self._by_id.values())
        self._by_id.clear()
        self._in_order.clear()
        for pending in pendings:
            pending.settle(error=make_error())
        return len(pendings)

    def _remove_from_order(self, pending: Pending) -> None:
        for answer in ANSWERS_IN_ORDER[pending.event_type]:
            waiting = self._in_order[answer]
            if pending in waiting:
                waiting.remove(pending)
