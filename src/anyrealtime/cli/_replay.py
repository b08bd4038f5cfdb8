"""`anyrealtime replay`: a recording that answers, in the foreground until somebody stops it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from anyrealtime.cli._exit import CommandError, ExitCode, harmless, say
from anyrealtime.cli._foreground import until_stopped
from anyrealtime.simulator import RecordingError, read_recording
from anyrealtime.testing import ReplayMismatch, ReplayServer, replay


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What the user asked for; see the help of the command."""

    path: Path
    host: str
    port: int
    strict: bool
    speed: str | None
    backend: Literal["asyncio", "trio"]


def replay_file(options: ReplayOptions) -> int:
    """Replay until SIGINT or SIGTERM.

    Raises:
        CommandError: the file is no recording, it cannot listen there, an option makes no
            sense; or, where it is strict, a client differed.
    """
    speed = _speed(options.speed)
    try:
        read_recording(options.path)  # what is wrong with it is told before anybody listens
    except OSError as exc:
        raise CommandError(f"cannot read {options.path}: {exc.strerror}", ExitCode.USAGE) from exc
    except RecordingError as exc:
        raise CommandError(str(exc), ExitCode.USAGE) from exc
    try:
        anyio.run(_replay, options, speed, backend=options.backend)
    except ReplayMismatch as exc:
        print(harmless(str(exc)), file=sys.stderr)
        raise CommandError("the client did not do what was recorded", ExitCode.REFUSED) from exc
    return ExitCode.OK


def _speed(text: str | None) -> float | Literal["recorded"] | None:
    if text is None or text == "recorded":
        return None if text is None else "recorded"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise CommandError(
            f'--speed must be "recorded" or a positive number, not {text!r}', ExitCode.USAGE
        )
    return speed


async def _replay(options: ReplayOptions, speed: float | Literal["recorded"] | None) -> None:
    await until_stopped(_told(options, speed), host=options.host, port=options.port)


@asynccontextmanager
async def _told(
    options: ReplayOptions, speed: float | Literal["recorded"] | None
) -> AsyncGenerator[ReplayServer, None]:
    """The server; at its end the user is told what was not recorded."""
    async with replay(
        options.path, strict=options.strict, speed=speed, host=options.host, port=options.port
    ) as server:
        yield server
        if not options.strict:
            for kind, count in Counter(event.type for event in server.unexpected).items():
                times = "" if count == 1 else f", {count} times"
                say(f"not recorded: {kind or 'a frame that is no event'}{times}")
