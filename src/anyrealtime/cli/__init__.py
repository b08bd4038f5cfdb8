"""The `anyrealtime` command: what an entry point calls, and nothing of what it does.

    _app           the options, by typer
    _chat          from the options to a connection
    _conversation  questions and answers on it
    _prompt        where a person types
    _serve         the simulator in the foreground
    _log           what it says on stderr
    _fault_help    what can be made to go wrong in it
    _output        stdout and the WAV file
    _interrupt     who gets Ctrl-C
    _exit          exceptions to one line and an exit code

Only this room may print, and it imports late: `--version` and `--help` load neither the
simulator nor an event loop's WebSocket library.
"""

from __future__ import annotations

import sys

__all__ = ["main"]

_EXTRA = frozenset({"typer", "rich", "prompt_toolkit"})


def main() -> int:
    """Run the command with the process's arguments and return its exit code."""
    try:
        from anyrealtime.cli._app import run

        return run(sys.argv[1:])
    except ImportError as exc:
        if exc.name is not None and exc.name.partition(".")[0] not in _EXTRA:
            raise
        line = "error: the command needs more packages: pip install 'anyrealtime[cli]'"
        print(line, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before or after an event loop was there to take the signal
        return 130
