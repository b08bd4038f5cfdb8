"""Questions and answers on an open connection: one of them, or as many as a person asks.

Knows events, and nothing of options and terminals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio.to_thread
from anyio.lowlevel import checkpoint

from anyrealtime import Connection, ConnectionClosed, ResponseFailed
from anyrealtime.cli._exit import CommandError, ExitCode, complain, say
from anyrealtime.cli._interrupt import Interrupts
from anyrealtime.cli._output import Screen, WavFile
from anyrealtime.cli._prompt import Asker
from anyrealtime.events import (
    ConversationItemCreate,
    InputText,
    Message,
    Response,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ResponseError,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ResponseStatusDetails,
    ServerEvent,
)


class Conversation:
    """A connection that is asked one thing after another.

    Attributes:
        cancelled: whether the answer under way, or else the last one, is no longer wanted.
    """

    def __init__(
        self,
        connection: Connection,
        events: AsyncIterator[ServerEvent],
        screen: Screen,
        wav: WavFile | None,
    ) -> None:
        self.cancelled = False
        self._connection = connection
        self._events = events
        self._screen = screen
        self._wav = wav
        self._asking = False
        self._under_way: Response | None = None
        self._item_id: str | None = None

    async def ask(self, text: str) -> Response:
        """Ask, show the answer as it comes, and return how it ended.

        Cancelling leaves the response to the server, and what was shown on a line of its own.

        Raises:
            CommandError: the server closed the connection in the middle.
            ConnectionClosed: the connection was lost.
        """
        self._asking, self.cancelled, self._under_way = True, False, None
        message = Message(role="user", content=[InputText(text=text)])
        try:
            await self._connection.send(ConversationItemCreate(item=message))
            await self._connection.send(ResponseCreate())
            async for event in self._events:
                match event:
                    case ResponseCreated(response=response):
                        self._under_way = response
                        if self.cancelled:  # before there was anything to cancel
                            await self.cancel()
                    case ResponseDone(response=response):
                        return response
                    case _ if self.cancelled:
                        pass  # said before the server knew
                    case ResponseOutputTextDelta() | ResponseOutputAudioTranscriptDelta():
                        await self._show(event)
                    case ResponseOutputAudioDelta(delta=pcm) if self._wav is not None:
                        await anyio.to_thread.run_sync(self._wav.write, pcm)
                    case _:
                        pass
        finally:
            self._asking = False
            self._screen.end()
            self._item_id = None
        raise CommandError(
            "the server closed the connection before the answer was whole", ExitCode.LOST
        )

    async def cancel(self) -> None:
        """Tell the server that the answer under way is no longer wanted, and show no more of it.

        Cancelling leaves the response to the server.
        """
        self.cancelled, under_way = True, self._under_way
        await checkpoint()
        if under_way is not None:  # else `ask` does it as soon as there is one
            # A lost connection is raised where events are awaited.
            with suppress(ConnectionClosed):
                await self._connection.send(ResponseCancel(response_id=under_way.id))

    async def interrupt(self) -> bool:
        """Cancel the answer under way; False if that was tried before and it goes on."""
        await checkpoint()
        if not self._asking:
            return True  # meant for an answer that was just over
        if self.cancelled:
            return False
        await self.cancel()
        return True

    async def _show(
        self, event: ResponseOutputTextDelta | ResponseOutputAudioTranscriptDelta
    ) -> None:
        if self._item_id not in (None, event.item_id):  # an answer in several messages
            await anyio.to_thread.run_sync(self._screen.end)
        self._item_id = event.item_id
        await anyio.to_thread.run_sync(self._screen.show, event.delta)


def check(response: Response) -> None:
    """Raise what kept `response` from being whole, if anything did.

    Raises:
        ResponseFailed: it failed.
        CommandError: it is incomplete, or somebody cancelled it.
    """
    details = response.status_details
    if not isinstance(details, ResponseStatusDetails):
        details = ResponseStatusDetails(reason=details)
    match response.status:
        case "failed":
            error = details.error or ResponseError()
            why = error.message or details.reason or "the server does not say why"
            raise ResponseFailed(
                f"the response failed: {why}", code=error.code, response_id=response.id
            )
        case "incomplete" | "cancelled":
            why = f": {details.reason}" if details.reason else ""
            raise CommandError(f"the response is {response.status}{why}", ExitCode.REFUSED)
        case _:
            return


async def converse(conversation: Conversation, asker: Asker, interrupts: Interrupts) -> None:
    """Ask what a person types until there is no more; Ctrl-C cancels an answer."""
    say("Ctrl-C stops an answer, Ctrl-D ends the conversation")
    with interrupts.taken_by(conversation.interrupt):
        while (text := await asker.ask()) is not None:
            response = await conversation.ask(text)
            if conversation.cancelled:
                say("cancelled")
                continue
            try:
                check(response)
            except (CommandError, ResponseFailed) as exc:
                complain(str(exc))
