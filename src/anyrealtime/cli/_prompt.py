"""Where a person types: one line at a time, with its editing keys and a history.

prompt_toolkit runs on asyncio alone, so it gets a thread of its own on either backend. It
writes to stderr where that is a terminal: stdout is for answers. The history lives as long
as the command; nothing that was typed is kept on disk.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Protocol

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from prompt_toolkit import PromptSession
from prompt_toolkit.output import create_output


class Asker(Protocol):
    """Whoever is asked for the next line."""

    async def ask(self) -> str | None:
        """The next line, None where there will be no more."""
        ...


class Prompt:
    """A prompt on the terminal, where `message` stands before what is typed."""

    def __init__(self, message: str = "> ") -> None:
        self._message = message
        terminal = sys.stderr if sys.stderr.isatty() else sys.stdout
        self._session: PromptSession[str] = PromptSession(output=create_output(stdout=terminal))
        self._ended = False

    async def ask(self) -> str | None:
        """A line that is not empty, None after Ctrl-D. Ctrl-C begins the line again.

        Cancelling takes the prompt off the terminal and leaves that as it was.
        """
        text = None
        self._ended = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_when_cancelled)
            text = await anyio.to_thread.run_sync(self._read)
            tasks.cancel_scope.cancel()
        await checkpoint_if_cancelled()  # the thread ended because of that, not of a key
        return text

    async def _end_when_cancelled(self) -> None:
        """The thread cannot be cancelled; the application in it can be told to exit."""
        try:
            await anyio.sleep_forever()
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        loop = self._session.app.loop
        if loop is not None:  # else `_exit_if_ended` is called as soon as there is one
            with suppress(RuntimeError):  # closed: a line was entered in this very moment
                loop.call_soon_threadsafe(self._exit_if_ended)

    def _read(self) -> str | None:
        """Runs in the thread."""
        while True:
            try:
                text = self._session.prompt(
                    self._message, pre_run=self._exit_if_ended, handle_sigint=False
                ).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None
            if text:
                return text

    def _exit_if_ended(self) -> None:
        """Runs in the application, at its start and when it is told to end."""
        application = self._session.app
        if self._ended and application.is_running and not application.is_done:
            application.exit(exception=EOFError)
