"""The recorded tool rounds of real servers, played through the runner: they end as recorded.

The server's part is the recording's, word for word. It waits for what a server waits for: for
the update of the session, and for each request of a response.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import pytest

from anyrealtime import TransportClosed, open_realtime
from anyrealtime.testing import MemoryPeer, memory_transport_pair, replay
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


class Asked:
    """What was asked in a recording, with the tool that was offered and what that gave.

    Attributes:
        calls: the arguments with which the tool was called.
    """

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        [update] = [event for event in sent if event["type"] == "session.update"]
        [declared] = update["session"]["tools"]
        [self.output] = outputs(sent)
        [self.question] = [
            part["text"]
            for event in sent
            if event["type"] == "conversation.item.create" and event["item"]["type"] == "message"
            for part in event["item"]["content"]
        ]
        self.calls: list[dict[str, str]] = []
        self.tool = Tool(self._run, name=declared["name"], parameters=declared["parameters"])

    async def _run(self, **arguments: str) -> str:
        self.calls.append(arguments)
        return str(self.output["output"])


def dialect(path: Path) -> Literal["ga", "beta"]:
    return "beta" if path.stem in BETA else "ga"


@needs_recordings
@pytest.mark.parametrize("path", tool_rounds(), ids=lambda path: path.stem)
async def test_a_recorded_round_ends_as_it_did(path: Path) -> None:
    recorded = Recorded(path)
    asked = Asked(recorded.sent)
    transport, peer = memory_transport_pair()
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(recorded.hear, peer)
            tasks.start_soon(recorded.play, peer)
            async with open_realtime(
                transport=transport,
                tools=[asked.tool],
                dialect=dialect(path),
                close_timeout=0.01,
            ) as connection:
                assert await connection.ask(asked.question) == answer(recorded.received)
            tasks.cancel_scope.cancel()
    assert outputs(recorded.heard) == [asked.output]
    assert recorded.count("response.create") == 2
    [(call_id, arguments)] = {
        item["call_id"]: item["arguments"]
        for event in recorded.received
        if event["type"] == "response.done"
        for item in event["response"]["output"]
        if item["type"] == "function_call"
    }.items()
    assert (call_id, [json.loads(arguments)]) == (asked.output["call_id"], asked.calls)


@needs_recordings
@pytest.mark.parametrize("path", tool_rounds(), ids=lambda path: path.stem)
async def test_a_replayed_round_has_nothing_that_was_not_recorded(path: Path) -> None:
    recorded = Recorded(path)
    asked = Asked(recorded.sent)
    with anyio.fail_after(LIMIT):
        async with (
            replay(path) as server,
            open_realtime(
                "gpt-realtime",
                base_url=server.base_url,
                api_key="x",
                tools=[asked.tool],
                dialect=dialect(path),
            ) as connection,
        ):
            assert await connection.ask(asked.question) == answer(recorded.received)
        assert server.unexpected == []
    assert len(asked.calls) == 1
