"""`anyrealtime serve`: the simulator in the foreground, for as long as nobody stops it.

The first line on stdout is the address, for scripts; everything else goes to stderr.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from anyrealtime.cli._exit import CommandError, ExitCode
from anyrealtime.cli._foreground import until_stopped
from anyrealtime.cli._log import Log
from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import (
    Echo,
    Model,
    Scripted,
    Simulator,
    default_model,
    open_simulator,
    parse_fault,
)
from anyrealtime.simulator.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What the user asked for; see the help of the command. `pace` in seconds."""

    host: str
    port: int
    pace: float
    dialect: Literal["auto", "ga", "beta"]
    models: tuple[str, ...]
    script: Path | None
    answer: Literal["talk", "echo"]
    voice: Literal["tones", "espeak-ng", "hibari", "auto"]
    recogniser: Literal["script", "pocketsphinx", "whisper", "auto"]
    detector: Literal["energy", "webrtcvad", "silero", "auto"]
    api_key: str | None
    session_seconds: float
    tokens_per_minute: int | None
    obfuscation: bool
    extras: bool
    faults: tuple[str, ...]
    fault_seed: int
    admin: bool
    log: bool
    backend: Literal["asyncio", "trio"]


def serve(options: ServeOptions) -> int:
    """Serve until SIGINT or SIGTERM. One client's trouble is told, and ends nobody else's session.

    Raises:
        CommandError: it cannot listen there, or an option makes no sense.
    """
    log = Log(everything=options.log)
    opening = _opened(options, _model(options), [_fault(text) for text in options.faults], log)
    return anyio.run(_serve, options, opening, log, backend=options.backend)


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ConfigurationError as exc:
        raise CommandError(f"--fault {text}: {exc}", ExitCode.USAGE) from exc


async def _serve(
    options: ServeOptions, opening: AbstractAsyncContextManager[Simulator], log: Log
) -> int:
    try:
        await until_stopped(opening, host=options.host, port=options.port)
    except Exception as exc:
        if exc is not log.first_failure:
            raise
        return ExitCode.REFUSED  # it was told when it happened
    return ExitCode.OK


def _opened(
    options: ServeOptions, model: Model, faults: list[Fault], log: Log
) -> AbstractAsyncContextManager[Simulator]:
    return open_simulator(
        host=options.host,
        port=options.port,
        model=model,
        voice=options.voice,
        recogniser=options.recogniser,
        detector=options.detector,
        pace=options.pace,
        dialect=options.dialect,
        models=options.models or None,
        api_key=options.api_key,
        session_seconds=options.session_seconds,
        tokens_per_minute=options.tokens_per_minute,
        obfuscation=options.obfuscation,
        extras=options.extras,
        faults=faults,
        fault_seed=options.fault_seed,
        admin=options.admin,
        record=False,  # nobody would read it, and a server may live long
        watch=log,
    )


def _model(options: ServeOptions) -> Model:
    if options.script is None:
        return Echo() if options.answer == "echo" else default_model
    if options.answer != "talk":
        raise CommandError(f"--answer {options.answer}: the script answers", ExitCode.USAGE)
    try:
        return Scripted.from_toml(options.script)
    except OSError as exc:
        why = f"{exc.filename or options.script}: {exc.strerror or exc}"
        raise CommandError(f"--script: cannot read {why}", ExitCode.USAGE) from exc
