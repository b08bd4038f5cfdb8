"""One client's connection, as a test sees it: its socket, what came and went, and its task group.

`_driving` carries out what the rulebook decides, `_faults/_trouble` what is to go wrong. No rule of the
protocol is written here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar, cast

import anyio
import msgspec
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import (
    ClientEvent,
    Event,
    InvalidEvent,
    ServerEvent,
    UnknownEvent,
    encode,
)
from anyrealtime.simulator._driving import Driving
from anyrealtime.simulator._faults._frames import type_of
from anyrealtime.simulator._faults._plan import FaultScript
from anyrealtime.simulator._faults._steps import Goodbye, Say, Sever, Step
from anyrealtime.simulator._faults._text import ADMIN_EVENT, fault_from_fields
from anyrealtime.simulator._faults._trouble import Trouble, refused
from anyrealtime.simulator._journal import Frame, Journal
from anyrealtime.simulator._options import Options
from anyrealtime.simulator._rules import _admission as admission
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._rules._session import Opening
from anyrealtime.simulator._socket import Refused, Socket, SocketMessage
from anyrealtime.simulator._websocket import Bell
from anyrealtime.simulator.faults import Fault, Refuse

E = TypeVar("E", bound=Event | UnknownEvent | InvalidEvent)

KEYS = "0123456789*#ABCD"
# A client that sends and never reads is not heard beyond this many times the bound.
READER_SHARE = 4


class SimulatedConnection:
    """A client that connected, as the program around the simulator sees it."""

    def __init__(
        self,
        socket: Socket,
        options: Options,
        script: FaultScript,
        serial: int,
        *,
        arrived: Callable[[SimulatedConnection], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._journal = Journal(serial, record=options.record, watch=options.watch)
        self._socket = socket
        self._options = options
        self._script = script
        self._trouble = Trouble(script.plan(serial), self._do)
        self._serial = serial
        self._arrived = arrived
        self._failed = failed
        self._visitor = admission.visit("", [])
        self._driving: Driving | None = None
        self._heard = Bell()
        self._closing = anyio.Event()
        self._over = anyio.Event()
        self._life = anyio.CancelScope()

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed"
        return f"<SimulatedConnection {self._serial} {self.dialect} {state}>"

    # What a test or a demo looks at

    @property
    def path(self) -> str:
        """The path it connected to, without the query."""
        return self._visitor.path

    @property
    def query(self) -> Mapping[str, str]:
        """The query it connected with."""
        return self._visitor.query

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers it connected with, by lower-case name; they may hold a key."""
        return self._visitor.headers

    @property
    def subprotocols(self) -> Sequence[str]:
        """The subprotocols it offered."""
        return self._visitor.subprotocols

    @property
    def dialect(self) -> Literal["ga", "beta"]:
        """What is spoken on it."""
        return "beta" if self._driving is not None and self._driving.rules.opening.beta else "ga"

    @property
    def session(self) -> Mapping[str, object]:
        """The session in force, in GA form; empty for a client that was turned away."""
        return {} if self._driving is None else self._driving.rules.session

    @property
    def received_frames(self) -> list[bytes]:
        """What the client sent, message by message, unless `record=False`."""
        return self._journal.received_frames

    @property
    def sent_frames(self) -> list[bytes]:
        """What it was sent, message by message, unless `record=False`."""
        return self._journal.sent_frames

    @property
    def frames(self) -> list[Frame]:
        """Both, in the order in which they came and went."""
        return self._journal.frames

    @property
    def received(self) -> list[ClientEvent]:
        """What the client sent, decoded; what is no event is an InvalidEvent or UnknownEvent."""
        return self._journal.received

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        return self._socket.is_open and not self._over.is_set()

    @property
    def close_code(self) -> int | None:
        """The code of the client's CLOSE frame, None while and where there is none."""
        return self._socket.close_code

    @property
    def close_reason(self) -> str:
        """The reason of the client's CLOSE frame."""
        return self._socket.close_reason

    async def wait_received(self, kind: type[E], count: int = 1) -> E:
        """Wait until the client has sent `count` events of `kind`; return the last of these.

        Cancelling leaves nothing behind.

        Raises:
            EOFError: the connection ended first.
            RuntimeError: nothing is recorded (`record=False`), so it would wait for ever.
        """
        if not self._options.record:
            raise RuntimeError("the simulator was opened with record=False")
        while True:
            found = [event for event in self.received if isinstance(event, kind)]
            if len(found) >= count:
                await checkpoint()
                return found[count - 1]
            if self._over.is_set():
                raise EOFError(f"the client left after {len(found)} of {count} {kind.__name__}")
            await self._heard.wait()

    async def wait_closed(self) -> None:
        """Wait until the connection is over and its tasks have ended."""
        await self._over.wait()

    # What a test may do to the client

    def send(self, event: ServerEvent | Mapping[str, object]) -> None:
        """Send an event the rules would not send; no rule takes notice of it."""
        if isinstance(event, Mapping):
            self.send_frame(msgspec.json.encode(event))
        else:
            self.send_frame(encode(event))

    def send_frame(self, frame: bytes) -> None:
        """Send a text frame as it is, sense or nonsense."""
        self._trouble.send(frame)

    def press(self, key: str) -> None:
        """Tell the client that somebody on the call pressed `key`: a digit, "*", "#", "A" to "D".

        Raises:
            ValueError: there is no such key, or the client did not join a call (`call_id`).
        """
        if len(key) != 1 or key not in KEYS:
            raise ValueError(f"key must be one of {' '.join(KEYS)}, not {key!r}")
        if self._driving is None or not self._driving.rules.opening.sideband:
            raise ValueError("keys are pressed on calls, which a client joins by call_id")
        self._driving.press(key)

    def inject(self, fault: Fault) -> None:
        """Let something go wrong; see `anyrealtime.simulator.faults`. It counts from now.

        Raises:
            ConfigurationError: it could never strike, because the handshake is over.
        """
        self._trouble.inject(fault)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send CLOSE behind what is queued; the client gets the close timeout to answer."""
        self._socket.close(code, reason)
        self._closing.set()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._life.cancel()

    # Its life

    async def serve(self) -> None:
        """Serve the client until it leaves. Raises nothing that a client can cause."""
        upgraded = False
        try:
            # A fault may delay the answer as long as it likes, but not for ever.
            with anyio.move_on_after(self._options.session_seconds):
                upgraded = await self._socket.handshake(self._look)
            if upgraded:
                self._journal.begin(self._visitor.path)
                self._arrived(self)
                await self._stay()
        finally:
            try:
                await self._socket.aclose()
            finally:
                self._over.set()
                self._heard.ring()
                if upgraded:
                    self._journal.end(self.close_code, self.close_reason)

    def _look(self, target: str, headers: Sequence[tuple[str, str]]) -> Refused | None:
        self._visitor = admission.visit(target, headers)
        answer = None
        if not self._visitor.is_realtime:
            answer = Refused(404, "There is nothing here.\n")
        elif (refusal := self._script.refusal(self._serial)) is not None:
            answer = refused(refusal)
        if answer is None:
            self._trouble.before_upgrade()
        else:
            self._journal.tell("refused", f"{self._visitor.path} {answer.status}")
        return answer

    async def _stay(self) -> None:
        with self._life:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._socket.write)
                tasks.start_soon(self._hang_up)
                self._trouble.begin(tasks)
                self._greet(tasks)
                await self._listen()
                with anyio.move_on_after(self._options.close_timeout):
                    await self._socket.drain(0)
                tasks.cancel_scope.cancel()

    def _greet(self, tasks: TaskGroup) -> None:
        driving = Driving(
            self._rulebook(),
            self._options,
            tasks,
            send=self.send_frame,
            close=self.close,
            drain=self._socket.drain,
            failed=self._failed,
        )
        turned_away = self._options.door.turn_away(self._visitor)
        if turned_away is None:
            self._driving = driving
            driving.begin()
        else:
            driving.refuse(turned_away.refusal)
            self.close(turned_away.close_code, turned_away.refusal.close_reason)

    def _rulebook(self) -> Rulebook:
        return Rulebook(
            self._opening(),
            serial=self._serial,
            obfuscate=self._options.obfuscation,
            extras=self._options.extras,
            tokens_per_minute=self._options.tokens_per_minute,
            now=anyio.current_time,
            interpret=self._options.interpreter,
            detector=self._options.detector,
        )

    def _opening(self) -> Opening:
        visitor = self._visitor
        kind = admission.asked_kind(visitor)
        return Opening(
            model=admission.asked_model(visitor) or admission.default_model(kind),
            beta=self._options.door.speaks_beta(visitor),
            kind=kind,
            sideband=admission.is_sideband(visitor),
            expires_at=int(time.time() + self._options.session_seconds),
        )

    async def _listen(self) -> None:
        while (messages := await self._socket.receive()) is not None:
            for message in messages:
                self._hear(message)
            if not self._socket.is_open:
                self._closing.set()
            await self._socket.drain(READER_SHARE * self._options.max_unsent_bytes)

    def _hear(self, message: SocketMessage) -> None:
        self._journal.heard(message.data)
        driving = self._driving
        if driving is not None and self._socket.is_open:
            if self._options.admin and type_of(message.data) == ADMIN_EVENT:
                self._obey(message.data, driving)
            else:
                act = partial(driving.hear, message.data, is_text=message.is_text)
                self._trouble.hear(message.data, act)
        self._heard.ring()

    def _obey(self, message: bytes, driving: Driving) -> None:
        """Let happen what an admin message asks for; there is no other answer to it."""
        event = cast("Payload", msgspec.json.decode(message))
        try:
            fault = fault_from_fields(event)
            if isinstance(fault, Refuse):
                self._script.inject(fault)  # for those that are yet to come
            else:
                self.inject(fault)
        except ConfigurationError as error:
            event_id = event.get("event_id")
            driving.refuse(
                Refusal("invalid_value", f"{error}.", param="fault"),
                event_id if isinstance(event_id, str) else None,
            )

    def _do(self, step: Step) -> None:
        if not isinstance(step, Say):
            self._journal.tell("fault", repr(step))
        elif self.is_open:
            self._journal.said(step.data)
        self._socket.do(step)
        if isinstance(step, Goodbye | Sever):
            self._closing.set()

    async def _hang_up(self) -> None:
        """A client that does not answer CLOSE is dropped."""
        await self._closing.wait()
        with anyio.move_on_after(self._options.session_seconds):
            await self._socket.catch_up()  # it has not been told yet
        await anyio.sleep(self._options.close_timeout)
        self.abort()
