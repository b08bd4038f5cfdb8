"""The command as a child process: run to its end, served from, or at a terminal of ours.

Nothing here sleeps: every wait is for output or for the process's end, and is bounded.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple

# Warnings are errors in the child, too: a leak shows on its stderr.
COMMAND = [sys.executable, "-W", "error", "-m", "anyrealtime"]
PATIENCE = 30.0  # seconds; the machine may be busy

PROMPT = b"\x1b[?2004h"  # the prompt turns bracketed paste on when it is ready
_LEAVE_OUT = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"}
# Makes the terminal the controlling one, whose Ctrl-C is a signal, and becomes the command.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_ROWS, _COLUMNS = 24, 80


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: no keys, no proxies, a terminal like any other."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _LEAVE_OUT and not name.lower().endswith("_proxy")
    }
    return {**kept, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", **more}


def run(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**env),
        check=False,
    )


@contextmanager
def started(*arguments: str, **env: str) -> Generator[subprocess.Popen[str], None, None]:
    """The command, running; killed at the end if it still does."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**env),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line of its stdout; pytest-timeout bounds it."""
    assert process.stdout is not None
    return process.stdout.readline()


class Served(NamedTuple):
    """A running `anyrealtime serve`."""

    url: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """Interrupt it, unless it has ended, and wait for its good end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 0


@contextmanager
def serving(*arguments: str) -> Generator[Served, None, None]:
    """`anyrealtime serve`, which must end well when it is told to."""
    with started("serve", *arguments) as process:
        served = Served(read_line(process).strip(), process)
        yield served
        served.stop()


class Deaf:
    """A server that takes TCP connections and never says a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)
        self._peers: list[socket.socket] = []
        self.url = f"ws://127.0.0.1:{self._socket.getsockname()[1]}/v1/realtime"

    def accept(self) -> None:
        """Wait for a client."""
        self._peers.append(self._socket.accept()[0])

    def close(self) -> None:
        """Hang up on everybody."""
        for peer in (*self._peers, self._socket):
            peer.close()


class Terminal:
    """The command at a pseudo-terminal, which is also its controlling one."""

    def __init__(self, *arguments: str, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=environment(**env),
        )
        os.close(theirs)
        self._unread = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def read_until(self, awaited: bytes) -> bytes:
        """What is shown up to and with `awaited`."""
        deadline = time.monotonic() + PATIENCE
        while awaited not in self._unread:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {awaited!r} in {self._unread!r}")
            if not (data := self._read()):
                raise AssertionError(f"ended without {awaited!r}: {self._unread!r}")
            self._unread += data
        end = self._unread.index(awaited) + len(awaited)
        shown, self._unread = self._unread[:end], self._unread[end:]
        return shown

    def read_to_end(self) -> bytes:
        """What is shown until the command has ended."""
        shown, self._unread = self._unread, b""
        while data := self._read():
            shown += data
        return shown

    @property
    def local_modes(self) -> int:
        """How the terminal is set: the flags that editing at a prompt switches off and on."""
        modes: int = termios.tcgetattr(self._ours)[3]
        return modes

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, 65536)
        except OSError:  # how Linux says that nobody has the other end any more
            return b""
