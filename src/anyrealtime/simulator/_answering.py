"""The answers on one connection: models are asked, voices speak, listeners listen.

The task of a response is here, from `response.created` to `response.done`, and that of a
transcription. Which events come of it, and in which order, is decided in `_rules/_responses` and
`_rules/_rulebook`; when they are written and how long to wait between two of them, by the connection.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import cast

import anyio
import msgspec

from anyrealtime.simulator._ear import Ear
from anyrealtime.simulator._models._expectations import ScriptMismatch
from anyrealtime.simulator._models._model import (
    Arguments,
    ContentFiltered,
    FunctionCallRequest,
    McpCallRequest,
    ModelFailure,
    NewMessage,
    Said,
    Thought,
    Transcript,
    said,
)
from anyrealtime.simulator._models._request import last_turn, model_request
from anyrealtime.simulator._options import Options
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._effects import CallTool, Start
from anyrealtime.simulator._rules._errors import SERVER_ERROR
from anyrealtime.simulator._rules._output import OutputItem
from anyrealtime.simulator._rules._remote_tools import McpFailure, call_tool
from anyrealtime.simulator._rules._responses import ResponseRun, argument_pieces
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._sound._recognition import Prompter
from anyrealtime.simulator._sound._speech import Sentences

Step = Callable[[], Awaitable[None]]


class Answering:
    """Carries out what a rulebook starts.

    Args:
        rules: the rulebook of the connection.
        options: the simulator's.
        flush: sends what the rules have to say.
        step: does so, and waits until there may be more of an answer.
        failed: takes what a model or a recogniser raised and did not mean for the client.
    """

    def __init__(
        self,
        rules: Rulebook,
        options: Options,
        *,
        flush: Callable[[], None],
        step: Step,
        failed: Callable[[Exception], None],
    ) -> None:
        self._rules = rules
        self._options = options
        self._flush = flush
        self._step = step
        self._failed = failed
        self._ear = Ear(options.recogniser, self._caller_says, failed)
        self._scopes: dict[str, anyio.CancelScope] = {}

    def stop(self, response_id: str) -> None:
        """End the task of a response that is over."""
        if response_id in self._scopes:
            self._scopes[response_id].cancel()

    async def answer(self, start: Start) -> None:
        """Let the model answer and end the response, however that goes."""
        run = start.run
        if run.closed:
            return  # cancelled before this task had its first turn
        with anyio.CancelScope() as scope:
            self._scopes[run.id] = scope
            try:
                turn = last_turn(start.context)
                if turn is not None and turn.sounds:
                    await self._ear.listen(turn)  # without the words, the model has the sound
                await _Playing(run, self._options, self._step).play(
                    said(self._options.model, model_request(self._rules, start))
                )
                run.complete()
            except ContentFiltered:
                run.cut("content_filter")
            except ModelFailure as failure:
                run.fail(failure.type, failure.code, failure.message)
            except ScriptMismatch as mismatch:
                self._failed(mismatch)
                run.fail(SERVER_ERROR, "script_mismatch", str(mismatch))
            except Exception as error:
                self._failed(error)
                run.fail(SERVER_ERROR, None, "The model failed.")
            finally:
                del self._scopes[run.id]
        self._flush()

    async def call_tool(self, effect: CallTool) -> None:
        """Call a tool of an MCP server's and tell how that went."""
        try:
            outcome = await call_tool(effect.tool, effect.call.arguments)
        except McpFailure as failure:
            self._rules.mcp.finish(effect.call, failure)
        else:
            self._rules.mcp.finish(effect.call, outcome)
        self._flush()

    def _caller_says(self) -> str | None:
        model = self._options.model
        return model.caller_says(self._rules.session_id) if isinstance(model, Prompter) else None

    async def transcribe(self, entry: Entry) -> None:
        """Tell the client what it said, or that this could not be made out."""
        failure = await self._ear.listen(entry)
        if failure is None:
            self._rules.transcription.transcribed(entry, entry.words.get(0))
        elif isinstance(failure, ModelFailure):
            self._rules.transcription.failed(entry, failure.type, failure.code, failure.message)
        else:
            self._rules.transcription.failed(entry, SERVER_ERROR, None, "The recogniser failed.")
        self._flush()


class _Playing:
    """One response, while its model speaks."""

    def __init__(self, run: ResponseRun, options: Options, step: Step) -> None:
        self._run = run
        self._options = options
        self._step = step
        self._unspoken = Sentences()

    async def play(self, parts: AsyncGenerator[Said, None]) -> None:
        """Make events of all the model says, or of as much as there is room for."""
        async with aclosing(parts):
            async for part in parts:
                await self._part(part)
                if self._run.closed:
                    return
        await self._speak(self._unspoken.rest())

    async def _part(self, part: Said) -> None:
        run, words = self._run, self._options.words_per_delta
        if isinstance(part, str):
            await self._steps(run.say(part, words))
            if run.audible:
                await self._speak(self._unspoken.add(part))
            return
        await self._speak(self._unspoken.rest())
        match part:
            case bytes():
                await self._steps(run.sound(part))
            case Transcript():
                await self._steps(run.say(part.text, words))
            case NewMessage():
                run.begin_message(part.phase)
            case Thought():
                run.think(part.text)
            case FunctionCallRequest():
                call = run.begin_call(part.name, part.call_id, alongside=part.alongside)
                await self._argue(call, part.arguments)
            case McpCallRequest():
                call = run.begin_mcp_call(part.server_label, part.name, alongside=part.alongside)
                await self._argue(call, part.arguments)
            case _:
                raise TypeError(f"a model yields text, sound or a function call, not {part!r}")

    async def _speak(self, sentences: Iterable[str]) -> None:
        run = self._run
        for sentence in sentences:
            if run.closed:
                return
            voice = run.terms.voice
            name = voice if isinstance(voice, str) else voice.id
            spoken = self._options.voice(sentence, name, run.terms.speed)
            pcm = await spoken if isinstance(spoken, Awaitable) else spoken
            await self._steps(run.sound(pcm))

    async def _argue(self, call: OutputItem | None, arguments: Arguments) -> None:
        run = self._run
        if call is None:
            return
        if isinstance(arguments, AsyncIterable):
            await self._stream(call, arguments)
        elif isinstance(arguments, str | Mapping):
            text = arguments if isinstance(arguments, str) else _json(arguments)
            pieces = argument_pieces(text, self._options.words_per_delta)
            await self._steps(run.argue(call, pieces))
        else:
            await self._steps(run.argue(call, arguments))
        run.end_call(call)

    async def _stream(self, call: OutputItem, arguments: AsyncIterable[str]) -> None:
        try:
            async for piece in arguments:
                await self._steps(self._run.argue(call, [piece]))
                if self._run.closed:
                    return
        finally:
            # Ended with its response, as the model's own generator is.
            if isinstance(arguments, AsyncGenerator):
                await cast("AsyncGenerator[str, None]", arguments).aclose()

    async def _steps(self, steps: Iterable[None]) -> None:
        for _ in steps:
            await self._step()


def _json(value: Mapping[str, object]) -> str:
    return msgspec.json.encode(value).decode()
