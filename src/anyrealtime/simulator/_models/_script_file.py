"""A script as a TOML file, made into the turns of a Scripted model.

The grammar of the file is the structs below; docs/simulator.md describes it for people. A
mistake is refused with the place it is at.
"""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from anyrealtime.audio import read_wav
from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator._models._expectations import Expect, Words
from anyrealtime.simulator._models._model import (
    ContentFiltered,
    FunctionCallRequest,
    McpCallRequest,
    ModelFailure,
    NewMessage,
    Said,
    Thought,
    Transcript,
)
from anyrealtime.simulator._models._script import Turn
from anyrealtime.simulator._sound._resampling import resampled
from anyrealtime.simulator._sound._speech import RATE_HZ


class _Pattern(Struct, forbid_unknown_fields=True):
    matches: str


class _Failure(Struct, forbid_unknown_fields=True):
    message: str
    code: str | None = None
    type: str = "server_error"


class _Expect(Struct, forbid_unknown_fields=True):
    text: str | _Pattern | None = None
    heard_seconds: float | None = None
    outputs: dict[str, object] | None = None
    instructions: str | _Pattern | None = None
    tools: list[str] | None = None
    tool_choice: str | None = None
    modality: Literal["text", "audio"] | None = None
    metadata: dict[str, str] | None = None


class _Piece(Struct, forbid_unknown_fields=True):
    """One of those that are not just text; a call may say more."""

    call: str | UnsetType = UNSET
    transcript: str | UnsetType = UNSET
    audio: str | UnsetType = UNSET
    new_message: Literal[True] | str | UnsetType = UNSET
    thought: str | UnsetType = UNSET
    arguments: str | list[str] | dict[str, object] | UnsetType = UNSET
    call_id: str | UnsetType = UNSET
    server: str | UnsetType = UNSET
    alongside: bool | UnsetType = UNSET


class _Turn(Struct, forbid_unknown_fields=True):
    says: str | list[str | _Piece] = []
    expect: _Expect = msgspec.field(default_factory=_Expect)
    heard: str | _Failure | None = None
    fails: _Failure | None = None
    filtered: bool = False


class _File(Struct, forbid_unknown_fields=True):
    turn: list[_Turn]
    restart: bool = False


def read_script(path: str | PathLike[str]) -> tuple[list[Turn], bool]:
    """Return the turns in the TOML file `path`, and whether connections begin them anew.

    Raises:
        ConfigurationError: it is no script; the message says where.
        OSError: it, or a sound it names, cannot be read.
    """
    file = Path(path)
    try:
        script = msgspec.toml.decode(file.read_bytes(), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    turns: list[Turn] = []
    for index, turn in enumerate(script.turn):
        try:
            turns.append(_turn(turn, file.parent))
        except _Wrong as error:
            raise ConfigurationError(f"{path}: {error} - at `$.turn[{index}]`") from error
    return turns, script.restart


class _Wrong(ValueError):
    """What the grammar alone does not find."""


def _turn(said: _Turn, folder: Path) -> Turn:
    says: str | list[Said] = (
        said.says
        if isinstance(said.says, str)
        else [piece if isinstance(piece, str) else _piece(piece, folder) for piece in said.says]
    )
    heard = _failure(said.heard) if isinstance(said.heard, _Failure) else said.heard
    fails = None if said.fails is None else _failure(said.fails)
    if said.filtered:
        return Turn(says, _expect(said.expect), heard, ContentFiltered())
    return Turn(says, _expect(said.expect), heard, fails)


_KINDS: Final = ("call", "transcript", "audio", "new_message", "thought")
_OF_CALLS: Final = ("arguments", "call_id", "server", "alongside")


def _piece(said: _Piece, folder: Path) -> Said:
    kinds = [kind for kind in _KINDS if getattr(said, kind) is not UNSET]
    if len(kinds) != 1:
        raise _Wrong(f"a piece of an answer is one of {', '.join(_KINDS)}, not {_shown(said)}")
    if kinds != ["call"] and any(getattr(said, name) is not UNSET for name in _OF_CALLS):
        raise _Wrong(f"only a call has {', '.join(_OF_CALLS)}: {_shown(said)}")
    if isinstance(said.transcript, str):
        return Transcript(said.transcript)
    if isinstance(said.audio, str):
        return _sound(folder / said.audio)
    if isinstance(said.thought, str):
        return Thought(said.thought)
    if isinstance(said.call, str):
        return _call(said, said.call)
    return NewMessage(said.new_message if isinstance(said.new_message, str) else None)


def _call(said: _Piece, name: str) -> FunctionCallRequest | McpCallRequest:
    arguments = {} if isinstance(said.arguments, UnsetType) else said.arguments
    alongside = said.alongside is True
    if not isinstance(said.server, str):
        call_id = None if isinstance(said.call_id, UnsetType) else said.call_id
        return FunctionCallRequest(name, arguments, call_id, alongside)
    if said.call_id is not UNSET:
        raise _Wrong(f"the call of a tool on a server has no call_id: {_shown(said)}")
    return McpCallRequest(said.server, name, arguments, alongside)


def _shown(said: _Piece) -> str:
    return msgspec.json.encode(said).decode()


def _sound(path: Path) -> bytes:
    try:
        pcm, rate_hz = read_wav(path)
    except ConfigurationError as error:
        raise _Wrong(f"{path}: {error}") from error
    return resampled(pcm, rate_hz, RATE_HZ)


def _expect(said: _Expect) -> Expect:
    return Expect(
        text=_words(said.text),
        heard_seconds=said.heard_seconds,
        outputs=said.outputs,
        instructions=_words(said.instructions),
        tools=said.tools,
        tool_choice=said.tool_choice,
        modality=said.modality,
        metadata=said.metadata,
    )


def _words(said: str | _Pattern | None) -> Words | None:
    if not isinstance(said, _Pattern):
        return said
    try:
        return re.compile(said.matches)
    except re.error as error:
        raise _Wrong(f"matches: {said.matches!r} is no regular expression: {error}") from error


def _failure(said: _Failure) -> ModelFailure:
    return ModelFailure(said.message, code=said.code, type=said.type)
