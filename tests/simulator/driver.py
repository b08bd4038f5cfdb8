"""Drives a rulebook without sockets: commands in, checked events out, models played at once."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise

from anyrealtime.simulator._rules._effects import (
    Alarm,
    CallTool,
    HangUp,
    ListTools,
    Start,
    Stop,
    Transcribe,
)
from anyrealtime.simulator._rules._remote_tools import McpServers
from anyrealtime.simulator._rules._responses import ResponseRun, argument_pieces, pieces
from anyrealtime.simulator._rules._rulebook import Rulebook
from anyrealtime.simulator._rules._session import Kind, Opening
from anyrealtime.simulator._sound._detectors import DetectorFactory, EnergyDetector
from anyrealtime.simulator._sound._interpreter import Interpreter, default_interpreter
from anyrealtime.simulator._sound._speech import speak
from tests.simulator.schemas import Dialect, Json, Schema, validate


class Driver:
    """A session in which the test is the client and the model."""

    def __init__(
        self,
        *,
        dialect: Dialect = "ga",
        kind: Kind = "conversation",
        sideband: bool = False,
        obfuscate: bool = False,
        extras: bool = False,
        interpret: Interpreter = default_interpreter,
        servers: McpServers | None = None,
        tokens_per_minute: int | None = None,
        now: Callable[[], float] = lambda: 0.0,
        detector: DetectorFactory = EnergyDetector,
    ) -> None:
        self._schema: Schema = "ga_translation" if kind == "translation" else dialect
        self.rules = Rulebook(
            Opening(
                model="gpt-realtime",
                beta=dialect == "beta",
                kind=kind,
                sideband=sideband,
                expires_at=1_700_000_000,
            ),
            serial=1,
            obfuscate=obfuscate,
            extras=extras,
            tokens_per_minute=tokens_per_minute,
            now=now,
            interpret=interpret,
            detector=detector,
        )
        self._servers = servers or {}
        self.started: list[Start] = []
        self.stopped: list[str] = []
        self.tool_calls: list[CallTool] = []
        self.hung_up = False
        self.words: str | None = None
        self.alarms_ms: list[int] = []
        self.rules.open()
        self.opening = self.take()

    def take(self) -> list[Json]:
        """The events since the last look, each held against its schema."""
        for effect in self.rules.effects():
            match effect:
                case Start():
                    self.started.append(effect)
                case Stop():
                    self.stopped.append(effect.response_id)
                case ListTools():
                    servers = self._servers
                    self.rules.mcp.listed(effect, servers.get(effect.declared.server_label))
                case CallTool():
                    self.tool_calls.append(effect)
                case HangUp():
                    self.hung_up = True
                case Transcribe():
                    self.rules.transcription.transcribed(effect.entry, self.words)
                case Alarm():
                    self.alarms_ms.append(effect.after_ms)
        events: list[Json] = [json.loads(frame) for frame in self.rules.take()]
        for event in events:
            if event["type"] != "input_audio_buffer.dtmf_event_received":  # the one without
                assert list(event)[:2] == ["type", "event_id"]
            validate(event, self._schema)
        ids = [event["event_id"] for event in events if "event_id" in event]
        assert all(first < second for first, second in pairwise(ids))
        return events

    def tell(self, kind: str, **fields: object) -> list[Json]:
        """Send one client event."""
        return self.tell_text(json.dumps({"type": kind, **fields}))

    def tell_text(self, text: str) -> list[Json]:
        """Send one text frame."""
        self.rules.text(text.encode())
        return self.take()

    def hear(self, sound: bytes, chunk_ms: int | None = None) -> list[Json]:
        """Append `sound`, in PCM chunks of `chunk_ms` or at once."""
        size = len(sound) if chunk_ms is None else chunk_ms * 48
        events: list[Json] = []
        for start in range(0, len(sound), size):
            chunk = b64encode(sound[start : start + size]).decode()
            events += self.tell("input_audio_buffer.append", audio=chunk)
        return events

    def ring(self) -> list[Json]:
        """Let the time pass that the rules asked for last."""
        self.rules.alarm()
        return self.take()

    def refused(self, kind: str, **fields: object) -> Json:
        """Send one client event and return the error object that is the only answer."""
        [event] = self.tell(kind, event_id="evt_test", **fields)
        assert event["type"] == "error"
        assert event["error"]["event_id"] == "evt_test"
        error: Json = event["error"]
        return error

    def say(self, text: str, **fields: object) -> Json:
        """Create a user message; return the item."""
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
        event = self.tell("conversation.item.create", item=item | fields)[0]
        shown: Json = event["item"]
        return shown

    def start(self, **response: object) -> tuple[ResponseRun, list[Json]]:
        """Ask for a response and leave it running."""
        events = self.tell("response.create", response=response)
        assert events[0]["type"] == "response.created", events
        return self.started[-1].run, events

    def answer(self, *texts: str, **response: object) -> list[Json]:
        """Ask for a response that says `texts`; return all of its events."""
        run, events = self.start(**response)
        for word in chain.from_iterable(pieces(text, 1) for text in texts):
            finish(run.say(word, 1))
            finish(run.sound(speak(word)))
        run.complete()
        return events + self.take()


def call(run: ResponseRun, name: str, arguments: str, call_id: str | None = None) -> Iterator[None]:
    """Call a function, as a model does; one step an event."""
    made = run.begin_call(name, call_id)
    if made is not None:
        yield from run.argue(made, argument_pieces(arguments, 1))
        run.end_call(made)


def mcp_call(run: ResponseRun, server_label: str, name: str, arguments: str) -> None:
    """Call a tool of an MCP server's, as a model does."""
    made = run.begin_mcp_call(server_label, name)
    assert made is not None
    finish(run.argue(made, argument_pieces(arguments, 1)))
    run.end_call(made)


def finish(steps: Iterable[None]) -> int:
    """Take all steps; return how many there were."""
    return sum(1 for _ in steps)


def kinds(events: Iterable[Json]) -> list[str]:
    """The types of `events`, a run of the same one counted once."""
    found: list[str] = []
    for event in events:
        if found[-1:] != [event["type"]]:
            found.append(event["type"])
    return found
