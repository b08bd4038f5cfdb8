"""A response from `response.created` to `response.done`: what it may still say, how it ends.

What the model says goes in piece by piece; between two pieces the caller may wait, or end
the response by any of the four ways it can end. The events of its items are in `_output`.
No loop, no clock, no sockets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

from anyrealtime.simulator._rules._audio import bytes_per_ms, encoded, whole_bytes
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._output import Output, OutputItem
from anyrealtime.simulator._rules._payload import Emit, Payload
from anyrealtime.simulator._rules._remote_tools import RemoteCall
from anyrealtime.simulator._rules._session import plain
from anyrealtime.simulator._rules._terms import Terms
from anyrealtime.simulator._rules._usage import Tokens, count_tokens, spoken_tokens, usage

CHUNK_MS = 200
_WORD = re.compile(r"\s*\S+|\s+\Z")
_TOKEN = re.compile(r"\w+|\W+")

Ending: TypeAlias = Literal["completed", "cancelled", "incomplete", "failed"]


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


class Approvals(Protocol):
    """Who knows which calls of MCP tools a client has to approve of."""

    def asks(self, call: RemoteCall) -> bool:
        """Whether the client has to approve of `call`."""
        ...

    def wait(self, call: RemoteCall, request_id: str) -> None:
        """Keep `call` until the client answers the request."""
        ...


class ResponseRun:
    """One response under way.

    `say`, `sound` and `argue` make one event a step; whoever steps them sends it and may
    wait. Once `closed`, nothing more comes out of it.
    """

    def __init__(
        self,
        response_id: str,
        terms: Terms,
        output: Output,
        *,
        emit: Emit,
        conversation_id: str | None,
        given: Tokens,
        cached: Tokens,
        approvals: Approvals,
        extras: bool,
        ended: Callable[[ResponseRun], None],
    ) -> None:
        self.id = response_id
        self.terms = terms
        self.closed = False
        self.made = Tokens()
        self._sound_bytes = 0
        self.given = given
        self.calls: list[RemoteCall] = []
        self._output = output
        self._emit = emit
        self._conversation_id = conversation_id
        self._cached = cached
        self._approvals = approvals
        self._reasoned = 0 if extras else None
        self._ended = ended
        self._message: OutputItem | None = None

    @property
    def sound_ms(self) -> int:
        """How long its sound takes to play."""
        return self._sound_bytes // bytes_per_ms(self.terms.format)

    @property
    def writes(self) -> bool:
        """Whether it writes to the default conversation."""
        return self._conversation_id is not None

    @property
    def audible(self) -> bool:
        """Whether it is heard; otherwise it is read."""
        return self.terms.modality == "audio"

    @property
    def heard(self) -> Entry | None:
        """The item that is being said aloud, None while there is none."""
        return self._message.entry if self.audible and self._message is not None else None

    def begin(self) -> None:
        """Announce it."""
        self._emit("response.created", response=self._shown("in_progress", None, None))

    # What the model says

    def say(self, text: str, words: int | None) -> Iterator[None]:
        """Add `text` to the message, `words` at a time; where it is audible, to its transcript."""
        for piece in pieces(text, words):
            if self.closed or not self._afford(piece):
                return
            self._output.words(self._open_message(), piece)
            yield

    def sound(self, pcm: bytes) -> Iterator[None]:
        """Add 24 kHz PCM to the message of an audible response; any other one has no room for it.

        What is short of a sample of the response's format is held over to the next call.
        """
        if self.closed or not self.audible:
            return
        message, form = self._open_message(), self.terms.format
        pcm = message.rest + pcm
        whole = len(pcm) - len(pcm) % whole_bytes(form)
        message.rest = pcm[whole:]
        data = encoded(pcm[:whole], form)
        step = CHUNK_MS * bytes_per_ms(form)
        for start in range(0, len(data), step):
            if self.closed:
                return
            chunk = data[start : start + step]
            self._sound_bytes += len(chunk)
            tokens = spoken_tokens(len(chunk) // bytes_per_ms(form))
            self.made = replace(self.made, audio=self.made.audio + tokens)
            self._output.sound(message, chunk)
            yield

    def begin_message(self, phase: str | None = None) -> None:
        """End the message under way: what is said next goes into a new one, of that `phase`."""
        self._end_message()
        if phase is not None and not self.closed:
            self._message = self._output.message(phase)

    def begin_call(
        self, name: str, call_id: str | None, *, alongside: bool = False
    ) -> OutputItem | None:
        """Call a function of the client's; None if the response is over.

        `argue` gives the call its arguments and `end_call` ends it. With `alongside` the
        message under way stays open meanwhile.
        """
        if not alongside:
            self._end_message()
        return None if self.closed else self._output.function_call(name, call_id)

    def begin_mcp_call(
        self, server_label: str, name: str, *, alongside: bool = False
    ) -> OutputItem | None:
        """Call a tool on an MCP server, as `begin_call` calls a function."""
        if not alongside:
            self._end_message()
        return None if self.closed else self._output.mcp_call(server_label, name)

    def argue(self, call: OutputItem, pieces: Iterable[str]) -> Iterator[None]:
        """Add to the arguments of `call`, JSON text, a delta a piece."""
        for piece in pieces:
            if self.closed or not self._afford(piece):
                return
            self._output.arguments(call, piece)
            yield

    def end_call(self, call: OutputItem) -> None:
        """The arguments of `call` are whole."""
        if self.closed:
            return
        self._output.end(call, "completed")
        if call.kind != "mcp_call":
            return
        remote = RemoteCall(call.entry, call.index, kept=self.writes)
        if self._approvals.asks(remote):
            self._approvals.wait(remote, self._output.approval_request(remote))
        else:
            self.calls.append(remote)

    def think(self, text: str) -> None:
        """Count what the model thought and did not say."""
        if not self.closed and self._afford(text) and self._reasoned is not None:
            self._reasoned += count_tokens(text)

    # How it ends

    def complete(self) -> None:
        """End it as the model meant it."""
        self._end("completed", None)

    def cancel(self, reason: Literal["client_cancelled", "turn_detected"]) -> None:
        """End it because somebody does not want the rest."""
        self._end("cancelled", {"type": "cancelled", "reason": reason})

    def cut(self, reason: Literal["max_output_tokens", "content_filter"]) -> None:
        """End it because there may be no more of it."""
        self._end("incomplete", {"type": "incomplete", "reason": reason})

    def fail(self, type: str, code: str | None, message: str) -> None:  # noqa: A002 - the protocol's own name
        """End it because the model could not go on."""
        error = {"type": type, "code": code, "message": message}
        self._end("failed", {"type": "failed", "error": error})

    def _afford(self, piece: str) -> bool:
        cost = count_tokens(piece)
        limit = self.terms.max_output_tokens
        if limit != "inf" and self.made.total + cost > limit:
            self.cut("max_output_tokens")
            return False
        self.made = replace(self.made, text=self.made.text + cost)
        return True

    def _open_message(self) -> OutputItem:
        """The message being said; a new one is announced."""
        if self._message is None:
            self._message = self._output.message(None)
        return self._message

    def _end_message(self) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._output.end(message, "completed")

    def _end(self, status: Ending, details: Payload | None) -> None:
        if self.closed:
            return
        self._output.end_all("completed" if status == "completed" else "incomplete")
        self.closed = True
        spent = None
        if status != "failed":
            spent = usage(self.given, self._cached, self.made, self._reasoned)
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
            "output": self._output.shown,
            "conversation_id": self._conversation_id,
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
