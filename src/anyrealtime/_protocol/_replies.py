"""The commands that wait for their answer.

No loop and no clock: a command is entered, events are shown to the table, and each entry
settles once. An entry leaves on its answer, on the error that names it, when nobody waits any
more, and when the connection ends; who waits on it is not known here.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from anyrealtime._protocol._answers import (
    COMMITTED,
    Lane,
    lane_of,
    lanes_of,
)
from anyrealtime._protocol._verdict import request_error
from anyrealtime.errors import ProtocolViolation
from anyrealtime.events import (
    ClientEvent,
    ErrorEvent,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    ServerEvent,
)

_REMEMBERED = 1024  # ids of commands given up, whose errors are nobody's business any more


class Pending:
    """One command that waits for its answer.

    Attributes:
        event: the command.
        answer: the answering event, once it has come.
        error: why none will come.
        overtaken: an answer came in its lane that went to a command given up before it.
    """

    def __init__(self, event: ClientEvent, lane: Lane, on_settled: Callable[[], None]) -> None:
        self.event: ClientEvent = event
        self.lane: Lane = lane
        self.answer: ServerEvent | None = None
        self.error: Exception | None = None
        self.overtaken: bool = False
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
        self._lanes: dict[Lane, deque[Pending]] = {}
        self._given_up: OrderedDict[str, Pending] = OrderedDict()
        self._turns: set[str] = set()  # items that turn detection commits by itself

    def __len__(self) -> int:
        return len(self._by_id)

    def expect(self, event: ClientEvent, on_settled: Callable[[], None]) -> Pending:
        """Enter a command, which has its `event_id`. Do so before it is sent.

        Raises:
            ProtocolViolation: no event answers this command, or its id is in use.
        """
        lane = lane_of(event)
        if lane is None or event.event_id is None:
            raise ProtocolViolation(f"no event answers {event.type!r}; use send()")
        if event.event_id in self._by_id:
            raise ProtocolViolation(f"a command with event_id={event.event_id!r} waits already")
        pending = Pending(event, lane, on_settled)
        self._by_id[event.event_id] = pending
        self._lanes.setdefault(lane, deque()).append(pending)
        return pending

    def give_up(self, pending: Pending, *, sent: bool = True) -> None:
        """Nobody waits any more. What was sent and is answered in order keeps its place there.

        Unless an answer went to one given up before: then that one's never came, and this was
        it. So a server that leaves one command without an answer costs one more, not all.
        """
        event_id = pending.event.event_id or ""
        if self._by_id.pop(event_id, None) is None:
            return
        if not sent or pending.lane.key or pending.overtaken:
            self._leave_lane(pending)
        if sent:
            self._given_up[event_id] = pending
            if len(self._given_up) > _REMEMBERED:
                self._given_up.popitem(last=False)

    def answered(self, event: ServerEvent, tag: str | None = None) -> bool:
        """Settle the command that `event` answers; False if it answers none.

        `tag` is that of the request which the beginning of a response answers.
        """
        for lane in lanes_of(event, tag):
            if lane == COMMITTED and self._is_uninvited_commit(event):
                return False
            waiting = self._lanes.get(lane)
            if waiting:
                pending = waiting[0]
                self._leave_lane(pending)
                if self._by_id.pop(pending.event.event_id or "", None) is not None:
                    pending.settle(answer=event)
                else:
                    for behind in self._lanes.get(lane, ()):
                        behind.overtaken = True
                return True
        return False

    def refused(self, event: ErrorEvent) -> bool:
        """Settle the command that `event` blames; False if it is no command that was waited for."""
        event_id = event.error.event_id
        pending = self._by_id.pop(event_id, None) if event_id is not None else None
        if pending is not None:
            self._leave_lane(pending)
            pending.settle(error=request_error(event.error))
            return True
        given_up = self._given_up.pop(event_id, None) if event_id is not None else None
        if given_up is not None:
            self._leave_lane(given_up)  # it will not be answered: its place is free
        return given_up is not None

    def watch_turn(
        self, event: InputAudioBufferSpeechStopped | InputAudioBufferTimeoutTriggered
    ) -> None:
        """Turn detection ends a turn: the commit that follows is its own, and no command's."""
        if event.item_id is not None:
            self._turns.add(event.item_id)

    def fail_all(self, make_error: Callable[[], Exception]) -> int:
        """Settle everything that waits with an error; how many there were."""
        pendings = list(self._by_id.values())
        self._by_id.clear()
        self._lanes.clear()
        self._given_up.clear()
        for pending in pendings:
            pending.settle(error=make_error())
        return len(pendings)

    def _is_uninvited_commit(self, event: ServerEvent) -> bool:
        item_id = event.item_id if isinstance(event, InputAudioBufferCommitted) else None
        if item_id not in self._turns:
            return False
        self._turns.discard(item_id)
        return True

    def _leave_lane(self, pending: Pending) -> None:
        waiting = self._lanes.get(pending.lane)
        if waiting is not None and pending in waiting:
            waiting.remove(pending)
            if not waiting:
                del self._lanes[pending.lane]
