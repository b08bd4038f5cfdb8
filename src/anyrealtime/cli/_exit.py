"""How the command ends: every exception becomes one line on stderr and a code for scripts.

The codes are documented in the help of the command. Nothing else in this room decides on
them by number, and no message is made up here that an exception has already.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import Final, Protocol, runtime_checkable

from anyrealtime.errors import (
    ConfigurationError,
    ConnectFailed,
    ConnectionClosed,
    InternalError,
    RealtimeError,
)


class ExitCode(IntEnum):
    """What a script may tell the ends of the command by."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    LOST = 4
    INTERRUPTED = 130


EXIT_CODES: Final = """\b
Exit codes:
  0    fine, also if whoever read our output stopped reading
  1    the server refused, or the response failed or is incomplete
  2    wrong usage or configuration
  3    could not connect: unknown host, refused, HTTP status, timeout
  4    the connection was lost
  130  interrupted by Ctrl-C; 143 by SIGTERM"""

# What the library calls by the name of its argument, as the user of the command knows it.
_NAMES: Final = {
    "api_key": "OPENAI_API_KEY",
    "base_url": "OPENAI_BASE_URL",
    "connect_timeout": "--timeout",
    "dialect": "--dialect",
    "model": "--model",
    "transport": "--transport",
    "url": "--url",
}
_CONTROLS: Final = dict.fromkeys(
    code for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
)
_ARGUMENT: Final = re.compile(rf"^({'|'.join(_NAMES)})= ?")


class CommandError(Exception):
    """The command cannot go on; the message is for the user."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


@runtime_checkable
class _WrongUsage(Protocol):
    """What typer raises for wrong arguments, by whatever name it has in this version."""

    def format_message(self) -> str: ...


def guarded(work: Callable[[], int], *, debug: bool = False) -> int:
    """Return the exit code of `work`, which has told the user about every exception of its.

    Args:
        debug: print the traceback, too.
    """
    try:
        return work()
    except BrokenPipeError:
        _leave_stdout()
        return ExitCode.OK
    except ImportError:
        raise  # the entry point knows about the extra
    except Exception as exc:
        if debug:
            traceback.print_exception(exc)
        message, code = explain(exc)
        complain(message)
        return code


def explain(exc: Exception) -> tuple[str, ExitCode]:
    """What to say about `exc`, and the code to end with."""
    if isinstance(exc, CommandError):
        return str(exc), exc.code
    if isinstance(exc, ConfigurationError):
        return _ARGUMENT.sub(lambda found: f"{_NAMES[found[1]]} ", str(exc)), ExitCode.USAGE
    if isinstance(exc, ConnectFailed):
        # With an HTTP status no WebSocket came about; without one, an `error` event came over it.
        refused = exc.status is None and (exc.code or exc.type)
        return str(exc), ExitCode.REFUSED if refused else ExitCode.UNREACHABLE
    if isinstance(exc, ConnectionClosed):
        return str(exc), ExitCode.LOST
    if isinstance(exc, RealtimeError) and not isinstance(exc, InternalError):
        return str(exc), ExitCode.REFUSED
    if isinstance(exc, _WrongUsage):
        return exc.format_message(), ExitCode.USAGE
    what = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    return f"unexpected {what} (--debug shows where)", ExitCode.REFUSED


def complain(message: str) -> None:
    """Write one line on stderr that begins with "error:"."""
    say(message, label="error")


def say(message: str, *, label: str | None = None) -> None:
    """Write one line on stderr, whatever the message holds."""
    from rich.console import Console
    from rich.text import Text

    line = Text(style="" if label else "dim")
    if label:
        line.append(f"{label}: ", style="bold red")
    line.append(harmless(" ".join(message.split())))
    Console(stderr=True, soft_wrap=True).print(line)


def harmless(text: str) -> str:
    """Leave out what moves a terminal's cursor, or worse: a server's text is nobody's program."""
    return text.translate(_CONTROLS)


def _leave_stdout() -> None:
    """Let the interpreter flush what is left into nothing, in silence."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
