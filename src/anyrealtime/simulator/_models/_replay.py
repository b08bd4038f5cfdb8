"""Replay: a model that says again what a real one said, out of a recording.

A recorded response becomes a turn of a script. Its words, sound and calls are kept piece by
piece; what the server around it did is not looked at: the simulator's own rules apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Final, cast

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import (
    ConversationItemInputAudioTranscriptionCompleted,
    FunctionCall,
    InputAudioBufferCommitted,
    Item,
    Message,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseError,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseStatusDetails,
    decode_server,
)
from anyrealtime.simulator._models._model import (
    ContentFiltered,
    FunctionCallRequest,
    ModelFailure,
    NewMessage,
    Said,
    Transcript,
)
from anyrealtime.simulator._models._recording import RecordedFrame, read_recording
from anyrealtime.simulator._models._script import Scripted, Turn
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._audio import decoded
from anyrealtime.simulator._sound._resampling import resampled
from anyrealtime.simulator._sound._speech import RATE_HZ


class Replay(Scripted):
    """A model that answers with the responses of a recording, in their order.

    Where the recording has no sound of a response that was spoken, the simulator's voice
    speaks its transcript. A response that failed fails again; one that was cut short says
    as much as was heard of it. A recogniser is told what the caller said, if it was recorded.

    Args:
        path: JSON lines, as `anyrealtime.testing.record_to` writes them.
        restart: begins it anew for every connection; otherwise all of them share it.

    Raises:
        ConfigurationError: there is no response in it.
        RecordingError: it is no recording.
        OSError: it cannot be read.
    """

    def __init__(self, path: str | PathLike[str], *, restart: bool = False) -> None:
        listening = _Listening()
        for session in read_recording(path):
            for frame in session.frames:
                if frame.direction == "received":
                    listening.take(frame)
        turns = listening.turns()
        if not turns:
            raise ConfigurationError(f"path: there is no response in {path}")
        super().__init__(turns, restart=restart)


@dataclass(slots=True)
class _Call:
    """A function call, as far as it was heard."""

    name: str
    call_id: str
    alongside: bool
    arguments: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class _Answer:
    """A response, as far as it was heard, and the items the caller spoke before it."""

    spoken: list[str]
    pieces: list[Said | _Call] = field(default_factory=list["Said | _Call"])
    calls: dict[str, _Call] = field(default_factory=dict[str, _Call])
    messages: list[str] = field(default_factory=list[str])
    is_open: bool = False
    fails: ModelFailure | ContentFiltered | None = None

    def message(self, item_id: str, phase: str | None = None) -> None:
        """What is said now belongs to the message `item_id`."""
        if item_id in self.messages:
            return
        if self.messages or phase is not None:
            self.pieces.append(NewMessage(phase))
        self.messages.append(item_id)
        self.is_open = True

    def call(self, item_id: str, call_id: str, name: str = "") -> _Call:
        """The call with that id; a new one begins here."""
        if item_id not in self.calls:
            self.calls[item_id] = _Call(name, call_id, self.is_open)
            self.pieces.append(self.calls[item_id])
        return self.calls[item_id]

    def begin(self, item: Item) -> None:
        """An item was announced."""
        if isinstance(item, Message):
            self.message(str(item.id), item.phase if isinstance(item.phase, str) else None)
        elif isinstance(item, FunctionCall):
            self.call(str(item.id), str(item.call_id), str(item.name))

    def end(self, item: Item) -> None:
        """An item is whole."""
        if isinstance(item, Message) and str(item.id) in self.messages[-1:]:
            self.is_open = False

    def finish(self, response: Response) -> None:
        """Fill in the items that came without a delta, and how it ended."""
        for item in response.output:
            if isinstance(item, FunctionCall):
                call = self.call(str(item.id), str(item.call_id), str(item.name))
                call.arguments = call.arguments or [str(item.arguments)]
            elif isinstance(item, Message) and str(item.id) not in self.messages:
                self.message(str(item.id))
                self.pieces += _said(item)
        details = response.status_details
        if not isinstance(details, ResponseStatusDetails):
            details = ResponseStatusDetails()
        if details.reason == "content_filter":
            self.fails = ContentFiltered()
        elif response.status == "failed":
            error = details.error or ResponseError()
            self.fails = ModelFailure(
                error.message or "The response failed.",
                code=error.code,
                type=error.type or "server_error",
            )

    def turn(self, heard: dict[str, str]) -> Turn:
        """It as a turn of a script."""
        spoken = " ".join(heard[item_id] for item_id in self.spoken if item_id in heard)
        audible = any(isinstance(piece, bytes) for piece in self.pieces)
        says = [_whole(piece, audible=audible) for piece in self.pieces]
        return Turn(says, heard=spoken or None, fails=self.fails)


def _whole(piece: Said | _Call, *, audible: bool) -> Said:
    if isinstance(piece, _Call):
        return FunctionCallRequest(
            piece.name, tuple(piece.arguments), piece.call_id or None, piece.alongside
        )
    return piece.text if isinstance(piece, Transcript) and not audible else piece


def _said(message: Message) -> Iterator[Said]:
    for part in message.content:
        text, transcript = getattr(part, "text", None), getattr(part, "transcript", None)
        if isinstance(text, str):
            yield text
        elif isinstance(transcript, str):
            yield Transcript(transcript)


_FORMATS: Final[Mapping[str, grammar.Format]] = {
    "audio/pcmu": grammar.Pcmu(),
    "audio/pcma": grammar.Pcma(),
    "g711_ulaw": grammar.Pcmu(),
    "g711_alaw": grammar.Pcma(),
}


class _Listening:
    """Follows what a server said, over all that was recorded."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._spoken: list[str] = []
        self._heard: dict[str, str] = {}
        self._last = ""
        self._format: grammar.Format = grammar.Pcm()
        self._rate_hz = RATE_HZ

    def turns(self) -> list[Turn]:
        """All responses as turns."""
        return [answer.turn(self._heard) for answer in self._answers.values()]

    def take(self, frame: RecordedFrame) -> None:
        """Follow one event."""
        self._learn_format(frame)
        event = decode_server(frame.frame)
        match event:
            case InputAudioBufferCommitted():
                self._spoken.append(str(event.item_id))
            case ConversationItemInputAudioTranscriptionCompleted():
                self._heard[str(event.item_id)] = event.transcript.strip()
            case ResponseCreated():
                self._last = str(event.response.id)
                self._answers[self._last] = _Answer(self._spoken)
                self._spoken = []
            case ResponseDone():
                self._answer(event.response.id).finish(event.response)
            case ResponseOutputItemAdded():
                self._answer(event.response_id).begin(event.item)
            case ResponseOutputItemDone():
                self._answer(event.response_id).end(event.item)
            case ResponseOutputTextDelta():
                self._say(event.response_id, event.item_id, event.delta)
            case ResponseOutputAudioTranscriptDelta():
                self._say(event.response_id, event.item_id, Transcript(event.delta))
            case ResponseOutputAudioDelta():
                self._say(event.response_id, event.item_id, self._pcm(event.delta))
            case ResponseFunctionCallArgumentsDelta():
                call = self._answer(event.response_id).call(str(event.item_id), event.call_id)
                call.arguments.append(event.delta)
            case ResponseFunctionCallArgumentsDone():
                call = self._answer(event.response_id).call(str(event.item_id), event.call_id)
                call.name = event.name or call.name
                call.arguments = call.arguments or [event.arguments]
            case _:
                pass

    def _answer(self, response_id: str | None) -> _Answer:
        """The response with that id; the last one where a server leaves it away."""
        return self._answers.setdefault(response_id or self._last, _Answer([]))

    def _say(self, response_id: str | None, item_id: str | None, piece: Said) -> None:
        answer = self._answer(response_id)
        answer.message(str(item_id))
        answer.pieces.append(piece)

    def _pcm(self, data: bytes) -> bytes:
        return resampled(decoded(data, self._format), self._rate_hz, RATE_HZ)

    def _learn_format(self, frame: RecordedFrame) -> None:
        """The format of the sound, where a session or a response tells it."""
        for holder in ("session", "response"):
            said = _dig(frame.data, holder, "audio", "output", "format")
            said = said or _dig(frame.data, holder, "output_audio_format")
            name = _dig(said, "type") or said
            if isinstance(name, str):
                self._format = _FORMATS.get(name, grammar.Pcm())
                rate_hz = _dig(said, "rate")
                self._rate_hz = rate_hz if isinstance(rate_hz, int) else RATE_HZ


def _dig(value: object, *names: str) -> object:
    for name in names:
        value = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
    return value
