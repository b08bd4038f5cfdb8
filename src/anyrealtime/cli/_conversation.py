"""Questions and answers on an open connection: one of them, or as many as a person asks.

Knows responses, and nothing of options and terminals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint

from anyrealtime import Connection, EventStream, ResponseFailed, ResponseHandle
from anyrealtime.cli._exit import CommandError, ExitCode, complain, say
from anyrealtime.cli._interrupt import Interrupts
from anyrealtime.cli._output import Screen, WavFile, write_frame
from anyrealtime.cli._prompt import Asker
from anyrealtime.events import (
    Response,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    decode_envelope,
    decode_server,
)

_ENDS: Final = ("response.done", "response.cancelled")  # the second is some servers' own

Show: TypeAlias = Callable[[ResponseHandle], Awaitable[None]]
"""Shows a response as it comes, to its end."""


class Conversation:
    """A connection that is asked one thing after another."""

    def __init__(self, connection: Connection, show: Show) -> None:
        self._connection = connection
        self._show = show
        self._asking: anyio.CancelScope | None = None

    async def ask(self, text: str) -> Response | None:
        """Ask, show the answer as it comes, and return how it ended; None if it was interrupted.

        Cancelling cancels the response on the server, too.

        Raises:
            ResponseFailed: it failed.
            RequestError, AckTimeout, ConnectionClosed: as `Connection.respond` does.
        """
        self._asking = anyio.CancelScope()
        try:
            with self._asking:
                await self._connection.conversation.item.create(text)
                async with self._connection.respond() as response:
                    await self._show(response)
                    return await response.result()
        finally:
            self._asking = None
        return None

    async def interrupt(self) -> bool:
        """Cancel the answer under way; False if that was tried before and it goes on."""
        await checkpoint()
        if self._asking is None:
            return True  # meant for an answer that was just over
        if self._asking.cancel_called:
            return False
        self._asking.cancel()
        return True


class Shown:
    """Text on a screen, sound in a file."""

    def __init__(self, screen: Screen, wav: WavFile | None) -> None:
        self._screen = screen
        self._wav = wav

    async def __call__(self, response: ResponseHandle) -> None:
        """Show `response`; each message of it on lines of its own. See `Show`."""
        item_id: str | None = None
        try:
            async for event in response:
                match event:
                    case ResponseOutputTextDelta() | ResponseOutputAudioTranscriptDelta():
                        if item_id not in (None, event.item_id):
                            await anyio.to_thread.run_sync(self._screen.end)
                        item_id = event.item_id
                        await anyio.to_thread.run_sync(self._screen.show, event.delta)
                    case ResponseOutputAudioDelta(delta=pcm) if self._wav is not None:
                        await anyio.to_thread.run_sync(self._wav.write, pcm)
                    case _:
                        pass
        finally:
            self._screen.end()


class Printed:
    """Frames on stdout as they came, whatever response they are of; sound in a file besides."""

    def __init__(self, frames: EventStream[bytes], wav: WavFile | None) -> None:
        self._frames = frames
        self._wav = wav

    async def __call__(self, response: ResponseHandle) -> None:
        """Print everything up to the end of `response`. See `Show`."""
        async for frame in self._frames:
            await anyio.to_thread.run_sync(write_frame, frame)
            event = decode_server(frame)
            if isinstance(event, ResponseOutputAudioDelta) and self._wav is not None:
                await anyio.to_thread.run_sync(self._wav.write, event.delta)
            over = response.status != "in_progress"  # though what is printed may be behind
            if over and event.type in _ENDS and _response_id(frame) in (None, response.id):
                return


def _response_id(frame: bytes) -> str | None:
    head = decode_envelope(frame)
    return head.response.id if head and head.response else None


def check(response: Response | None) -> None:
    """Raise what kept a response from being whole, if anything did.

    Raises:
        CommandError: it is incomplete, or somebody cancelled it.
    """
    if response is not None and response.status in ("incomplete", "cancelled"):
        details = response.status_details
        reason = details if isinstance(details, str) else details and details.reason
        why = f": {reason}" if reason else ""
        raise CommandError(f"the response is {response.status}{why}", ExitCode.REFUSED)


async def converse(conversation: Conversation, asker: Asker, interrupts: Interrupts) -> None:
    """Ask what a person types until there is no more; Ctrl-C cancels an answer."""
    say("Ctrl-C stops an answer, Ctrl-D ends the conversation")
    with interrupts.taken_by(conversation.interrupt):
        while (text := await asker.ask()) is not None:
            try:
                response = await conversation.ask(text)
                check(response)
            except (CommandError, ResponseFailed) as exc:
                complain(str(exc))
            else:
                if response is None:
                    say("cancelled")
