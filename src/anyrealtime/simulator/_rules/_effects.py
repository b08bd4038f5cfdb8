"""What the rules want done that takes time: they cannot wait, so whoever drives them does it.

Declarations only. The driver carries effects out in order, after every call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._remote_tools import RemoteCall, RemoteTool
from anyrealtime.simulator._rules._responses import ResponseRun


@dataclass(frozen=True, slots=True)
class Start:
    """Let the model answer: a response has begun and waits for what it is to say."""

    run: ResponseRun
    context: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """The response with that id is over; its model need not go on."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ListTools:
    """Find out what an MCP server offers; `entry` is the item that will show it."""

    declared: grammar.McpTool
    entry: Entry


@dataclass(frozen=True, slots=True)
class CallTool:
    """Call a tool of an MCP server's."""

    call: RemoteCall
    tool: RemoteTool


@dataclass(frozen=True, slots=True)
class HangUp:
    """Everything was said: end the connection as a normal one."""


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Make out the words of what was said, and tell the rules of transcription."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Alarm:
    """Call `Rulebook.alarm` in `after_ms` milliseconds. A later alarm takes the place of this."""

    after_ms: int


Effect: TypeAlias = Start | Stop | ListTools | CallTool | Transcribe | Alarm | HangUp
