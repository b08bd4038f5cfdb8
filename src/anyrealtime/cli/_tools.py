"""`anyrealtime chat --tools FILE`: the functions of a file of the user's, run for the model.

The file is executed as a program is; what it marks by `@tool` is offered. Calls that need
approval are asked about on the terminal, and where there is none are not approved.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import anyio
import msgspec

from anyrealtime import Connection, ConnectionClosed
from anyrealtime.cli._exit import CommandError, ExitCode, harmless, say
from anyrealtime.tools import Approval, ApprovalRequest, Tool, ToolCallFinished, toolset


class Toolkit:
    """The tools of a Python file.

    Raises:
        CommandError: it cannot be run.
        ConfigurationError: it has no tools.
    """

    def __init__(self, path: Path) -> None:
        loader = SourceFileLoader(f"anyrealtime_tools_{path.stem}", str(path))
        spec = spec_from_loader(loader.name, loader)
        assert spec is not None
        module = module_from_spec(spec)
        sys.modules[loader.name] = module  # where annotations are looked up
        try:
            loader.exec_module(module)
        except Exception as exc:
            raise CommandError(
                f"--tools {path}: {type(exc).__name__}: {exc}", ExitCode.USAGE
            ) from exc
        self.tools: tuple[Tool[..., Any], ...] = toolset(module)

    async def approve(self, request: ApprovalRequest) -> Approval:
        """Ask the person at the terminal."""
        if not (sys.stdin and sys.stdin.isatty()):
            return Approval(approve=False, reason="Nobody is there to approve of it.")
        from anyrealtime.cli._prompt import Prompt

        given = msgspec.json.encode(request.arguments, enc_hook=repr).decode()
        question = harmless(f"{request.name} {given}: run it? (y/n) ")
        answer = await Prompt(question).ask()
        return Approval(approve=(answer or "").lower() in ("y", "yes"))

    @asynccontextmanager
    async def told(self, connection: Connection) -> AsyncGenerator[None, None]:
        """Say on stderr how each call ended, for the length of a block."""
        error: Exception | None = None  # carried past the task group, which would wrap it
        async with (
            anyio.create_task_group() as tasks,
            connection.subscribe(ToolCallFinished) as finished,
        ):

            async def tell() -> None:
                with suppress(ConnectionClosed):  # the block is told
                    async for call in finished:
                        outcome = call.outcome.replace("_", " ")
                        say(f"{call.name}: {outcome} after {call.duration:.1f} s")

            tasks.start_soon(tell)
            try:
                yield
            except Exception as exc:
                error = exc
            tasks.cancel_scope.cancel()
        if error is not None:
            raise error
