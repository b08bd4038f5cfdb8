"""A server in the foreground: its address on stdout, and its end by SIGINT or SIGTERM."""

from __future__ import annotations

import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Protocol

import anyio

from anyrealtime.cli._exit import CommandError, ExitCode, say


class Server(Protocol):
    """What listens, and where."""

    @property
    def url(self) -> str:
        """A ws or wss URL without a query."""
        ...

    @property
    def base_url(self) -> str:
        """The same as an SDK wants it."""
        ...


async def until_stopped(
    opening: AbstractAsyncContextManager[Server], *, host: str, port: int
) -> None:
    """Open a server, print its URL as the first line, and close it when a signal says so.

    Raises:
        CommandError: it cannot listen there.
    """
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM))
        try:
            server = await stack.enter_async_context(opening)
        except OSError as exc:
            why = exc.strerror or str(exc)
            raise CommandError(f"cannot listen on {host}:{port}: {why}", ExitCode.USAGE) from exc
        print(server.url, flush=True)
        say(f"OPENAI_BASE_URL={server.base_url} is the same place; Ctrl-C ends it")
        await anext(signals)
