"""A response from `response.created` to `response.done`: its events, in the service's order.

What the model says goes in piece by piece; between two pieces the caller may wait, or end
the response by any of the four ways it can end. No loop, no clock, no sockets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from msgspec import UnsetType

from anyrealtime.simulator import _grammar as grammar
from anyrealtime.simulator._audio import Sound, bytes_per_ms, encoded, whole_bytes
from anyrealtime.simulator._conversation import Conversation, Entry
from anyrealtime.simulator._payload import Emit, Ids, Payload
from anyrealtime.simulator._session import RealtimeSession, check_modalities, plain
from anyrealtime.simulator._usage import Tokens, count_tokens, spoken_tokens, usage

CHUNK_MS: Final = 200
_WORD = re.compile(r"\s*\S+|\s+\Z")
_TOKEN = re.compile(r"\w+|\W+")
_PADDED: Final = 16
_PADDING: Final = "oXq7RbTzL2mVcY9w"

Ending: TypeAlias = Literal["completed", "cancelled", "incomplete", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one response is governed by: the session, and what `response.create` says instead."""

    modality: grammar.Modality
    instructions: str
    tools: list[grammar.Tool]
    tool_choice: grammar.ToolChoice
    parallel_tool_calls: bool
    max_output_tokens: grammar.MaxTokens
    format: grammar.Format
    voice: grammar.Voice
    speed: float
    metadata: dict[str, str] | None


def terms(session: RealtimeSession, patch: grammar.ResponsePatch) -> Terms:
    """Lay `patch` over `session`.

    Raises:
        Refusal: it asks for modalities that do not go together.
    """
    check_modalities(patch.output_modalities, "response.output_modalities")
    said = grammar.OutputChoice()
    if not isinstance(patch.audio, UnsetType) and not isinstance(patch.audio.output, UnsetType):
        said = patch.audio.output
    output = session.audio.output
    return Terms(
        modality=_or(patch.output_modalities, session.output_modalities)[0],
        instructions=_or(patch.instructions, session.instructions) or session.instructions,
        tools=_or(patch.tools, session.tools),
        tool_choice=_or(patch.tool_choice, session.tool_choice),
        parallel_tool_calls=_or(_or(patch.parallel_tool_calls, session.parallel_tool_calls), True),
        max_output_tokens=_or(patch.max_output_tokens, session.max_output_tokens),
        format=_or(said.format, output.format),
        voice=_or(said.voice, output.voice),
        speed=output.speed,
        metadata=_or(patch.metadata, None),
    )


def _or(said: grammar.T | UnsetType, otherwise: grammar.T) -> grammar.T:
    return otherwise if isinstance(said, UnsetType) else said


def pieces(text: str, words: int | None) -> list[str]:
    """Cut `text` into deltas of `words` words each (None: one delta); joined they are `text`."""
    if words is None:
        return [text] if text else []
    found: list[str] = _WORD.findall(text)
    return ["".join(found[start : start + words]) for start in range(0, len(found), words)]


def argument_pieces(text: str, words: int | None) -> list[str]:
    """Cut the arguments of a call as a model writes them, token by token (None: one delta)."""
    if words is None:
        return [text] if text else []
    return _TOKEN.findall(text)


@dataclass(slots=True)
class _Open:
    """The output item that is being made; `rest` is sound short of a whole sample."""

    entry: Entry
    index: int
    said: list[str] = field(default_factory=list[str])
    rest: bytes = b""

    @property
    def text(self) -> str:
        return "".join(self.said)


