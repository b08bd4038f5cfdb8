"""The commands by the names people know: `connection.session.update(...)` and its like.

Each makes a client event, waits for the event that answers it, and returns what the server
acknowledged. How answers are found is `_protocol`'s; waiting is `Requests`' below.

What every one of them raises: RequestError (the server refused), AckTimeout (no answer within
`timeout` seconds, or the connection's `ack_timeout`), ConnectionClosed, ConfigurationError
(nothing was sent). Cancelling one gives up waiting: a command that was sent may still take
effect, its answer goes only to streams, and the connection stays usable.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, cast, overload

from anyrealtime._protocol._changes import Change
from anyrealtime._protocol._session import SessionState, input_format_name
from anyrealtime._runtime._mirror import Mirror
from anyrealtime._runtime._plan import check_bounds
from anyrealtime._runtime._requests import Requests
from anyrealtime._runtime._stream import EventStream
from anyrealtime.errors import ConfigurationError, RequestError
from anyrealtime.events import (
    AnySession,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputImage,
    InputText,
    Item,
    McpApprovalResponse,
    Message,
    OutputAudioBufferClear,
    Response,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseCreateParams,
    ResponseDone,
    SessionInputAudioBufferAppend,
    SessionUpdate,
    SessionUpdated,
    TranslationSession,
    UnknownObject,
)

if TYPE_CHECKING:
    from anyrealtime.audio import SampleAligner

Part: TypeAlias = str | InputText | InputAudio | InputImage
"""What a user's message is made of; a str is text."""

NewItem = TypeVar(
    "NewItem", Message, FunctionCall, FunctionCallOutput, McpApprovalResponse, UnknownObject
)

_MAX_APPEND_BYTES: Final = 15 * 2**20  # of audio in one event, as OpenAI documents it
_ONE_BYTE_FORMATS: Final = frozenset({"audio/pcmu", "audio/pcma", "g711_ulaw", "g711_alaw"})
_NOTHING_TO_CANCEL: Final = "response_cancel_not_active"


class SessionCommands:
    """`connection.session`: what the server last said about the session, and changing it."""

    def __init__(self, requests: Requests, state: SessionState) -> None:
        self._requests = requests
        self._state = state

    @property
    def current(self) -> AnySession | None:
        """The effective session; None where the server has not described it."""
        return self._state.current

    @property
    def id(self) -> str | None:
        """The server's name for the session."""
        return self._state.id

    @property
    def expires_at(self) -> int | None:
        """Unix time in seconds at which the server ends the session, where it says so."""
        return self._state.expires_at

    async def update(self, session: AnySession, *, timeout: float | None = None) -> AnySession:
        """Change the session; absent fields stay. Returns the effective session.

        A refused update changes nothing at all.
        """
        answer = await self._requests.request(SessionUpdate(session=session), timeout=timeout)
        return answer.session if isinstance(answer, SessionUpdated) else session


class ItemCommands:
    """`connection.conversation.item`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    @overload
    async def create(
        self,
        item: Part | Sequence[Part],
        *,
        previous_item_id: str | None = ...,
        timeout: float | None = ...,
    ) -> Message: ...
    @overload
    async def create(
        self,
        item: NewItem,
        *,
        previous_item_id: str | None = ...,
        timeout: float | None = ...,
    ) -> NewItem: ...
    async def create(
        self,
        item: Any,
        *,
        previous_item_id: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Add an item to the conversation and return it as the server acknowledged it.

        Args:
            item: an item; or a text, a content part, or a sequence of those, which become one
                message of the user.
            previous_item_id: after which item; "root" for the beginning, None for the end.
            timeout: seconds to wait for the answer; None is the connection's `ack_timeout`.
        """
        event = ConversationItemCreate(item=_as_item(item), previous_item_id=previous_item_id)
        answer = await self._requests.request(event, timeout=timeout)
        return answer.item if isinstance(answer, ConversationItemAdded) else event.item

    async def retrieve(self, item_id: str, *, timeout: float | None = None) -> Item:
        """The item as the server has it, with its audio."""
        _check_id("item_id", item_id)
        answer = await self._requests.request(
            ConversationItemRetrieve(item_id=item_id), timeout=timeout
        )
        if isinstance(answer, ConversationItemRetrieved):
            return answer.item
        return UnknownObject(id=item_id)  # it was there, but what came cannot be read

    async def truncate(
        self,
        item_id: str,
        *,
        audio_end_ms: int,
        content_index: int = 0,
        timeout: float | None = None,
    ) -> None:
        """Cut what the assistant said to what was heard: the first `audio_end_ms` of its audio."""
        _check_id("item_id", item_id)
        if audio_end_ms < 0:
            raise ConfigurationError(f"audio_end_ms= must be 0 or more, not {audio_end_ms!r}")
        await self._requests.request(
            ConversationItemTruncate(
                item_id=item_id, content_index=content_index, audio_end_ms=audio_end_ms
            ),
            timeout=timeout,
        )

    async def delete(self, item_id: str, *, timeout: float | None = None) -> None:
        """Remove an item from the conversation."""
        _check_id("item_id", item_id)
        await self._requests.request(ConversationItemDelete(item_id=item_id), timeout=timeout)


