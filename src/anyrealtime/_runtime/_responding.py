"""`respond`, `responses` and `ask`: the part of a connection that asks for responses.

Declarations and their sentences; the rules are in `_respond.py`, the handle in `_handle.py`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Unpack

from msgspec.structs import replace

from anyrealtime._protocol._parts import Parts
from anyrealtime._protocol._run import writes
from anyrealtime._runtime._handle import (
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_EVENTS,
    ResponseHandle,
    response_failed,
)
from anyrealtime._runtime._plan import check_count
from anyrealtime._runtime._respond import (
    IfActive,
    Responder,
    ResponseInput,
    ResponseOptions,
    build_params,
    check_if_active,
    user_message,
)
from anyrealtime._runtime._stream import EventStream
from anyrealtime.events import (
    AudioConfig,
    ClientEvent,
    ConversationItemCreate,
    MaxTokens,
    Modality,
    ResponseCreated,
    ResponseCreateParams,
    ResponseOutputAudioDelta,
    Tool,
    ToolChoice,
    VoiceId,
)

_MAX_WAITING = 1024  # handles that nobody has taken yet


class Responding:
    """Mixed into the connection."""

    _responder: Responder

    def respond(
        self,
        instructions: str | None = None,
        *,
        input: ResponseInput | None = None,  # noqa: A002 - the protocol's own name
        conversation: Literal["auto", "none"] = "auto",
        output_modalities: Sequence[Modality] | None = None,
        audio: AudioConfig | None = None,
        voice: str | VoiceId | None = None,
        tools: Sequence[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        max_output_tokens: MaxTokens | None = None,
        metadata: Mapping[str, str] | None = None,
        params: ResponseCreateParams | None = None,
        if_active: IfActive = "wait",
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> AbstractAsyncContextManager[ResponseHandle]:
        """Ask for a response, for the length of a block that begins when the response does.

        The default conversation has one response at a time: calls take their turn, and wait for
        responses that turn detection or other events began, too. Those with
        `conversation="none"` wait for nobody.

        Leaving the block before the response is over cancels it, and waits for nothing; the
        next response of the conversation waits until it is over. So does cancelling while the
        block is being entered. What the server still says of a response that was left reaches
        streams and subscriptions only.

        Args:
            instructions: of this response, in place of the session's.
            input: the whole context, in place of the conversation: texts (of the user), items,
                references to items.
            conversation: "none" leaves the conversation as it is.
            output_modalities: `["audio"]`, which brings its transcript, or `["text"]`.
            audio: only its `output` counts.
            voice: short for the voice in `audio`.
            tools: that the model may call.
            tool_choice: "none", "auto", "required" or one tool.
            max_output_tokens: a number, or "inf".
            metadata: pairs that come back with the response; one is added that tells whose it is.
            params: all of this and what has no name here; what is named goes first.
            if_active: what to do while the conversation has a response: "wait" for its end,
                "cancel" it, or "raise" without sending anything.
            max_events: how many events the handle holds of each kind at most.
            max_bytes: how many bytes of frames it holds of each kind at most.

        Raises:
            RequestError: the server refused, when the block is entered.
            ResponseFailed: the response failed, and nothing in the block has raised that.
            ProtocolViolation: `if_active="raise"`, and there is a response.
            AckTimeout: the server did not begin it within `ack_timeout`.
            ConnectionClosed: the connection is over.
            ConfigurationError: an argument is wrong, or the dialect cannot say it.
        """
        options: ResponseOptions = {
            "instructions": instructions,
            "input": input,
            "conversation": conversation,
            "output_modalities": output_modalities,
            "audio": audio,
            "voice": voice,
            "tools": tools,
            "tool_choice": tool_choice,
            "max_output_tokens": max_output_tokens,
            "metadata": metadata,
            "params": params,
        }
        check_if_active(if_active)
        check_count("max_events", max_events, least=1)
        check_count("max_bytes", max_bytes, least=1)
        return self._responding(
            build_params(options), if_active, max_events=max_events, max_bytes=max_bytes
        )

    @asynccontextmanager
    async def _responding(
        self,
        params: ResponseCreateParams,
        if_active: IfActive,
        *,
        before: ClientEvent | None = None,
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> AsyncGenerator[ResponseHandle, None]:
        handle = self._responder.handle(max_events, max_bytes)
        try:
            await self._responder.start(handle, params, if_active, before)
            yield handle
        finally:
            handle.leave()
        handle.raise_unless_told()

    def responses(
        self, *, max_events: int = DEFAULT_MAX_EVENTS, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> EventStream[ResponseHandle]:
        """A handle for each response that is not begun by `respond` or `ask`, from this call on.

        Those are the server's own, begun by turn detection, and those that were asked for by
        events. A handle needs no block; used as one, leaving it cancels the response if it is
        not over. The iteration ends with the connection, or when nobody holds it any more, and
        raises `StreamOverflow` when 1,024 handles were not taken.

        Args:
            max_events: how many events each handle holds of each kind at most.
            max_bytes: how many bytes of frames each handle holds of each kind at most.
        """
        check_count("max_events", max_events, least=1)
        check_count("max_bytes", max_bytes, least=1)
        return self._responder.listen(_MAX_WAITING, max_events, max_bytes)

    async def ask(
        self, text: str, *, if_active: IfActive = "wait", **options: Unpack[ResponseOptions]
    ) -> str:
        """Say `text` as the user, and return the whole answer: its text, or what its audio says.

        While tools run, that is the answer of the last response: the one that calls none.

        The message is added to the conversation just before the response is asked for; with
        `conversation="none"` it is the end of the response's `input`.

        Cancelling cancels the response; the message may have been added.

        Args:
            text: what the user says.
            if_active: as for `respond`.
            options: as for `respond`.

        Raises:
            ResponseFailed: it failed, or is "cancelled" or "incomplete": `code` says so then.
            RequestError: the server refused the message or the response.
            AckTimeout, ConnectionClosed, ProtocolViolation, ConfigurationError: as `respond`.
        """
        check_if_active(if_active)
        params = build_params(options)
        before: ClientEvent | None = None
        if writes(params):
            before = ConversationItemCreate(item=user_message(text))
        else:
            params = replace(params, input=[*(params.input or []), user_message(text)])
        async with self._responding(params, if_active, before=before) as response:
            parts = Parts()
            async for event in response:
                if isinstance(event, ResponseCreated):
                    parts = Parts()
                if not isinstance(event, ResponseOutputAudioDelta):  # nobody hears it
                    parts.apply(event, 0)
            outcome = await response.result()
            said, spoken = parts.said()
        if outcome.status in ("cancelled", "incomplete"):
            raise response_failed(outcome, code=outcome.status)
        return said or spoken
