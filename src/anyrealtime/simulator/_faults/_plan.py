"""Decides which fault strikes which frame, and when: frames and moments in, steps out.

It reads no clock and opens no socket; moments are seconds since the connection was opened.
Chance comes from a seed: each fault of each client has a source of its own, so that neither
other clients nor other faults change what befalls it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random

import msgspec

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._faults._frames import (
    cut_off,
    drifted,
    not_text,
    on_the_wire,
    type_of,
)
from anyrealtime.simulator._faults._steps import (
    Freeze,
    Goodbye,
    Pause,
    Say,
    Scribble,
    Sever,
    Step,
    Throttle,
)
from anyrealtime.simulator.faults import (
    HANDSHAKE,
    Close,
    ConnectionFault,
    Corrupt,
    Cut,
    Drift,
    Drop,
    Duplicate,
    ErrorStorm,
    Fault,
    Fragment,
    FrameFault,
    HalfOpen,
    Refuse,
    Reorder,
    Reset,
    Slow,
    Stall,
    Unknown,
)


@dataclass(slots=True)
class _Armed:
    """A fault and how far it has come. `since` is the moment from which it counts."""

    fault: Fault
    random: Random
    since: float
    passed: int = 0
    struck: int = 0

    @property
    def is_spent(self) -> bool:
        if self.happens_once:
            return self.struck > 0
        return self.fault.times is not None and self.struck >= self.fault.times

    @property
    def happens_once(self) -> bool:
        return isinstance(self.fault, ConnectionFault) and self.fault.p is None

    @property
    def waits_for_nothing(self) -> bool:
        """Whether only time keeps it from happening."""
        fault = self.fault
        counts = fault.event is not None or fault.heard is not None or fault.after > 0
        return self.happens_once and not counts

    def concerns(self, kind: str, pattern: str | None, now: float) -> bool:
        """Whether an event of that kind counts for it."""
        return (
            pattern is not None
            and now >= self.since
            and not self.is_spent
            and fnmatchcase(kind, pattern)
        )

    def chosen(self) -> bool:
        """Count an event; whether it is to be struck."""
        self.passed += 1
        if self.passed <= self.fault.after:
            return False
        if self.fault.p is not None and self.random.random() >= self.fault.p:
            return False
        self.struck += 1
        return True

    def moment(self) -> tuple[bool, bool]:
        """Count an event; whether to happen in front of it, and whether behind it."""
        if not self.happens_once:
            return self.chosen(), False
        self.passed += 1
        before = self.fault.after == 0
        behind = self.passed == self.fault.after
        self.struck += before or behind
        return before, behind


@dataclass(slots=True)
class _Held:
    """Messages that others are to overtake. `by` counts down; `until` is a moment."""

    owner: _Armed
    messages: list[Step]
    by: int
    until: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What becomes of a client's event: lost or not, and what happens before and behind it."""

    is_lost: bool = False
    before: list[Step] = field(default_factory=list[Step])
    behind: list[Step] = field(default_factory=list[Step])


