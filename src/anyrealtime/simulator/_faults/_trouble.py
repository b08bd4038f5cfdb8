"""Brings the faults of one connection about: the plan decides, here are the clock and the timers.

Every frame to the client passes through here. Nothing is decided here, and nothing sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from anyrealtime.simulator._faults._plan import FaultPlan
from anyrealtime.simulator._faults._steps import Say, Step
from anyrealtime.simulator._socket import Refused
from anyrealtime.simulator.faults import Fault, Refuse


class Trouble:
    """What is done to a connection besides what the rules say.

    `do` is told every step, the sending of frames included.
    """

    def __init__(self, plan: FaultPlan, do: Callable[[Step], None]) -> None:
        self._plan = plan
        self._do = do
        self._tasks: TaskGroup | None = None
        self._opened_at = 0.0
        self._alarm = math.inf

    def before_upgrade(self) -> None:
        """Do what is to happen before the upgrade is accepted."""
        self._all(self._plan.handshake())

    def begin(self, tasks: TaskGroup) -> None:
        """Begin to count; timers run in `tasks`, which the connection's end cancels."""
        self._tasks = tasks
        self._opened_at = anyio.current_time()
        self._strike()

    def send(self, frame: bytes) -> None:
        """Send a frame to the client, or what is made of it."""
        if self._plan.is_empty:
            self._do(Say(frame))
        else:
            self._all(self._plan.outgoing(frame, self._now))
            self._set_alarm()

    def hear(self, frame: bytes, act: Callable[[], None]) -> None:
        """Let `act` deal with a frame of the client's, unless it is lost."""
        if self._plan.is_empty:
            act()
            return
        heard = self._plan.incoming(frame, self._now)
        self._all(heard.before)
        if not heard.is_lost:
            act()
        self._all(heard.behind)

    def inject(self, fault: Fault) -> None:
        """Add a fault that counts from now. Raises ConfigurationError when it comes too late."""
        self._plan.inject(fault, self._now)
        self._strike()

    @property
    def _now(self) -> float:
        return anyio.current_time() - self._opened_at

    def _all(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._do(step)

    def _strike(self) -> None:
        self._all(self._plan.due(self._now))
        self._set_alarm()

    def _set_alarm(self) -> None:
        moment = self._plan.next_due()
        if moment is not None and moment < self._alarm and self._tasks is not None:
            self._alarm = moment
            self._tasks.start_soon(self._wake, moment)

    async def _wake(self, moment: float) -> None:
        await anyio.sleep_until(self._opened_at + moment)
        if moment == self._alarm:
            self._alarm = math.inf
        self._strike()


def refused(refusal: Refuse) -> Refused:
    """Put a refusal in the words of HTTP."""
    headers: list[tuple[str, str]] = []
    if refusal.retry_after is not None:
        headers.append(("Retry-After", str(refusal.retry_after)))
    if refusal.location is not None:
        headers.append(("Location", refusal.location))
    return Refused(refusal.status, refusal.body, headers)
