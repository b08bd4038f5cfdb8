"""The rules of responses: when one may begin, what it is given, how it is called off. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import UnsetType

from anyrealtime.simulator._rules import _beta as beta
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules import _grammar_items as items
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._effects import Start, Stop
from anyrealtime.simulator._rules._errors import INVALID_REQUEST, Refusal
from anyrealtime.simulator._rules._item_commands import ItemRules
from anyrealtime.simulator._rules._mcp import McpRules
from anyrealtime.simulator._rules._output import Output
from anyrealtime.simulator._rules._payload import Payload
from anyrealtime.simulator._rules._responses import ResponseRun
from anyrealtime.simulator._rules._session import RealtimeSession, voice_is_settled
from anyrealtime.simulator._rules._state import Commands, State
from anyrealtime.simulator._rules._terms import Terms, terms
from anyrealtime.simulator._rules._usage import RateLimits, Tokens, input_tokens


class ResponseRules:
    """What a client may ask of the model."""

    def __init__(
        self,
        state: State,
        items: ItemRules,
        mcp: McpRules,
        limits: RateLimits,
        *,
        ended: Callable[[ResponseRun], None],
    ) -> None:
        self._state = state
        self._items = items
        self._mcp = mcp
        self._tell_ended = ended
        self._limits = limits
        self._context_before = Tokens()
        self._runs: dict[str, ResponseRun] = {}

    @property
    def commands(self) -> Commands:
        """The client events that are answered here."""
        commands: Commands = {"response.create": self.create, "response.cancel": self.cancel}
        if self._state.opening.sideband:
            return {**commands, "output_audio_buffer.clear": self.clear_output}
        return commands

    @property
    def active(self) -> ResponseRun | None:
        """The response that writes to the default conversation; there is at most one."""
        return next((run for run in self._runs.values() if run.writes), None)

    def create(self, event: Payload) -> None:
        """Begin a response as the client asks for it."""
        patch = self._patch(event)
        assert isinstance(self._state.session, RealtimeSession)
        agreed = terms(self._state.session, patch)
        apart = patch.conversation == "none"
        if not apart:
            self._check_none_active()
            self._check_voice(agreed)
        self._begin(agreed, self._context(patch), apart=apart)
        self._mcp.declare(agreed.tools)

    def answer_turn(self) -> None:
        """Begin the response that follows a turn of the user's, where the session has any.

        Raises:
            Refusal: one is under way.
        """
        if isinstance(self._state.session, RealtimeSession):
            self._check_none_active()
            agreed = terms(self._state.session, grammar.ResponsePatch())
            self._begin(agreed, tuple(self._state.conversation), apart=False)

    def cancel(self, event: Payload) -> None:
        """Call off the response the client names, or the active one."""
        said = grammar.check(event, grammar.ResponseCancel, "")
        run = self._runs.get(said.response_id) if said.response_id else self.active
        if run is None:
            raise Refusal(
                "response_cancel_not_active", "Cancellation failed: no active response found"
            )
        self.end_early(run, "client_cancelled")

    def end_early(
        self, run: ResponseRun, reason: Literal["client_cancelled", "turn_detected"]
    ) -> None:
        """End a response, by the client's wish or because the user speaks."""
        if reason == "turn_detected":
            self._stop_playing(run)
        run.cancel(reason)
        self._state.effects.append(Stop(run.id))

    def clear_output(self, event: Payload) -> None:
        """Forget what was not yet played of the call's sound."""
        grammar.check(event, grammar.Command, "")
        assert self._state.playback is not None  # the command is one of calls
        self._state.playback.clear()

    def _check_voice(self, agreed: Terms) -> None:
        """The voice of a conversation stays once it was heard."""
        session = self._state.session
        assert isinstance(session, RealtimeSession)
        if self._state.conversation.speaks and agreed.voice != session.audio.output.voice:
            raise voice_is_settled()

    def _check_none_active(self) -> None:
        if (active := self.active) is not None:
            raise Refusal(
                "conversation_already_has_active_response",
                "Conversation already has an active response in progress: "
                f"{active.id}. Wait until the response is finished before creating a new one.",
            )

    def _patch(self, event: Payload) -> grammar.ResponsePatch:
        said = grammar.check(event, grammar.ResponseCreate, "").response or {}
        if self._state.opening.beta:
            return beta.response_patch(grammar.check(said, beta.BetaResponse, "response"))
        return grammar.check(said, grammar.ResponsePatch, "response")

    def _context(self, patch: grammar.ResponsePatch) -> tuple[Entry, ...]:
        """What the model is given to read: the conversation, or what the client gives instead."""
        if isinstance(patch.input, UnsetType):
            return tuple(self._state.conversation)
        return tuple(
            self._input_entry(item, f"response.input[{index}]")
            for index, item in enumerate(patch.input)
        )

    def _input_entry(self, said: Payload, at: str) -> Entry:
        if said.get("type") != "item_reference":
            return self._items.read(said, at)
        item_id = grammar.check(said, items.ItemReference, at).id
        entry = self._state.conversation.find(item_id)
        if entry is None:
            raise Refusal(
                "invalid_value",
                f"Item with id '{item_id}' not found in conversation.",
                param=f"{at}.id",
            )
        return entry

    def _begin(self, agreed: Terms, context: tuple[Entry, ...], *, apart: bool) -> None:
        state = self._state
        given = input_tokens(agreed.instructions, context)
        response_id = state.ids.new("resp")
        output = Output(
            response_id,
            agreed,
            ids=state.ids,
            emit=state.emit,
            conversation=None if apart else state.conversation,
            playback=state.playback,
            obfuscate=state.obfuscate,
            extras=state.extras,
        )
        run = ResponseRun(
            response_id,
            agreed,
            output,
            emit=state.emit,
            conversation_id=None if apart else state.conversation_id,
            given=given,
            cached=given.cached_after(self._context_before),
            approvals=self._mcp,
            extras=state.extras,
            ended=self._ended,
        )
        if not apart:
            self._context_before = given
        self._runs[run.id] = run
        run.begin()
        if state.opening.beta:
            limits = [self._limits.requests(), self._limits.tokens()]
            state.emit("rate_limits.updated", rate_limits=limits)
        if self._limits.exhausted:
            run.fail(INVALID_REQUEST, "rate_limit_exceeded", "Rate limit reached for tokens.")
        else:
            state.effects.append(Start(run, context))

    def _ended(self, run: ResponseRun) -> None:
        del self._runs[run.id]
        if self._state.playback is not None:
            self._state.playback.stop(run.id)
        self._limits.spend(run.given.total + run.made.total)
        if not self._state.opening.beta:
            self._state.emit("rate_limits.updated", rate_limits=[self._limits.tokens()])
        self._tell_ended(run)

    def _stop_playing(self, run: ResponseRun) -> None:
        """On a call it is the service that cuts what nobody will hear."""
        playback, heard = self._state.playback, run.heard
        if playback is None or heard is None:
            return
        playback.clear()
        self._items.cut(heard.id, 0, heard.sounds[0].duration_ms)
