"""`anyrealtime serve`: the simulator in the foreground, for as long as nobody stops it.

The first line on stdout is the address, for scripts; everything else goes to stderr.
"""

from __future__ import annotations

import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Literal

import anyio

from anyrealtime.cli._exit import CommandError, ExitCode, say
from anyrealtime.simulator import Simulator, open_simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the user asked for; see the help of the command. `pace` in seconds."""

    host: str
    port: int
    pace: float
    dialect: Literal["auto", "ga", "beta"]
    models: tuple[str, ...]
    api_key: str | None
    backend: Literal["asyncio", "trio"]


def serve(options: ServeOptions) -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CommandError: it cannot listen there.
    """
    return anyio.run(_serve, options, backend=options.backend)


async def _serve(options: ServeOptions) -> int:
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM))
        try:
            simulator = await stack.enter_async_context(_opened(options))
        except OSError as exc:
            place = f"{options.host}:{options.port}"
            why = exc.strerror or str(exc)
            raise CommandError(f"cannot listen on {place}: {why}", ExitCode.USAGE) from exc
        print(simulator.url, flush=True)
        say(f"OPENAI_BASE_URL={simulator.base_url} is the same place; Ctrl-C ends it")
        await anext(signals)
    return ExitCode.OK


def _opened(options: ServeOptions) -> AbstractAsyncContextManager[Simulator]:
    return open_simulator(
        host=options.host,
        port=options.port,
        pace=options.pace,
        dialect=options.dialect,
        models=options.models or None,
        api_key=options.api_key,
        record=False,  # nobody would read it, and a server may live long
    )
