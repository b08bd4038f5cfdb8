"""The servers that the runtime's tests play against, and the frames they send.

`FakeTransport` is the connection in the test's own hands: what is delivered in one call
arrives in one read, and every way of misbehaving is an attribute. Sockets are in
`sockets.py`. Nothing here waits by itself or asserts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from anyrealtime import Connection, EventStream, TransportClosed, open_realtime
from anyrealtime._protocol._replies import Pending
from anyrealtime.errors import ClosedBy
from anyrealtime.events import ResponseOutputTextDelta, Session, SessionUpdate
from anyrealtime.testing import MemoryPeer, memory_transport_pair

LIMIT: Final = 15.0  # seconds a test may take on a busy machine
NEVER: Final = 4 * LIMIT  # a timeout that, waited out, fails the test


def frame(type_: str, /, **fields: object) -> bytes:
    """A server event as it travels."""
    return json.dumps({"type": type_, **fields}).encode()


def session_frame(type_: str = "session.created", /, **fields: object) -> bytes:
    """`session.created`, or another event that carries a session."""
    return frame(type_, session={"type": "realtime", "id": "sess_1", **fields})


def text(number: object) -> bytes:
    """An event of the bulk of the traffic, with a number to tell it by."""
    return frame("response.output_text.delta", delta=str(number))


def error_frame(
    code: str | None = "invalid_value", *, event_id: str | None = None, **fields: object
) -> bytes:
    """An `error` event; `event_id` is that of the client's event it blames."""
    detail: dict[str, object] = {"type": "invalid_request_error", "message": "No."}
    return frame("error", error={**detail, "code": code, "event_id": event_id, **fields})


CREATED: Final = session_frame()


class FakeTransport:
    """A transport whose every move is the test's.

    Attributes:
        sent: the frames the client sent, in order.
        sends: how many frames each call of `send` took.
        closings: the codes and reasons of the calls of `aclose`.
        sent_at_closings: how many frames had been sent by then.
        aborted: whether the connection was dropped.
        can_send: while false, `send` waits, as for a peer that does not read.
        answers_close: if false, `aclose` waits for a peer that never answers.
        send_error, close_error: raised by `send` and by `aclose`.
        on_abort: called when the connection is dropped.
    """

    def __init__(self, *arrived: bytes) -> None:
        self.sent: list[bytes] = []
        self.sends: list[int] = []
        self.closings: list[tuple[int, str]] = []
        self.sent_at_closings: list[int] = []
        self.aborted = False
        self.can_send = True
        self.answers_close = True
        self.send_error: Exception | None = None
        self.close_error: Exception | None = None
        self.on_abort: Callable[[], object] = lambda: None
        self._arrived = list(arrived)
        self._ending: Callable[[], Exception] | None = None
        self._changed = anyio.Event()

    # What the test does

    def deliver(self, *frames: bytes) -> None:
        """Let `frames` arrive in one read."""
        self._arrived += frames
        self.change()

    def end(self, code: int = 1006, by: ClosedBy = "network", reason: str = "") -> None:
        """Let the connection be over, after what was delivered. The first end stands."""
        self.fail(lambda: TransportClosed(code, reason, by))

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """Let `receive` raise, after what was delivered. The first end stands."""
        if self._ending is None:
            self._ending = make_error
            self.change()

    def change(self) -> None:
        """Let whoever waits look again."""
        self._changed.set()
        self._changed = anyio.Event()

    @property
    def pending(self) -> int:
        """How many frames were delivered and not yet read."""
        return len(self._arrived)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The frames the client sent, as JSON."""
        return [json.loads(sent) for sent in self.sent]

    # What the runtime does

    @property
    def raw(self) -> object:
        return self

    async def receive(self) -> list[bytes]:
        await checkpoint_if_cancelled()
        while not self._arrived:
            if self._ending is not None:
                raise self._ending()
            await self._changed.wait()
        frames, self._arrived = self._arrived, []
        return frames

    async def send(self, frames: Sequence[bytes]) -> None:
        await checkpoint()
        if self.send_error is not None:
            raise self.send_error
        while not self.can_send or self._ending is not None:
            if self._ending is not None:
                raise self._ending()
            await self._changed.wait()
        self.sent += frames
        self.sends.append(len(frames))

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        self.closings.append((code, reason))
        self.sent_at_closings.append(len(self.sent))
        try:
            if self.close_error is not None:
                raise self.close_error
            await checkpoint()
            if not self.answers_close and not self.aborted:
                await anyio.sleep_forever()
            self.end(code, "client", reason)
        finally:
            self.abort()

    def abort(self) -> None:
        self.aborted = True
        self.on_abort()
        self.end(1006, "client")


@asynccontextmanager
async def opened(
    *arrived: bytes, **options: Any
) -> AsyncGenerator[tuple[Connection, FakeTransport]]:
    """An open connection to a fake; what has `arrived` comes with the announcement."""
    with anyio.fail_after(LIMIT):
        wire = FakeTransport(CREATED, *arrived)
        async with open_realtime(transport=wire, **options) as connection:
            yield connection, wire


@asynccontextmanager
async def served(
    script: Callable[[MemoryPeer], Coroutine[Any, Any, object]], **options: Any
) -> AsyncGenerator[Connection]:
    """An open connection to a server in memory that plays `script`."""
    transport, peer = memory_transport_pair()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(script, peer)
            async with open_realtime(transport=transport, **options) as connection:
                yield connection
            tasks.cancel_scope.cancel()


def pending_command(connection: Connection, event_id: str) -> Pending:
    """Enter a command of that id, as a call that waits for its answer does."""
    lifetime = connection._lifetime
    event = SessionUpdate(session=Session(), event_id=event_id)
    return lifetime.replies.expect(event, lifetime.changed)


async def arrived() -> None:
    """Give every task its turns until what was delivered has been taken in.

    A turn runs each task that can run; the longest way from a frame to the program takes
    about ten. `anyio.wait_all_tasks_blocked` would do, but waits 0.1 s on asyncio.
    """
    for _ in range(50):
        await checkpoint()


async def to_end(stream: Connection | EventStream[Any]) -> tuple[list[str], Exception | None]:
    """The texts a stream gives up to its end, and what it raised there."""
    texts: list[str] = []
    try:
        async for event in stream:
            if isinstance(event, ResponseOutputTextDelta):
                texts.append(event.delta)  # noqa: PERF401 - kept when the stream raises
    except Exception as exc:
        return texts, exc
    return texts, None
