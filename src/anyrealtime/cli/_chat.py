"""`anyrealtime chat`: from the user's options to a connection with a conversation on it.

What is said there is `_conversation`'s. What goes wrong is raised, for `_exit` to explain.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
from msgspec import UNSET

from anyrealtime import Connection, open_realtime
from anyrealtime.cli._conversation import Conversation, Printed, Show, Shown, check, converse
from anyrealtime.cli._exit import CommandError, ExitCode, say
from anyrealtime.cli._interrupt import Interrupts, supervise
from anyrealtime.cli._output import SAMPLE_RATE_HZ, WavFile, choose_screen
from anyrealtime.events import (
    AudioConfig,
    AudioFormat,
    AudioOutput,
    Session,
)

if TYPE_CHECKING:
    from anyrealtime.testing import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """What the user asked for; see the help of the command. `timeout` in seconds."""

    text: str | None
    model: str
    url: str | None
    backend: Literal["asyncio", "trio"] | None
    transport: Literal["anyio", "trio-websocket"]
    dialect: Literal["ga", "beta"]
    audio: Path | None
    raw: bool
    record: Path | None
    instructions: str | None
    timeout: float
    tools: Path | None = None


def chat(options: ChatOptions) -> int:
    """Ask what the user gave, or go on asking the user, and return the exit code.

    Raises:
        CommandError: there is nothing to ask, or an answer is not whole.
        RealtimeError: the connection failed, or the response did.
    """
    text = _question(options.text)
    backend = options.backend or ("trio" if options.transport == "trio-websocket" else "asyncio")
    with ExitStack() as stack:
        wav = None if options.audio is None else stack.enter_context(WavFile(options.audio))
        tap = None if options.record is None else stack.enter_context(_recording(options.record))
        return anyio.run(supervise, partial(_chat, options, text, wav, tap), backend=backend)


def _recording(path: Path) -> AbstractContextManager[Recorder]:
    from anyrealtime.cli._recording import recording

    return recording(path)


def _question(text: str | None) -> str | None:
    """What was given as an argument or on stdin; None where a person is to be asked."""
    try:
        if text is None and sys.stdin is not None:  # None: closed by whoever started us
            if sys.stdin.isatty():
                return None
            text = sys.stdin.buffer.read().decode()
        text = (text or "").strip()
        text.encode()  # arguments may hold bytes that are no text
    except UnicodeError as exc:
        raise CommandError("the text is not valid UTF-8", ExitCode.USAGE) from exc
    if not text:
        raise CommandError("there is no text: give one, or pipe one in", ExitCode.USAGE)
    return text


async def _chat(
    options: ChatOptions,
    text: str | None,
    wav: WavFile | None,
    tap: Recorder | None,
    interrupts: Interrupts,
) -> int:
    session = _session(options)
    toolkit = None
    if options.tools is not None:
        from anyrealtime.cli._tools import Toolkit

        toolkit = Toolkit(options.tools)
    async with (
        _server(options.url) as url,
        open_realtime(
            options.model,
            # With --raw it is sent in the block, so that its answer is among the frames.
            session=None if options.raw else session,
            url=url,
            dialect=options.dialect,
            transport=options.transport,
            connect_timeout=options.timeout,
            tools=toolkit.tools if toolkit else None,
            approve=toolkit.approve if toolkit else None,
            tap=tap,
        ) as connection,
        toolkit.told(connection) if toolkit else nullcontext(),
        _show(connection, wav, raw=options.raw) as show,
    ):
        conversation = Conversation(connection, show)
        if options.raw:
            await connection.session.update(session)
        if text is None:
            from anyrealtime.cli._prompt import Prompt

            await converse(conversation, Prompt(), interrupts)
        else:
            check(await conversation.ask(text))
    return ExitCode.OK


def _session(options: ChatOptions) -> Session:
    audio = AudioConfig(
        output=AudioOutput(format=AudioFormat(type="audio/pcm", rate=SAMPLE_RATE_HZ))
    )
    return Session(
        output_modalities=["audio"] if options.audio else ["text"],
        audio=audio if options.audio else UNSET,
        instructions=UNSET if options.instructions is None else options.instructions,
    )


@asynccontextmanager
async def _server(url: str | None) -> AsyncGenerator[str | None, None]:
    """The URL to connect to, None for what the environment says; a simulator if it says nothing."""
    if url is not None or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        yield url
        return
    from anyrealtime.simulator import open_simulator

    async with open_simulator(record=False) as simulator:
        say("OPENAI_API_KEY is not set: a simulator on this machine answers")
        yield simulator.url


@asynccontextmanager
async def _show(
    connection: Connection, wav: WavFile | None, *, raw: bool
) -> AsyncGenerator[Show, None]:
    """What becomes of answers; with `raw`, everything else that comes is printed, too."""
    if not raw:
        yield Shown(choose_screen(), wav)
        return
    async with connection.raw_frames() as frames:
        yield Printed(frames, wav)
