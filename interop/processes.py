"""Runs servers that others wrote, on loopback, for as long as a block lasts."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is running; `url` is where, as it said itself."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(
    command: Sequence[str | Path],
    *,
    announces: str,
    log: Path,
    env: Mapping[str, str] | None = None,
) -> Generator[Server]:
    """Start a server and wait until its output says so; group 1 of `announces` is its URL."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=log.parent,
        )
    try:
        yield Server(_announced(process, re.compile(announces), log), process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)


def _announced(process: subprocess.Popen[bytes], pattern: re.Pattern[str], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        said = log.read_text(encoding="utf-8", errors="replace")
        if match := pattern.search(said):
            return match[1]
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start; it said:\n{said}")
        time.sleep(0.02)


def free_port() -> int:
    """A port nobody listens on, for servers that will not choose one."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