class ConversationCommands:
    """`connection.conversation`: its items as the server has them, and changing them."""

    def __init__(self, requests: Requests, mirror: Mirror) -> None:
        self.item: ItemCommands = ItemCommands(requests)
        self._mirror = mirror

    @property
    def items(self) -> tuple[Item, ...]:
        """The items in their order, with all that is known of them by now. A snapshot."""
        self._mirror.catch_up()
        return self._mirror.conversation.items

    def audio(self, item_id: str, content_index: int = 0) -> bytes:
        """The output audio that was kept of an item, in the session's output format.

        None is kept unless `open_realtime(keep_audio_bytes=...)` says how much; of what is more
        than that, the oldest goes first.
        """
        return self._mirror.conversation.audio(item_id, content_index)

    def changes(
        self,
        *,
        max_events: int = 65_536,
        max_bytes: int = 16 * 2**20,
        overflow: Literal["raise"] = "raise",
    ) -> AbstractAsyncContextManager[EventStream[Change]]:
        """A stream of what happens to the items from now on, bounded as in `subscribe`."""
        check_bounds(max_events, max_bytes, overflow)
        return self._mirror.changes(max_events=max_events, max_bytes=max_bytes, overflow=overflow)


class InputAudioBufferCommands:
    """`connection.input_audio_buffer`."""

    def __init__(self, requests: Requests, state: SessionState) -> None:
        self._requests = requests
        self._state = state

    @cached_property
    def _aligner(self) -> SampleAligner:
        from anyrealtime.audio import PCM16_24K, SampleAligner  # late: text needs none of it

        return SampleAligner(PCM16_24K)

    async def append(self, audio: bytes) -> None:
        """Add audio in the session's input format: PCM16 mono little-endian, or G.711.

        Any number of bytes: half a sample waits for its other half in the next call, and what is
        too much for one event is sent in several. There is no answer; waits only while 1 MiB is
        queued. Cancelling sends nothing; of more than 15 MiB, what was queued by then.
        """
        if input_format_name(self._state.current) in _ONE_BYTE_FORMATS:
            samples, held = audio, b""
        else:
            held = self._aligner.held
            samples = self._aligner.feed(audio)
        sent = 0
        try:
            while sent < len(samples):
                piece = samples[sent : sent + _MAX_APPEND_BYTES]
                if isinstance(self._state.current, TranslationSession):
                    await self._requests.send(SessionInputAudioBufferAppend(audio=piece))
                else:
                    await self._requests.send(InputAudioBufferAppend(audio=piece))
                sent += len(piece)
        finally:
            if not sent and samples:
                self._aligner.held = held  # as if it had not been called

    async def commit(self, *, timeout: float | None = None) -> str | None:
        """Make a message of the buffer; returns the id of the item it becomes.

        A commit by turn detection meanwhile is not taken for the answer.
        """
        self._aligner.held = b""
        answer = await self._requests.request(InputAudioBufferCommit(), timeout=timeout)
        return answer.item_id if isinstance(answer, InputAudioBufferCommitted) else None

    async def clear(self, *, timeout: float | None = None) -> None:
        """Throw away what is in the buffer."""
        self._aligner.held = b""
        await self._requests.request(InputAudioBufferClear(), timeout=timeout)


class OutputAudioBufferCommands:
    """`connection.output_audio_buffer`, which only WebRTC and SIP calls have."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def clear(self, *, timeout: float | None = None) -> None:
        """Stop what the server is playing. Cancel the response first."""
        await self._requests.request(OutputAudioBufferClear(), timeout=timeout)


class ResponseCommands:
    """`connection.response`. For a response as a scope, see `connection.respond()`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def create(
        self, response: ResponseCreateParams | None = None, *, timeout: float | None = None
    ) -> Response:
        """Ask for a response; returns it as it was created, before it says anything."""
        answer = await self._requests.request(ResponseCreate(response=response), timeout=timeout)
        return answer.response if isinstance(answer, ResponseCreated) else Response()

    async def cancel(
        self, response_id: str | None = None, *, timeout: float | None = None
    ) -> Response | None:
        """Cancel a response, by default the active one; returns it as it ended.

        None if there was nothing to cancel any more: that race is nobody's fault.
        """
        try:
            answer = await self._requests.request(
                ResponseCancel(response_id=response_id), timeout=timeout
            )
        except RequestError as exc:
            if exc.code == _NOTHING_TO_CANCEL:
                return None
            raise
        return answer.response if isinstance(answer, ResponseDone) else Response()


def _as_item(item: object) -> Item:
    if isinstance(item, str | InputText | InputAudio | InputImage):
        return Message(role="user", content=[_as_part(item)])
    if isinstance(item, Sequence):
        parts = cast("Sequence[object]", item)
        return Message(role="user", content=[_as_part(part) for part in parts])
    if not isinstance(item, Item):
        raise ConfigurationError(
            "item= must be an item of anyrealtime.events, a str, a content part or a sequence of "
            f"those, not {type(item).__name__}"
        )
    return item


def _as_part(part: object) -> InputText | InputAudio | InputImage:
    if isinstance(part, str):
        return InputText(text=part)
    if isinstance(part, InputText | InputAudio | InputImage):
        return part
    raise ConfigurationError(
        "item= must be made of str, InputText, InputAudio or InputImage, "
        f"not {type(part).__name__}; several items are created one by one"
    )


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{name}= must be an item's id, not {value!r}")
