"""Where answers go: text to stdout, live on a terminal and plain elsewhere; sound to a WAV file.

Everything here blocks: stdout may be a pipe whose reader takes its time, so the caller runs
these in a worker thread and the connection stays alive meanwhile.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from anyrealtime.audio import WavWriter
from anyrealtime.cli._exit import CommandError, ExitCode, harmless

SAMPLE_RATE_HZ: Final = 24_000


class Screen(Protocol):
    """What shows the text of answers, one after another."""

    def show(self, delta: str) -> None:
        """Add to the answer, visible at once."""
        ...

    def end(self) -> None:
        """The answer is over; what comes next begins on a line of its own."""
        ...


class PlainScreen:
    """Text as it is, for pipes and files."""

    def __init__(self) -> None:
        self._at_line_start = True
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # an answer has more letters than some encodings

    def show(self, delta: str) -> None:
        """Write and flush."""
        if delta:
            sys.stdout.write(delta)
            sys.stdout.flush()
            self._at_line_start = delta.endswith("\n")

    def end(self) -> None:
        """Finish the line."""
        if not self._at_line_start:
            self.show("\n")


class LiveScreen:
    """Text broken between words, for terminals.

    Only the paragraph that is growing is drawn again and again: what is finished scrolls away
    as on any terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._paragraph = ""

    def show(self, delta: str) -> None:
        """Draw the paragraph with what it gained."""
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        finished, newline, rest = (self._paragraph + harmless(delta)).rpartition("\n")
        if newline:
            self._live.update(Text(""))
            self._console.print(Text(finished))
        self._paragraph = rest
        self._live.update(Text(rest), refresh=True)

    def end(self) -> None:
        """Leave what was drawn, and the cursor below it."""
        if self._live is not None:
            self._live.stop()
            self._live, self._paragraph = None, ""


def choose_screen() -> Screen:
    """The screen that suits what stdout is."""
    console = Console(highlight=False)
    if sys.stdout.isatty() and not console.is_dumb_terminal:
        return LiveScreen(console)
    return PlainScreen()


def write_frame(frame: bytes) -> None:
    """Write a frame as one line on stdout."""
    # A line break in JSON stands between tokens, where a space means the same.
    sys.stdout.buffer.write(frame.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
    sys.stdout.buffer.flush()


class WavFile:
    """A WAV file of 24 kHz PCM16 mono that exists from its first sample on.

    So a command that fails before anything was said leaves an older file as it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: WavWriter | None = None
        place = path if path.exists() else path.resolve().parent
        if path.is_dir() or not os.access(place, os.W_OK):
            raise CommandError(f"cannot write {path}: no file can be made there", ExitCode.USAGE)

    def write(self, pcm: bytes) -> None:
        """Add samples.

        Raises:
            CommandError: the file cannot be written.
        """
        try:
            if self._file is None:
                self._file = WavWriter(self._path, rate_hz=SAMPLE_RATE_HZ)
            self._file.write(pcm)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def __enter__(self) -> WavFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()  # which writes the length into the header
            except OSError as error:
                raise self._unwritable(error) from error

    def _unwritable(self, exc: OSError) -> CommandError:
        return CommandError(f"cannot write {self._path}: {exc.strerror or exc}", ExitCode.USAGE)
