"""The recorded tool rounds of real servers, played through the runner: they end as recorded.

The server's part is the recording's, word for word. It waits for what a server waits for: for
the update of the session, and for each request of a response.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from anyrealtime import TransportClosed, open_realtime
from anyrealtime.events import Session
from anyrealtime.testing import MemoryPeer, memory_transport_pair
from anyrealtime.tools import Tool
from tests._protocol.recorded import RECORDINGS, needs_recordings
from tests._runtime.peers import LIMIT

BETA: Final = {"test_azure_voice_live_ws__test_tool_call_round"}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def outputs(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs of calls among what a client sent, without ids of its own."""
    items = [e.get("item", {}) for e in events if e.get("type") == "conversation.item.create"]
    found = [item for item in items if item.get("type") == "function_call_output"]
    return [{key: value for key, value in item.items() if key != "id"} for item in found]


def answer(events: list[dict[str, Any]]) -> str:
    """What the last response of a recording says, or speaks."""
    last = next(e for e in reversed(events) if e["type"] == "response.done")
    [message] = [item for item in last["response"]["output"] if item["type"] == "message"]
    return "".join(part.get("text") or part.get("transcript") or "" for part in message["content"])


class Recorded:
    """A server that says what was recorded, in the order in which it was."""

    def __init__(self, path: Path) -> None:
        lines = rows(path)
        self.received = [row["data"] for row in lines if row["direction"] == "received"]
        self.sent = [row["data"] for row in lines if row["direction"] == "sent"]
        self.heard: list[dict[str, Any]] = []
        self._changed = anyio.Event()

    async def hear(self, peer: MemoryPeer) -> None:
        with suppress(TransportClosed):
            while True:
                self.heard.append(json.loads(await peer.receive()))
                self._changed.set()
                self._changed = anyio.Event()

    async def play(self, peer: MemoryPeer) -> None:
        asked = {"session.updated": "session.update", "response.created": "response.create"}
        told = dict.fromkeys(asked, 0)
        for event in self.received:
            if event["type"] in asked:
                told[event["type"]] += 1
                while self.count(asked[event["type"]]) < told[event["type"]]:
                    await self._changed.wait()
            await peer.send(json.dumps(event))

    def count(self, type_: str) -> int:
        return sum(event["type"] == type_ for event in self.heard)


def tool_rounds() -> list[Path]:
    return [
        path
        for path in sorted(RECORDINGS.glob("**/*.jsonl"))
        if outputs([row["data"] for row in rows(path) if row["direction"] == "sent"])
    ]


@needs_recordings
def test_there_are_tool_rounds() -> None:
    assert len(tool_rounds()) >= 6


@needs_recordings
@pytest.mark.parametrize("path", tool_rounds(), ids=lambda path: path.stem)
async def test_a_recorded_round_ends_as_it_did(path: Path) -> None:
    recorded = Recorded(path)
    [update] = [event for event in recorded.sent if event["type"] == "session.update"]
    [declared] = update["session"]["tools"]
    [output] = outputs(recorded.sent)
    asked: list[dict[str, str]] = []

    async def get_weather(**arguments: str) -> str:
        asked.append(arguments)
        return str(output["output"])

    tool = Tool(get_weather, name=declared["name"], parameters=declared["parameters"])
    [question] = [
        part["text"]
        for event in recorded.sent
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "message"
        for part in event["item"]["content"]
    ]
    transport, peer = memory_transport_pair()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(recorded.hear, peer)
            tasks.start_soon(recorded.play, peer)
            async with open_realtime(
                transport=transport,
                tools=[tool],
                session=Session(instructions="x"),
                dialect="beta" if path.stem in BETA else "ga",
                close_timeout=0.01,
            ) as connection:
                assert await connection.ask(question) == answer(recorded.received)
            tasks.cancel_scope.cancel()
    assert outputs(recorded.heard) == [output]
    assert recorded.count("response.create") == 2
    assert len(asked) == 1
    [call] = {
        item["call_id"]: item["arguments"]
        for event in recorded.received
        if event["type"] == "response.done"
        for item in event["response"]["output"]
        if item["type"] == "function_call"
    }.items()
    assert (call[0], json.loads(call[1])) == (output["call_id"], asked[0])
