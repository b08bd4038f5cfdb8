"""Who gets Ctrl-C: whoever asked for it, else it ends the program, in order.

Signals are received by a task, never raised into whatever runs: a KeyboardInterrupt between
two lines of an event loop leaves nothing that could be relied on.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

import anyio

Taker: TypeAlias = Callable[[], Awaitable[bool]]
"""Deals with a Ctrl-C, or returns False: then it ends the program after all."""

_SIGNALLED = 128  # what shells add to the number of a signal


class Interrupts:
    """The signals that end a program, and who takes Ctrl-C instead.

    Attributes:
        program: what they cancel.
        ended_by: the number of the one that did, None so far.
    """

    def __init__(self) -> None:
        self.program = anyio.CancelScope()
        self.ended_by: int | None = None
        self._takers: list[Taker] = []

    @contextmanager
    def taken_by(self, taker: Taker) -> Generator[None, None, None]:
        """Ask `taker` first, whenever Ctrl-C comes."""
        self._takers.append(taker)
        try:
            yield
        finally:
            self._takers.remove(taker)

    async def watch(self, signals: AsyncIterator[signal.Signals]) -> None:
        """Deal with signals as they come."""
        async for number in signals:
            if number == signal.SIGINT and self._takers and await self._takers[-1]():
                continue
            self.ended_by = number
            self.program.cancel()


async def supervise(program: Callable[[Interrupts], Awaitable[int]]) -> int:
    """Run `program`, whose SIGINT and SIGTERM are ours, and return its exit code.

    What it raises leaves unchanged. Ended by a signal, the code is 128 plus its number.
    """
    code = 0
    error: Exception | None = None  # carried past the task group, which would wrap it
    interrupts = Interrupts()
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(interrupts.watch, signals)
            with interrupts.program:
                try:
                    code = await program(interrupts)
                except Exception as exc:
                    error = exc
            tasks.cancel_scope.cancel()
    if interrupts.ended_by is not None:
        return _SIGNALLED + interrupts.ended_by
    if error is not None:
        raise error
    return code
