"""The three ways to connect, each run of a test by one of them, and what every run shares."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeAlias, TypeVar

import anyio
import pytest

from anyrealtime import Connection, open_realtime
from anyrealtime.events import AnySession, InvalidEvent, ServerEvent
from anyrealtime.testing import record_to
from interop.roster import Step
from interop.wire_logs import running_log_path

E = TypeVar("E")

LIMIT: Final = 20.0  # seconds a conversation may take on a busy machine
KEY: Final = "sk-interop"

TransportName: TypeAlias = Literal["anyio", "trio-websocket"]

TRANSPORTS = pytest.mark.parametrize(
    ("anyio_backend", "transport"),
    [
        pytest.param("asyncio", "anyio", id="asyncio-anyio"),
        pytest.param("trio", "anyio", id="trio-anyio"),
        pytest.param("trio", "trio-websocket", id="trio-websocket"),
    ],
)


def step(name: Step) -> pytest.MarkDecorator:
    """Says which step of the table a test is about."""
    return pytest.mark.step(name)


@asynccontextmanager
async def connect(
    base_url: str,
    transport: TransportName,
    *,
    session: AnySession | None = None,
    dialect: Literal["ga", "beta"] = "ga",
    errors: Literal["raise", "deliver"] = "raise",
    intent: Literal["transcription"] | None = None,
) -> AsyncGenerator[Connection, None]:
    """`open_realtime` to a server on this machine, whatever the environment says, with a log."""
    with record_to(running_log_path(), audio="elide") as recorder:
        async with open_realtime(
            None if intent else "gpt-realtime",
            base_url=base_url,
            api_key=KEY,
            session=session,
            dialect=dialect,
            errors=errors,
            intent=intent,
            transport=transport,
            proxy=False,
            tap=recorder,
        ) as connection:
            yield connection


async def receive_until(connection: Connection, kind: type[E]) -> tuple[list[ServerEvent], E]:
    """The events up to the first of `kind`, and that one. None of them may be undecodable."""
    events: list[ServerEvent] = []
    with anyio.fail_after(LIMIT):
        async for event in connection:
            assert not isinstance(event, InvalidEvent), event
            events.append(event)
            if isinstance(event, kind):
                return events, event
    raise AssertionError(f"the connection ended without {kind.__name__}: {kinds(events)}")


def kinds(events: list[ServerEvent]) -> list[str]:
    """The types of `events`, a run of the same one counted once."""
    found: list[str] = []
    for event in events:
        if found[-1:] != [event.type]:
            found.append(event.type)
    return found
