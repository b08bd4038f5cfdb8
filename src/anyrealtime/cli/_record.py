"""`anyrealtime record`: another command, whose Realtime connections are recorded on their way.

The command is run with OPENAI_BASE_URL pointing at a proxy of ours; nothing of it is changed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import anyio
from anyio.abc import Process

from anyrealtime.cli._exit import CommandError, ExitCode, complain, say
from anyrealtime.cli._recording import recording
from anyrealtime.testing import Recorder
from anyrealtime.testing._proxy import proxying

_OPENAI: Final = "https://api.openai.com/v1"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_SIGNALLED: Final = 128  # what shells add to the number of a signal
_OURS: Final = "/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """What the user asked for; see the help of the command."""

    path: Path
    command: tuple[str, ...]
    url: str | None
    audio: Literal["keep", "elide", "hash"]
    backend: Literal["asyncio", "trio"]


def record(options: RecordOptions) -> int:
    """Run the command, record its connections and return its exit code.

    Raises:
        CommandError: it cannot be run, or the recording cannot be written.
    """
    with recording(options.path, options.audio) as recorder:
        code = anyio.run(_record, options, recorder, backend=options.backend)
        if recorder.connections:
            plural = "" if recorder.connections == 1 else "s"
            say(f"{recorder.connections} connection{plural} recorded into {options.path}")
        else:
            say("nothing was recorded: the command did not connect to OPENAI_BASE_URL")
    return code


async def _record(options: RecordOptions, recorder: Recorder) -> int:
    async with (
        _upstream(options.url) as (base, lacking),
        proxying(_Destination(base), recorder, told=complain) as place,
    ):
        environment = {**os.environ, **lacking, "OPENAI_BASE_URL": f"http://{place}{_OURS}"}
        return await _run(options.command, environment)


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command at our terminal and return its exit code, 128 and more for a signal."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        try:
            process = await anyio.open_process(
                command, stdin=None, stdout=None, stderr=None, env=environment
            )
        except OSError as exc:
            raise CommandError(f"cannot run {command[0]}: {exc.strerror}", ExitCode.USAGE) from exc
        async with process, anyio.create_task_group() as tasks:
            tasks.start_soon(_hand_on, signals, process)
            await process.wait()
            tasks.cancel_scope.cancel()
    code = process.returncode or 0
    return _SIGNALLED - code if code < 0 else code


async def _hand_on(signals: AsyncIterator[signal.Signals], process: Process) -> None:
    """Let the command decide what ends it. A terminal's Ctrl-C has reached it already."""
    async for number in signals:
        if number == signal.SIGTERM:
            process.terminate()


class _Destination:
    """Where a request of the command's goes on to.

    Args:
        base: a base URL, as OPENAI_BASE_URL has it; or a whole endpoint, ending in /realtime.
    """

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        if parts.scheme not in _SCHEMES or not parts.netloc:
            raise CommandError(
                "the server's URL must begin with http://, https://, ws:// or wss://",
                ExitCode.USAGE,
            )
        self._origin = f"{_SCHEMES[parts.scheme]}://{parts.netloc}"
        self._path = parts.path.rstrip("/").removesuffix("/realtime")
        self._query = parts.query

    def __call__(self, target: str) -> str:
        """The URL for the target of a request: its path below ours, and its query or ours."""
        path, _, query = target.partition("?")
        query = query or self._query
        return f"{self._origin}{self._path}{path.removeprefix(_OURS)}" + (query and f"?{query}")


@asynccontextmanager
async def _upstream(url: str | None) -> AsyncGenerator[tuple[str, Mapping[str, str]], None]:
    """Where to go on to, and what the command's environment lacks for it."""
    base = url or os.environ.get("OPENAI_BASE_URL")
    if base or os.environ.get("OPENAI_API_KEY"):
        yield base or _OPENAI, {}
        return
    from anyrealtime.simulator import open_simulator

    async with open_simulator(record=False) as simulator:
        say("OPENAI_API_KEY is not set: a simulator on this machine answers")
        yield simulator.base_url, {"OPENAI_API_KEY": "none-is-needed"}  # SDKs insist on one
