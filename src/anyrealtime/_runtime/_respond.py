"""Asking for responses: when one may begin, and what is sent for it.

One arbiter per connection: responses that write to the default conversation follow one
another, others run beside them. Which event is whose is the tracker's; what the program reads
is the handle's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, TypedDict
from weakref import WeakKeyDictionary

import anyio
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from anyrealtime._protocol._answers import tag_of
from anyrealtime._protocol._responses import ResponseTracker
from anyrealtime._protocol._run import Failure, Follower, Run, writes
from anyrealtime._protocol._session import SessionState
from anyrealtime._runtime._handle import HandleStream, ResponseHandle
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._requests import Requests
from anyrealtime.errors import AckTimeout, ConfigurationError, ProtocolViolation, RequestError
from anyrealtime.events import (
    AnySession,
    AudioConfig,
    AudioOutput,
    ClientEvent,
    InputText,
    Item,
    MaxTokens,
    Maybe,
    Message,
    Modality,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    Tool,
    ToolChoice,
    VoiceId,
)

IfActive: TypeAlias = Literal["wait", "cancel", "raise"]
ResponseInput: TypeAlias = str | Item | Sequence[str | Item]

_TRIES = 5  # each lost to a response that turn detection began in the same moment
_HAS_ACTIVE = "conversation_already_has_active_response"


class ResponseOptions(TypedDict, total=False):
    """What `respond` takes by name, for calls that pass it on."""

    instructions: str | None
    input: ResponseInput | None
    conversation: Literal["auto", "none"]
    output_modalities: Sequence[Modality] | None
    audio: AudioConfig | None
    voice: str | VoiceId | None
    tools: Sequence[Tool] | None
    tool_choice: ToolChoice | None
    max_output_tokens: MaxTokens | None
    metadata: Mapping[str, str] | None
    params: ResponseCreateParams | None


class Asker(Follower, Protocol):
    """Who waits for the beginning of a response: a handle, mostly."""

    async def change(self) -> None:
        """Wait until the response begins or ends."""
        ...

    def failed(self, make_error: Failure) -> Exception:
        """The exception to raise if it is refused."""
        ...


class Responder:
    """The responses of one connection, as far as this side asks for them."""

    def __init__(self, requests: Requests, lifetime: Lifetime, session: SessionState) -> None:
        self._requests = requests
        self._lifetime = lifetime
        self._session = session
        self._ack_timeout = requests.ack_timeout
        self._tracker: ResponseTracker = lifetime.responses
        self._tracker.host = self
        self._turn = anyio.Lock()  # held from waiting for a free conversation until it is taken
        self._changed = anyio.Event()
        self._listeners: WeakKeyDictionary[HandleStream[ResponseHandle], tuple[int, int]] = (
            WeakKeyDictionary()
        )

    # What the tracker asks

    @property
    def wants_uninvited(self) -> bool:
        """See `Host`."""
        # Asked for each read, and a weak dictionary is slow to walk, empty or not.
        return bool(self._listeners) and any(stream.is_open for stream in self._listeners)

    @property
    def session(self) -> AnySession | None:
        """See `Host`."""
        return self._session.current

    def uninvited(self, run: Run) -> None:
        """See `Host`."""
        for stream, (max_events, max_bytes) in list(self._listeners.items()):
            if stream.is_open:
                handle = self.handle(max_events, max_bytes)
                handle.follow(run)
                run.followers.append(handle)
                stream.put([handle], [0], 0)

    def send_cancel(self, response_id: str) -> str:
        """See `Host`."""
        return self._requests.put_nowait(ResponseCancel(response_id=response_id))

    def changed(self) -> None:
        """See `Host`."""
        self._changed.set()
        self._changed = anyio.Event()

    # What the program's calls ask

    def handle(self, max_events: int, max_bytes: int) -> ResponseHandle:
        """A handle for a response that is still to be told."""
        return ResponseHandle(
            self._tracker, self._lifetime, max_events=max_events, max_bytes=max_bytes
        )

    def listen(
        self, max_waiting: int, max_events: int, max_bytes: int
    ) -> HandleStream[ResponseHandle]:
        """A stream of handles for the responses that are not begun by `start`."""
        stream: HandleStream[ResponseHandle] = HandleStream(
            max_events=max_waiting,
            max_bytes=max_bytes,
            on_told=self._lifetime.told,
        )
        self._lifetime.dispatcher.adopt(stream)
        self._listeners[stream] = (max_events, max_bytes)
        return stream

    async def start(
        self,
        handle: ResponseHandle,
        params: ResponseCreateParams,
        if_active: IfActive,
        before: ClientEvent | None = None,
    ) -> None:
        """Ask for a response, with `before` sent just ahead, and wait until it has begun."""
        self._lifetime.raise_if_over()
        if not writes(params):
            await self._create(handle, params, await self._send_first(before))
            return
        if if_active == "raise" and self._turn.locked():
            raise ProtocolViolation("another response is about to begin")
        if if_active == "cancel" and (active := self._tracker.occupant) is not None:
            self._tracker.cancel(active)
        async with self._turn:
            await self._start_in_turn(handle, params, if_active, before)

    async def follow_up(self, asker: Asker, params: ResponseCreateParams) -> None:
        """Ask for the response that follows on another one, as soon as the conversation is free."""
        async with self._turn:
            await self._start_in_turn(asker, params, "wait", None)

    async def _start_in_turn(
        self,
        handle: Asker,
        params: ResponseCreateParams,
        if_active: IfActive,
        before: ClientEvent | None,
    ) -> None:
        await self._wait_for_conversation(if_active)
        sent = await self._send_first(before)
        for left in reversed(range(_TRIES)):
            ended = self._tracker.ended
            try:
                await self._create(handle, params, sent)
            except RequestError as exc:
                if not (left and if_active != "raise" and _has_active(exc)):
                    raise
            else:
                return
            with anyio.move_on_after(self._ack_timeout):  # its beginning may be on its way
                while self._tracker.occupant is None and self._tracker.ended == ended:
                    await self._changed.wait()
            await self._wait_for_conversation(if_active)

    async def _wait_for_conversation(self, if_active: IfActive) -> None:
        while (run := self._tracker.occupant) is not None:
            if if_active == "raise":
                raise ProtocolViolation(f"a response is under way: {run.id or 'just asked for'}")
            if if_active == "cancel":
                self._tracker.cancel(run)
            patience = self._ack_timeout if run.phase == "asked" else math.inf
            with anyio.move_on_after(patience) as scope:
                await self._changed.wait()
            if scope.cancelled_caught and run.phase == "asked":
                self._tracker.give_up(run)
            self._lifetime.raise_if_over()

    async def _send_first(self, event: ClientEvent | None) -> tuple[str, ...]:
        if event is None:
            return ()
        event = await self._requests.put(self._requests.named(event))
        return (event.event_id or "",)

    async def _create(
        self, handle: Asker, params: ResponseCreateParams, before: tuple[str, ...]
    ) -> None:
        event = await self._requests.put(self._requests.named(ResponseCreate(response=params)))
        run = self._tracker.expect(
            _tag(event), event.event_id or "", handle, writes=writes(params), before=before
        )
        run.params = params
        handle.follow(run)
        with anyio.move_on_after(self._ack_timeout):
            while run.phase == "asked":
                await handle.change()
        if run.phase == "asked":
            self._tracker.give_up(run)
            raise AckTimeout(event.type, self._ack_timeout)
        if run.failure is not None and not run.began:
            raise handle.failed(run.failure)


def build_params(options: ResponseOptions) -> ResponseCreateParams:
    """What `respond` was given, as `response.create` carries it."""
    params = options.get("params") or ResponseCreateParams()
    given: dict[str, object] = {
        name: value
        for name in ("instructions", "tool_choice", "max_output_tokens", "audio")
        if (value := options.get(name)) is not None
    }
    if options.get("conversation") == "none":
        given["conversation"] = "none"
    if (said := options.get("input")) is not None:
        given["input"] = as_items(said)
    if (modalities := options.get("output_modalities")) is not None:
        given["output_modalities"] = list(modalities)
    if (tools := options.get("tools")) is not None:
        given["tools"] = list(tools)
    if (metadata := options.get("metadata")) is not None:
        given["metadata"] = dict(metadata)
    params = replace(params, **given)
    if (voice := options.get("voice")) is not None:
        params = replace(params, audio=_with_voice(params.audio, voice))
    return params


def check_if_active(if_active: str) -> None:
    """Raise ConfigurationError for what is no policy."""
    if if_active not in ("wait", "cancel", "raise"):
        raise ConfigurationError(
            f'if_active= must be "wait", "cancel" or "raise", not {if_active!r}'
        )


def user_message(text: str) -> Message:
    """What the user says, as an item."""
    return Message(role="user", content=[InputText(text=text)])


def as_items(given: ResponseInput) -> list[Item]:
    """Items, where a text stands for what the user says."""
    parts = [given] if isinstance(given, str) or not isinstance(given, Sequence) else given
    return [user_message(part) if isinstance(part, str) else part for part in parts]


def _with_voice(audio: Maybe[AudioConfig], voice: str | VoiceId) -> AudioConfig:
    audio = audio or AudioConfig()
    output: AudioOutput | UnsetType = audio.output or UNSET
    return replace(audio, output=replace(output or AudioOutput(), voice=voice))


def _tag(event: ClientEvent) -> str:
    """The tag that a request for a response was given."""
    params = event.response if isinstance(event, ResponseCreate) else None
    return tag_of(params.metadata if params else None) or ""


def _has_active(error: RequestError) -> bool:
    # The early beta told it in words only.
    return error.code == _HAS_ACTIVE or (
        error.code is None and "already has an active response" in error.message
    )
