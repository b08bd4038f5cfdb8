"""The simulator in a thread of its own: for tests without an event loop, or with any.

What is here may be used from every thread and every event loop; each call is carried out in
the simulator's own. The simulator is imported when one is opened, never with this room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

import anyio.to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from anyrealtime.events import ClientEvent, Event, InvalidEvent, ServerEvent, UnknownEvent

if TYPE_CHECKING:
    from anyrealtime.simulator import Frame, Model, SimulatedConnection, Simulator, SimulatorOptions
    from anyrealtime.simulator.faults import Fault

T = TypeVar("T")
E = TypeVar("E", bound=Event | UnknownEvent | InvalidEvent)


class _Thread:
    """Where the simulator's loop runs."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.ended = False
        self._portal = portal
        self._ident = portal.call(threading.get_ident)

    def call(self, function: Callable[[], T]) -> T:
        """Call `function` there; at once where we are there (in a model), or it has ended."""
        if self.ended or threading.get_ident() == self._ident:
            return function()
        return self._portal.call(function)

    async def wait(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await `function()` there, whatever loop we are in. Cancelling cancels it."""
        future = self._portal.start_task_soon(function)
        try:
            return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)
        finally:
            future.cancel()


class ThreadedConnection:
    """A client that connected, as `anyrealtime.simulator.SimulatedConnection` has it."""

    def __init__(self, connection: SimulatedConnection, thread: _Thread) -> None:
        self._connection = connection
        self._thread = thread

    def __repr__(self) -> str:
        return self._thread.call(self._connection.__repr__)

    @property
    def path(self) -> str:
        """The path it connected to, without the query."""
        return self._connection.path

    @property
    def query(self) -> Mapping[str, str]:
        """The query it connected with."""
        return self._connection.query

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers it connected with, by lower-case name; they may hold a key."""
        return self._connection.headers

    @property
    def subprotocols(self) -> Sequence[str]:
        """The subprotocols it offered."""
        return self._connection.subprotocols

    @property
    def dialect(self) -> Literal["ga", "beta"]:
        """What is spoken on it."""
        return self._thread.call(lambda: self._connection.dialect)

    @property
    def session(self) -> Mapping[str, object]:
        """The session in force, in GA form; empty for a client that was turned away."""
        return self._thread.call(lambda: self._connection.session)

    @property
    def received(self) -> list[ClientEvent]:
        """What the client has sent so far, decoded."""
        return self._thread.call(lambda: self._connection.received)

    @property
    def received_frames(self) -> list[bytes]:
        """What the client has sent so far, message by message."""
        return self._thread.call(self._connection.received_frames.copy)

    @property
    def sent_frames(self) -> list[bytes]:
        """What it was sent so far, message by message."""
        return self._thread.call(self._connection.sent_frames.copy)

    @property
    def frames(self) -> list[Frame]:
        """Both so far, in the order in which they crossed the wire."""
        return self._thread.call(self._connection.frames.copy)

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        return self._thread.call(lambda: self._connection.is_open)

    @property
    def close_code(self) -> int | None:
        """The code of the client's CLOSE frame, None while and where there is none."""
        return self._thread.call(lambda: self._connection.close_code)

    @property
    def close_reason(self) -> str:
        """The reason of the client's CLOSE frame."""
        return self._thread.call(lambda: self._connection.close_reason)

    async def wait_received(self, kind: type[E], count: int = 1) -> E:
        """Wait until the client has sent `count` events of `kind`; return the last of these.

        Cancelling leaves nothing behind.

        Raises:
            EOFError: the connection ended first.
            RuntimeError: nothing is recorded (`record=False`), so it would wait for ever.
        """
        return await self._thread.wait(partial(self._connection.wait_received, kind, count))

    async def wait_closed(self) -> None:
        """Wait until the connection is over. Cancelling leaves nothing behind."""
        await self._thread.wait(self._connection.wait_closed)

    def send(self, event: ServerEvent | Mapping[str, object]) -> None:
        """Send an event the rules would not send; no rule takes notice of it."""
        self._thread.call(partial(self._connection.send, event))

    def send_frame(self, frame: bytes) -> None:
        """Send a text frame as it is, sense or nonsense."""
        self._thread.call(partial(self._connection.send_frame, frame))

    def inject(self, fault: Fault) -> None:
        """Let something go wrong; see `anyrealtime.simulator.faults`. It counts from now.

        Raises:
            ValueError: it could never strike, because the handshake is over.
        """
        self._thread.call(partial(self._connection.inject, fault))

    def press(self, key: str) -> None:
        """Tell the client that somebody on the call pressed `key`: a digit, "*", "#", "A" to "D".

        Raises:
            ValueError: there is no such key, or the client did not join a call (`call_id`).
        """
        self._thread.call(partial(self._connection.press, key))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Send CLOSE behind what is queued; the client gets the close timeout to answer."""
        self._thread.call(partial(self._connection.close, code, reason))

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._thread.call(self._connection.abort)


class ThreadedSimulator:
    """A Realtime server that is listening, as `anyrealtime.simulator.Simulator` has it.

    Attributes:
        port: where it listens.
        url: where a client connects: a ws URL without a query.
        base_url: the same as an SDK wants it: an http URL ending in /v1.
    """

    def __init__(self, simulator: Simulator, thread: _Thread) -> None:
        self.port: int = simulator.port
        self.url: str = simulator.url
        self.base_url: str = simulator.base_url
        self._simulator = simulator
        self._thread = thread

    def __repr__(self) -> str:
        return f"<ThreadedSimulator {self.url} {len(self._simulator.connections)} connections>"

    @property
    def connections(self) -> list[ThreadedConnection]:
        """Every client that was let through the upgrade so far, in order."""
        connections = list(self._simulator.connections)
        return [ThreadedConnection(connection, self._thread) for connection in connections]

    @property
    def model(self) -> Model:
        """Who answers, in the simulator's thread. Another one has the next response."""
        return self._simulator.model

    @model.setter
    def model(self, model: Model) -> None:
        self._simulator.model = model

    def inject(self, fault: Fault) -> None:
        """Let something go wrong for the clients that are yet to come, refusals included."""
        self._thread.call(partial(self._simulator.inject, fault))

    def check(self) -> None:
        """Raise what has gone wrong so far, as leaving the block would; each failure once."""
        self._thread.call(self._simulator.check)

    def explain(self, error: BaseException) -> None:
        """Note on `error` what has gone wrong so far, which may be why; each failure once."""
        self._thread.call(partial(self._simulator.explain, error))


@contextmanager
def open_threaded_simulator(
    **options: Unpack[SimulatorOptions],
) -> Generator[ThreadedSimulator, None, None]:
    """Open a simulator in a thread of its own for as long as the block lasts.

        with open_threaded_simulator(model=lambda request: "Hello!") as simulator:
            ...  # point any Realtime client at simulator.url, of any loop or of none

    Args:
        options: those of `anyrealtime.simulator.open_simulator` that do not concern its socket.

    Raises:
        TypeError: an option that concerns the socket, or none at all.
        Exception: the first exception that a model or the simulator itself raised while it
            was open, when the block is left and raises none of its own.
    """
    from anyrealtime.simulator import open_simulator
    from anyrealtime.simulator._options import check_names

    check_names(options)
    with start_blocking_portal(name="anyrealtime simulator") as portal:
        thread = _Thread(portal)
        try:
            with portal.wrap_async_context_manager(open_simulator(**options)) as simulator:
                yield ThreadedSimulator(simulator, thread)
        finally:
            thread.ended = True