class ResponseRun:
    """One response under way.

    `say` and `call` make one event a step; whoever steps them sends it and may wait. Once
    `closed`, nothing more comes out of it.
    """

    def __init__(
        self,
        terms: Terms,
        *,
        ids: Ids,
        emit: Emit,
        conversation: Conversation | None,
        conversation_id: str | None,
        given: Tokens,
        cached: Tokens,
        obfuscate: bool,
        ended: Callable[[ResponseRun], None],
    ) -> None:
        self.id = ids.new("resp")
        self.terms = terms
        self.closed = False
        self.made = Tokens()
        self._sound_bytes = 0
        self.given = given
        self._cached = cached
        self._ids = ids
        self._emit = emit
        self._conversation = conversation
        self._conversation_id = conversation_id
        self._obfuscate = obfuscate
        self._ended = ended
        self._open: _Open | None = None
        self._output: list[Payload] = []
        self._items = 0

    @property
    def sound_ms(self) -> int:
        """How long its sound takes to play."""
        return self._sound_bytes // bytes_per_ms(self.terms.format)

    @property
    def writes(self) -> bool:
        """Whether it writes to the default conversation."""
        return self._conversation is not None

    def begin(self) -> None:
        """Announce it."""
        self._emit("response.created", response=self._shown("in_progress", None, None))

    @property
    def audible(self) -> bool:
        """Whether it is heard; otherwise it is read."""
        return self.terms.modality == "audio"

    def say(self, text: str, words: int | None) -> Iterator[None]:
        """Add `text` to the message, `words` at a time; where it is audible, to its transcript."""
        for piece in pieces(text, words):
            if self.closed or not self._afford(piece):
                return
            message = self._message()
            message.said.append(piece)
            self._delta("transcript" if self.audible else "text", message, piece)
            yield

    def sound(self, pcm: bytes) -> Iterator[None]:
        """Add 24 kHz PCM to the message of an audible response; any other one has no room for it.

        What is short of a sample of the response's format is held over to the next call.
        """
        if self.closed or not self.audible:
            return
        message = self._message()
        pcm = message.rest + pcm
        whole = len(pcm) - len(pcm) % whole_bytes(self.terms.format)
        message.rest = pcm[whole:]
        data = encoded(pcm[:whole], self.terms.format)
        step = CHUNK_MS * bytes_per_ms(self.terms.format)
        for start in range(0, len(data), step):
            if self.closed:
                return
            self._heard(message, data[start : start + step])
            yield

    def begin_message(self) -> None:
        """End the message under way: what is said next goes into a new one."""
        self._close("completed")

    def begin_call(self, name: str, call_id: str | None) -> None:
        """Call a function of the client's; `argue` gives the arguments, `end_call` ends them."""
        if self.closed:
            return
        self._close("completed")
        self._start(
            {
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": call_id or self._ids.new("call"),
                "arguments": "",
            }
        )

    def argue(self, pieces: Iterable[str]) -> Iterator[None]:
        """Add to the arguments of the call, JSON text, a delta a piece."""
        for piece in pieces:
            if self.closed or not self._afford(piece):
                return
            called = self._open
            assert called is not None  # between begin_call and end_call
            called.said.append(piece)
            self._delta("arguments", called, piece)
            yield

    def end_call(self) -> None:
        """The arguments are whole."""
        self._close("completed")

    def complete(self) -> None:
        """End it as the model meant it."""
        self._end("completed", None)

    def cancel(self, reason: Literal["client_cancelled", "turn_detected"]) -> None:
        """End it because somebody does not want the rest."""
        self._end("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, type: str, code: str | None, message: str) -> None:  # noqa: A002 - the protocol's own name
        """End it because the model could not go on."""
        error = {"type": type, "code": code, "message": message}
        self._end("failed", {"type": "failed", "error": error})

    def _afford(self, piece: str) -> bool:
        cost = count_tokens(piece)
        limit = self.terms.max_output_tokens
        if limit != "inf" and self.made.total + cost > limit:
            self._end("incomplete", {"type": "incomplete", "reason": "max_output_tokens"})
            return False
        self.made = Tokens(self.made.text + cost, self.made.audio)
        return True

    def _message(self) -> _Open:
        """The message being said; a new one is announced."""
        if self._open is not None:
            return self._open
        message = self._start(
            {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
        )
        if self.audible:
            message.entry.sounds[0] = Sound(self.terms.format, bytearray())
        message.entry.item["content"] = [self._content("")]
        self._emit(
            "response.content_part.added",
            **self._place(message),
            content_index=0,
            part=self._part(""),
        )
        return message

    def _start(self, item: Payload) -> _Open:
        opened = self._open = _Open(Entry({"id": self._ids.new("item"), **item}), self._items)
        self._items += 1
        shown = dict(opened.entry.item)
        self._emit(
            "response.output_item.added",
            response_id=self.id,
            output_index=opened.index,
            item=shown,
        )
        if self._conversation is not None:
            previous = self._conversation.add(opened.entry)
            self._emit("conversation.item.added", previous_item_id=previous, item=shown)
        return opened

    def _heard(self, message: _Open, chunk: bytes) -> None:
        message.entry.sounds[0].data += chunk
        self._sound_bytes += len(chunk)
        tokens = spoken_tokens(len(chunk) // bytes_per_ms(self.terms.format))
        self.made = Tokens(self.made.text, self.made.audio + tokens)
        self._emit(
            "response.output_audio.delta",
            **self._place(message),
            content_index=0,
            delta=chunk,
        )

    def _delta(
        self, kind: Literal["text", "transcript", "arguments"], opened: _Open, delta: str
    ) -> None:
        fields = self._place(opened)
        if kind == "arguments":
            fields["call_id"] = opened.entry.item["call_id"]
        else:
            fields["content_index"] = 0
        fields["delta"] = delta
        if self._obfuscate:
            fields["obfuscation"] = obfuscation(delta)
        self._emit(_DELTAS[kind], **fields)

    def _place(self, opened: _Open) -> Payload:
        return {
            "response_id": self.id,
            "item_id": opened.entry.id,
            "output_index": opened.index,
        }

    def _part(self, text: str) -> Payload:
        """The part as `response.content_part.*` show it, under the beta names in GA, too."""
        if self.audible:
            return {"type": "audio", "transcript": text}
        return {"type": "text", "text": text}

    def _content(self, text: str) -> Payload:
        """The part as items show it."""
        return {**self._part(text), "type": f"output_{self.terms.modality}"}

    def _close(self, status: Literal["completed", "incomplete"]) -> None:
        opened, self._open = self._open, None
        if opened is None:
            return
        item = {**opened.entry.item, "status": status}
        if item["type"] == "message":
            self._close_message(opened)
            item["content"] = [self._content(opened.text)]
        else:
            item["arguments"] = opened.text
            self._emit(
                "response.function_call_arguments.done",
                **self._place(opened),
                call_id=item["call_id"],
                name=item["name"],
                arguments=opened.text,
            )
        if self._conversation is not None:
            # Null as often as not where the service made the item; clients rely on `added`.
            self._emit("conversation.item.done", previous_item_id=None, item=item)
        self._emit(
            "response.output_item.done",
            response_id=self.id,
            output_index=opened.index,
            item=item,
        )
        self._output.append(item)
        if opened.entry.truncated:
            opened.entry.item["status"] = status
        else:
            opened.entry.item = item

    def _close_message(self, opened: _Open) -> None:
        place, text = {**self._place(opened), "content_index": 0}, opened.text
        if self.audible:
            self._emit("response.output_audio.done", **place)
            self._emit("response.output_audio_transcript.done", **place, transcript=text)
        else:
            self._emit("response.output_text.done", **place, text=text)
        self._emit("response.content_part.done", **place, part=self._part(text))

    def _end(self, status: Ending, details: Payload | None) -> None:
        if self.closed:
            return
        self._close("completed" if status == "completed" else "incomplete")
        self.closed = True
        spent = None if status == "failed" else usage(self.given, self._cached, self.made)
        self._emit("response.done", response=self._shown(status, details, spent))
        self._ended(self)

    def _shown(
        self,
        status: Ending | Literal["in_progress"],
        details: Payload | None,
        spent: Payload | None,
    ) -> Payload:
        voice = self.terms.voice
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": list(self._output),
            "conversation_id": self._conversation_id if self.writes else None,
            "output_modalities": [self.terms.modality],
            "max_output_tokens": self.terms.max_output_tokens,
            "audio": {
                "output": {
                    "format": plain(self.terms.format),
                    "voice": voice if isinstance(voice, str) else plain(voice),
                }
            },
            "usage": spent,
            "metadata": self.terms.metadata,
        }


_DELTAS: Final = {
    "text": "response.output_text.delta",
    "transcript": "response.output_audio_transcript.delta",
    "arguments": "response.function_call_arguments.delta",
}


def obfuscation(delta: str) -> str:
    """Return filler that hides the length of a short `delta` from who watches the wire."""
    return _PADDING[min(len(delta), _PADDED) :]