class FaultPlan:
    """What befalls one connection; see `anyrealtime.simulator.faults`."""

    def __init__(self, seed: str, faults: Iterable[tuple[int, Fault]] = ()) -> None:
        self._seed = seed
        self._armed: list[_Armed] = []
        self._held: list[_Held] = []
        self._injected = 0
        self._invented = 0
        for number, fault in faults:
            self._arm(f"{number}", fault, 0.0)

    @property
    def is_empty(self) -> bool:
        """Whether no fault will ever strike any more."""
        return not self._held and all(armed.is_spent for armed in self._armed)

    def inject(self, fault: Fault, now: float) -> None:
        """Add a fault; it counts from `now`.

        Raises:
            ConfigurationError: it could never strike, because the handshake is over.
        """
        if isinstance(fault, Refuse) or fault.event == HANDSHAKE:
            raise ConfigurationError("fault: this client's handshake is over")
        self._injected += 1
        self._arm(f"injected {self._injected}", fault, now)

    def _arm(self, name: str, fault: Fault, now: float) -> None:
        chance = Random(f"{self._seed}/{name}")  # noqa: S311 - chance that repeats is what is wanted
        self._armed.append(_Armed(fault, chance, now + fault.delay))

    # Moments

    def next_due(self) -> float | None:
        """The moment at which `due` will have something, if nothing else happens."""
        moments = [held.until for held in self._held]
        moments += [
            armed.since for armed in self._armed if armed.waits_for_nothing and not armed.is_spent
        ]
        return min(moments, default=None)

    def due(self, now: float) -> list[Step]:
        """What time has brought."""
        steps: list[Step] = []
        for held in [held for held in self._held if held.until <= now]:
            self._held.remove(held)
            steps += held.messages
        for armed in self._armed:
            if armed.waits_for_nothing and not armed.is_spent and armed.since <= now:
                armed.struck += 1
                steps += self._happens(armed.fault, None)
        return steps

    def handshake(self) -> list[Step]:
        """What happens before the upgrade is accepted."""
        steps: list[Step] = []
        for armed in self._armed:
            if armed.fault.event == HANDSHAKE and armed.chosen():
                steps += self._happens(armed.fault, None)
        return steps

    # Frames

    def outgoing(self, frame: bytes, now: float) -> list[Step]:
        """What is done in the place of sending `frame` as a text message."""
        before = self.due(now)
        behind: list[Step] = []
        messages: list[Step] = [Say(frame)]
        kind = type_of(frame)
        held_already = list(self._held)
        for armed in self._armed:
            pattern = None if armed.fault.heard is not None else armed.fault.event or "*"
            if armed.waits_for_nothing or not armed.concerns(kind, pattern, now):
                continue
            if isinstance(armed.fault, FrameFault):
                if self._may(armed, messages) and armed.chosen():
                    messages = self._struck(armed, messages, now)
            else:
                first, last = armed.moment()
                before += self._happens(armed.fault, frame) if first else []
                behind += self._happens(armed.fault, None) if last else []
        return [*before, *messages, *self._overtaken(held_already, messages), *behind]

    def incoming(self, frame: bytes, now: float) -> Heard:
        """What becomes of a message of the client's."""
        lost, before, behind = False, list[Step](), list[Step]()
        kind = type_of(frame)
        for armed in self._armed:
            if not armed.concerns(kind, armed.fault.heard, now):
                continue
            if isinstance(armed.fault, Drop):
                lost |= armed.chosen()
            else:
                first, last = armed.moment()
                before += self._happens(armed.fault, None) if first else []
                behind += self._happens(armed.fault, None) if last else []
        return Heard(lost, before, behind)

    def _may(self, armed: _Armed, messages: list[Step]) -> bool:
        """Whether there is anything that the fault could be done to."""
        match armed.fault:
            case Drift(field=field, value=value):
                return any(
                    isinstance(step, Say) and drifted(step.data, field, value) != step.data
                    for step in messages
                )
            case Reorder():
                # What has been taken out of the order has to be overtaken by others.
                return bool(messages) and all(held.owner is not armed for held in self._held)
            case _:
                return bool(messages)

    def _struck(self, armed: _Armed, messages: list[Step], now: float) -> list[Step]:
        match armed.fault:
            case Drop():
                return []
            case Duplicate(copies=copies):
                return messages * (1 + copies)
            case Reorder(by=by, within=within):
                self._held.append(_Held(armed, messages, by, now + within))
                return []
            case fault:
                return [
                    _harmed(fault, step, armed.random) if isinstance(step, Say) else step
                    for step in messages
                ]

    def _overtaken(self, held: list[_Held], passing: list[Step]) -> list[Step]:
        """The messages that have been overtaken often enough, now that others pass."""
        released: list[Step] = []
        for each in held:
            each.by -= bool(passing)
            if each.by == 0:
                self._held.remove(each)
                released += each.messages
        return released

    # What a fault of the connection consists of

    def _happens(self, fault: Fault, frame: bytes | None) -> list[Step]:
        match fault:
            case Stall(seconds=seconds):
                return [Pause(seconds)]
            case Slow(bytes_per_second=rate):
                return [Throttle(rate)]
            case HalfOpen():
                return [Freeze()]
            case Reset():
                return [Sever(reset=True)]
            case Cut(mid_frame=False):
                return [Sever(reset=False)]
            case Cut():
                whole = on_the_wire(frame or self._error(None, "Never to be read whole."))
                return [Scribble(whole[: len(whole) // 2]), Sever(reset=False)]
            case Close(code=code, reason=reason):
                return [Goodbye(code, reason)]
            case Unknown(name=name):
                return [Say(self._event(name))]
            case ErrorStorm(count=count, code=code, message=message):
                return [Say(self._error(code, message)) for _ in range(count)]
            case _:
                raise AssertionError(fault)

    def _error(self, code: str | None, message: str) -> bytes:
        error = {
            "type": "server_error",
            "code": code,
            "message": message,
            "param": None,
            "event_id": None,
        }
        return self._event("error", error=error)

    def _event(self, kind: str, **fields: object) -> bytes:
        self._invented += 1
        event_id = f"event_fault{self._invented:014d}"
        return msgspec.json.encode({"type": kind, "event_id": event_id, **fields})


def _harmed(fault: Fault, message: Say, random: Random) -> Step:
    match fault:
        case Drift(field=field, value=value):
            return Say(drifted(message.data, field, value), message.size_bytes)
        case Fragment(size_bytes=size):
            return Say(message.data, size)
        case Corrupt(what="json"):
            return Say(cut_off(message.data, random), message.size_bytes)
        case Corrupt(what="text"):
            return Say(not_text(message.data, random), message.size_bytes)
        case Corrupt():
            return Scribble(on_the_wire(message.data, opcode="unheard of"))
        case _:
            raise AssertionError(fault)


class FaultScript:
    """The faults of a whole simulator: who is refused, and what befalls the others."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self._seed = seed
        self._faults: list[tuple[int, Fault]] = []
        self._refusals: list[_Armed] = []
        for fault in faults:
            self.inject(fault)

    def inject(self, fault: Fault) -> None:
        """Add a fault for all clients that are yet to come."""
        number = len(self._faults) + len(self._refusals)
        if isinstance(fault, Refuse):
            chance = Random(f"{self._seed}/door/{number}")  # noqa: S311 - as above
            self._refusals.append(_Armed(fault, chance, 0.0))
        else:
            self._faults.append((number, fault))

    def refusal(self, visit: int) -> Refuse | None:
        """How the handshake of the n-th client is refused, if it is. Ask once for each."""
        answer: Refuse | None = None
        for armed in self._refusals:
            fault = armed.fault
            due = not armed.is_spent and fault.visit in {None, visit} and armed.chosen()
            if due and answer is None and isinstance(fault, Refuse):
                answer = fault
        return answer

    def plan(self, visit: int) -> FaultPlan:
        """What befalls the n-th client."""
        return FaultPlan(
            f"{self._seed}/{visit}",
            [(number, fault) for number, fault in self._faults if fault.visit in {None, visit}],
        )
