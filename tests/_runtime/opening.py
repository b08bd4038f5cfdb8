"""An `open_realtime` that is looked at from outside while it is under way."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import pytest

from anyrealtime import ConnectFailed, Connection, open_realtime
from anyrealtime.events import Session
from tests._runtime.peers import LIMIT, FakeTransport, arrived, session_frame

UPDATED: Final = session_frame("session.updated", instructions="Be brief.")
BRIEF: Final = Session(instructions="Be brief.")


class Opening:
    """An `open_realtime` under way: in the block (`connection`), or failed (`error`)."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.error: ConnectFailed | None = None


@asynccontextmanager
async def opening(wire: FakeTransport, **options: Any) -> AsyncGenerator[Opening]:
    """Open in the background, so that the test can look at it before it is done."""
    state = Opening()

    async def run() -> None:
        try:
            async with open_realtime(transport=wire, **options) as state.connection:
                await anyio.sleep_forever()
        except ConnectFailed as error:
            state.error = error

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await arrived()
            yield state
            tasks.cancel_scope.cancel()


async def open_error(wire: FakeTransport, **options: Any) -> ConnectFailed:
    """Open, which must fail, and return the error. The transport must have been dropped."""
    with anyio.fail_after(LIMIT):
        with pytest.raises(ConnectFailed) as caught:
            async with open_realtime(transport=wire, **options):
                pytest.fail("the block began")
    assert wire.aborted
    return caught.value
