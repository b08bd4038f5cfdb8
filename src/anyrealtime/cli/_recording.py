"""A recording for the length of a command: what may go wrong with the file, in the user's words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from anyrealtime.cli._exit import CommandError, ExitCode
from anyrealtime.testing import Recorder, record_to


@contextmanager
def recording(
    path: Path, audio: Literal["keep", "elide", "hash"] = "keep"
) -> Generator[Recorder, None, None]:
    """Record into a file.

    Raises:
        CommandError: it cannot be written, at the beginning or later.
    """
    with ExitStack() as stack:
        try:
            recorder = stack.enter_context(record_to(path, audio=audio))
        except OSError as exc:
            raise CommandError(f"cannot write {path}: {exc.strerror}", ExitCode.USAGE) from exc
        yield recorder
        if recorder.error is not None:
            raise CommandError(f"{path}: {recorder.error.strerror}", ExitCode.REFUSED)
