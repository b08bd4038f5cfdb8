"""One response as the program sees it: its streams, its outcome, and how it is left.

The tracker tells a handle what happens, the program takes what it wants of it. What the
events mean is `_protocol`'s; when a response may begin is `_respond.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

import anyio
from anyio.lowlevel import checkpoint

from anyrealtime._protocol._parts import Lane, Parts, Shelf
from anyrealtime._protocol._responses import ResponseTracker
from anyrealtime._protocol._run import Run
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._stream import Ending, EventStream
from anyrealtime.errors import RequestError, ResponseFailed, StreamOverflow
from anyrealtime.events import (
    FunctionCall,
    Item,
    Response,
    ResponseError,
    ResponseStatusDetails,
    ServerEvent,
    Usage,
)

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

T = TypeVar("T")

DEFAULT_MAX_EVENTS = 65_536
DEFAULT_MAX_BYTES = 16 * 2**20


class HandleStream(EventStream[T]):
    """A stream that is closed when nobody holds it any more: it belongs to no block."""

    def __init__(
        self, *, max_events: int, max_bytes: int, on_told: Callable[[], None] | None = None
    ) -> None:
        super().__init__(
            max_events=max_events, max_bytes=max_bytes, keep_unread=False, on_told=on_told
        )
        finalize(self, _close, self._send, self._receive).atexit = False


class ResponseHandle:
    """A response under way, or over. Made by `connection.respond` and `connection.responses`.

    `async for event in response` gives the response's own events, from `response.created` to
    `response.done`. `text`, `transcript`, `audio`, `function_calls` and `items` give one kind of
    thing each; all of them can be read, at the same time or one after the other, and each has
    everything since the beginning of the response.

    Each is bounded as the handle was made. One that overflows before anybody read it holds
    nothing any more; read later, it raises `StreamOverflow`. The others go on.

    These streams end when the response is over, whether it is completed, cancelled or
    incomplete: see `status`. They raise `ResponseFailed` when it failed (plain iteration does
    not: its last event says so) and `ConnectionClosed` when the connection ended before, both
    after what they hold. Once the response was cancelled from here, they end at once.

    While tools run (`open_realtime(tools=...)`, `connection.run_tools`), a response that calls them
    goes on in the one that follows: its streams give both, and it is over when the model calls
    nothing more. `id`, `response`, `status` and `usage` are those of the latest.

    `async with response` cancels it when the block is left before the response is over. A
    response that has failed is never left in silence: if nothing has raised it in the block,
    leaving the block does.
    """

    def __init__(
        self, tracker: ResponseTracker, lifetime: Lifetime, *, max_events: int, max_bytes: int
    ) -> None:
        self._tracker = tracker
        self._lifetime = lifetime
        self._max_events, self._max_bytes = max_events, max_bytes
        self._run: Run | None = None
        self._earlier: Run | None = None  # what the present one follows on
        self._parts = Parts()
        self._events: Shelf[ServerEvent] = Shelf()
        self._event_stream: HandleStream[ServerEvent] = self._stream()
        self._text: HandleStream[str] = self._stream()
        self._transcript: HandleStream[str] = self._stream()
        self._audio: HandleStream[bytes] = self._stream()
        self._items: HandleStream[Item] = self._stream()
        self._function_calls: HandleStream[FunctionCall] = self._stream()
        self._kinds: tuple[tuple[Shelf[Any], HandleStream[Any]], ...] = (
            (self._events, self._event_stream),
            (self._parts.text, self._text),
            (self._parts.transcript, self._transcript),
            (self._parts.audio, self._audio),
            (self._parts.items, self._items),
            (self._parts.function_calls, self._function_calls),
        )
        self._left = False
        self._over = False
        self._told = False  # the program had it raised that the response failed
        self._changed = anyio.Event()

    def __repr__(self) -> str:
        return f"<ResponseHandle {self.id} {self.status}>"

    def _stream(self) -> HandleStream[Any]:
        stream: HandleStream[Any] = HandleStream(
            max_events=self._max_events,
            max_bytes=self._max_bytes,
            on_told=self._lifetime.told,
        )
        self._lifetime.dispatcher.adopt(stream)
        return stream

    # What it is

    @property
    def id(self) -> str | None:
        """The server's name for the response."""
        return self._latest.id if self._latest else None

    @property
    def response(self) -> Response | None:
        """The response as the server last told it: at its beginning, then at its end."""
        return self._latest.response if self._latest else None

    @property
    def _latest(self) -> Run | None:
        """The response that has begun last."""
        return self._run if self._run is None or self._run.began else self._earlier

    @property
    def status(self) -> str:
        """ "in_progress", then "completed", "cancelled", "incomplete" or "failed"."""
        run, response = self._run, self.response
        goes_on = run is not self._latest or run is None or run.continues
        return (response.status if response and not goes_on else None) or "in_progress"

    @property
    def status_details(self) -> ResponseStatusDetails | None:
        """Why the response ended otherwise than completed, where the server says so."""
        return _details(self.response)

    @property
    def reason(self) -> str | None:
        """Why it was cut, such as "turn_detected" or "max_output_tokens".

        "overtaken": it never ended, but the server began another one in its place.
        """
        details = self.status_details
        return details.reason if details else None

    @property
    def usage(self) -> Usage | None:
        """What it cost, once it is over."""
        response = self.response
        return response.usage if response else None

    # What it says

    def __aiter__(self) -> EventStream[ServerEvent]:
        return self._event_stream.__aiter__()

    @property
    def text(self) -> EventStream[str]:
        """The pieces of the text, of one message after the other."""
        return self._text

    @property
    def transcript(self) -> EventStream[str]:
        """The pieces of what the audio says, of one message after the other."""
        return self._transcript

    @property
    def audio(self) -> EventStream[bytes]:
        """The pieces of the audio, in the session's output format."""
        return self._audio

    @property
    def function_calls(self) -> EventStream[FunctionCall]:
        """The calls that are complete, their arguments whole."""
        return self._function_calls

    @property
    def items(self) -> EventStream[Item]:
        """The output items that are complete."""
        return self._items

    async def result(self) -> Response:
        """Wait until the response is over, and return it as the server then told it.

        A response that was cancelled or is incomplete is returned like one that is completed;
        its `status` and `status_details` tell. Cancelling leaves the response as it is.

        Raises:
            ResponseFailed: it failed.
            RequestError: it turned out that the server had refused it.
            ConnectionClosed: the connection ended before it did.
        """
        await checkpoint()
        while not self._over:
            await self.change()
        run = self._run
        assert run is not None
        if run.failure is not None:
            raise self.failed(run.failure)
        if (failed := self._failed()) is not None:
            raise failed()
        return run.response or Response()

    async def cancel(self) -> None:
        """Cancel the response and wait until it is over. Of no effect when it is.

        From now on its streams give nothing, not even what had arrived. Cancelling this call
        stops the waiting, not the response's cancellation.

        Raises:
            RequestError: the server does not cancel it.
            ConnectionClosed: the connection ended before it did.
        """
        self.leave()
        run = self._run
        assert run is not None
        await checkpoint()
        while not self._over:
            if run.cancel_failure is not None:
                error = run.cancel_failure()
                if isinstance(error, RequestError) and error.code == "response_cancel_not_active":
                    return  # it was over in the same moment
                raise error
            await self.change()
        if run.failure is not None:
            raise self.failed(run.failure)

    async def __aenter__(self) -> ResponseHandle:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.leave()
        if kind is None:
            self.raise_unless_told()

    # What the connection tells

    def follow(self, run: Run) -> None:
        """See `Follower`. A request that is repeated has another response, too."""
        if self._run is not None and self._run.began:
            self._earlier = self._run
        self._run = run

    async def change(self) -> None:
        """Wait until the response begins or ends, or its cancellation is refused."""
        await self._changed.wait()

    def leave(self) -> None:
        """Nobody reads it any more: cancel it if it is not over. Never waits."""
        if self._left or self._over:
            return
        self._left = True
        for _, stream in self._kinds:
            stream.close()
        if self._run is not None:
            self._tracker.cancel(self._run)

    def raise_unless_told(self) -> None:
        """Raise ResponseFailed if the response failed and the program does not know by now."""
        if self._over and not self._told and (failed := self._failed()) is not None:
            raise failed()

    def on_event(self, event: ServerEvent, size: int) -> None:
        """See `Follower`."""
        if not self._left:
            self._events.add(event, size)
            self._parts.apply(event, size)

    def on_batch_end(self) -> None:
        """See `Follower`."""
        for shelf, stream in self._kinds:
            items, sizes = shelf.take()
            if items:
                stream.put(items, sizes, sum(sizes))
            if isinstance(shelf, Lane) and shelf.held_bytes > self._max_bytes:
                stream.end(_held_too_much)

    def on_phase(self) -> None:
        """See `Follower`."""
        run = self._run
        assert run is not None
        self._changed.set()
        self._changed = anyio.Event()
        if run.continues:
            self._parts.begin_anew()
            self.on_batch_end()
        elif run.phase == "over" and run.began and not self._over:
            self._parts.close()
            self.on_batch_end()
            ending: Ending | None = run.failure
            for _, stream in self._kinds:
                stream.end(ending if stream is self._event_stream else ending or self._failed())
            self._over = True

    def _failed(self) -> Ending | None:
        response = self.response
        if response is None or response.status != "failed":
            return None

        def tell() -> ResponseFailed:
            self._told = True
            return response_failed(response)

        return tell

    def failed(self, make_error: Ending) -> Exception:
        """The exception to raise into the program in place of an ordinary end."""
        error = make_error()
        if not isinstance(error, RequestError):
            self._lifetime.told()
        return error


def response_failed(response: Response, *, code: str | None = None) -> ResponseFailed:
    """The exception for a response that did not become what was asked for."""
    details = _details(response) or ResponseStatusDetails()
    error = details.error or ResponseError()
    text = (
        "the response failed"
        if response.status == "failed"
        else f"the response is {response.status}"
    )
    why = error.message or details.reason
    return ResponseFailed(
        f"{text}: {why}" if why else text,
        code=code or error.code,
        response_id=response.id,
    )


def _details(response: Response | None) -> ResponseStatusDetails | None:
    details = response.status_details if response else None
    return ResponseStatusDetails(reason=details) if isinstance(details, str) else details


def _close(*channel: MemoryObjectSendStream[Any] | MemoryObjectReceiveStream[Any]) -> None:
    for end in channel:
        end.close()


def _held_too_much() -> StreamOverflow:
    return StreamOverflow("more than max_bytes of it wait for an earlier item to be whole")
