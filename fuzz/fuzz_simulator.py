"""Whatever a client sends, the simulator's rules raise nothing and answer in the protocol's words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from fuzz.harness import Choices, fuzz, samples, strange

atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["anyrealtime"]):
    from anyrealtime.events import InvalidEvent, UnknownEvent, decode_server
    from anyrealtime.simulator import (
        FunctionCallRequest,
        McpCallRequest,
        McpFailure,
        RemoteTool,
        default_model,
        speak,
    )
    from anyrealtime.simulator._models._request import model_request
    from anyrealtime.simulator._rules._effects import CallTool, Effect, ListTools, Start, Transcribe
    from anyrealtime.simulator._rules._rulebook import Rulebook
    from anyrealtime.simulator._rules._session import Kind, Opening

SAMPLES = samples("client", "beta")
SERVERS = {"docs": [RemoteTool(name="search", call=lambda _: "found")]}
DOCS = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example"}
SEARCH = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Search."}],
}
AUDIO = base64.b64encode(bytes(9600)).decode()
STEPS_AT_MOST = 16


def target(data: bytes) -> None:
    """The bytes choose the kind of session, the client's frames, and what the model says when."""
    choices = Choices(data)
    client = Client(choices)
    for _ in range(choices.number(STEPS_AT_MOST) + 1):
        client.act()
    client.rules.text(choices.rest())
    client.settle()


class Client:
    """A client that sends anything, and a model that answers now and then."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._started: list[Start] = []
        self._ids = ["item_nobody"]  # of items, calls and responses, as the server told them
        kinds: tuple[Kind, ...] = ("conversation", "conversation", "transcription", "translation")
        kind = kinds[choices.number(4)]
        opening = Opening(
            model="gpt-realtime",
            beta=choices.number(2) == 1 and kind != "translation",  # as `_connection` has it
            kind=kind,
            sideband=choices.number(4) == 1,
            expires_at=1_700_000_000,
        )
        self.rules = Rulebook(opening, serial=1, obfuscate=choices.number(2) == 1)
        self.rules.open()
        self.settle()

    def act(self) -> None:
        """One step of either side."""
        match self._choices.number(8):
            case 0:
                self.rules.binary()
            case 1 | 2 if self._started:
                self._answer(self._started.pop(self._choices.number(len(self._started))))
            case 3 | 4 | 5:
                frames = list(self._sensible())
                frame = frames[self._choices.number(len(frames))]
                self.rules.text(strange(json.dumps(frame).encode(), self._choices))
            case _:
                sample = SAMPLES[self._choices.number(len(SAMPLES))]
                self.rules.text(strange(sample, self._choices))
        self.settle()

    def _sensible(self) -> Iterator[dict[str, object]]:
        """What a client could well say now."""
        known = self._ids[self._choices.number(len(self._ids))]
        yield {"type": "response.create", "response": {}}
        yield {"type": "response.cancel", "response_id": known}
        yield {"type": "input_audio_buffer.append", "audio": AUDIO}
        yield {"type": "session.input_audio_buffer.append", "audio": AUDIO}
        yield {"type": "session.update", "session": {"type": "realtime", "tools": [DOCS]}}
        yield {"type": "conversation.item.create", "item": SEARCH}
        approve = self._choices.number(2) == 1
        answer = {"type": "mcp_approval_response", "approval_request_id": known, "approve": approve}
        yield {"type": "conversation.item.create", "item": answer}
        yield {"type": "input_audio_buffer.commit"}
        yield {"type": "conversation.item.retrieve", "item_id": known}
        yield {"type": "conversation.item.delete", "item_id": known}
        cut = {"content_index": 0, "audio_end_ms": 20}
        yield {"type": "conversation.item.truncate", "item_id": known, **cut}
        output = {"type": "function_call_output", "call_id": known, "output": "21 degrees"}
        yield {"type": "conversation.item.create", "item": output, "previous_item_id": known}
        given = [{"type": "item_reference", "id": known}]
        yield {"type": "response.create", "response": {"conversation": "none", "input": given}}

    def _answer(self, start: Start) -> None:
        run = start.run
        for part in default_model(model_request(self.rules, start)):
            if isinstance(part, str):
                words = self._choices.number(3) or None
                steps = [*run.say(part, words), *run.sound(speak(part))]
            else:
                alongside = self._choices.number(2) == 1
                if isinstance(part, McpCallRequest):
                    call = run.begin_mcp_call(part.server_label, part.name, alongside=alongside)
                else:
                    assert isinstance(part, FunctionCallRequest)  # there are no other pieces
                    call = run.begin_call(part.name, part.call_id, alongside=alongside)
                assert call is not None  # it was not closed
                steps = [*run.argue(call, ["{", "}"])]
                run.end_call(call)
            assert steps or run.closed
            if self._choices.number(8) == 1:
                self.act()  # the client goes on meanwhile
            if run.closed:
                return
        if self._choices.number(8) == 1:
            run.fail("server_error", None, "The model failed.")
        else:
            run.complete()

    def _carry_out(self, effect: Effect) -> None:
        failure = self._choices.number(4) == 1
        match effect:
            case Start():
                self._started.append(effect)
            case ListTools():
                self.rules.mcp.listed(effect, None if failure else SERVERS["docs"])
            case CallTool():
                self.rules.mcp.finish(effect.call, McpFailure("gone") if failure else "found")
            case Transcribe() if failure:
                self.rules.transcription.failed(effect.entry, "server_error", None, "It failed.")
            case Transcribe():
                self.rules.transcription.transcribed(effect.entry, "One two. Three.")
            case _:
                pass

    def settle(self) -> None:
        """Look at what the rules want sent and done."""
        while effects := self.rules.effects():
            for effect in effects:
                self._carry_out(effect)
        for frame in self.rules.take():
            event = decode_server(frame)
            assert not isinstance(event, InvalidEvent | UnknownEvent), event
            for about in (getattr(event, "item", None), getattr(event, "response", None)):
                told = (getattr(about, name, None) for name in ("id", "call_id"))
                self._ids += (known for known in told if isinstance(known, str))


if __name__ == "__main__":
    fuzz("simulator", target, [bytes([value] * 64) for value in range(0, 256, 5)])
