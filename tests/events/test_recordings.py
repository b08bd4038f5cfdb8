"""Recorded sessions and the specification's examples: every frame becomes its own class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    InvalidEvent,
    UnknownEvent,
    UnknownObject,
    decode_client,
    decode_server,
    encode,
)
from tests.events.frames import (
    PROTOCOL,
    Tree,
    frame,
    load,
    lost,
    needs_protocol,
    unknown_objects,
)

pytestmark = needs_protocol

# Types that no specification declares: xAI's, the mocks', and one sent to see what happens.
UNDECLARED = {"ping", "response.cancelled", "no.such.event"}

# Client frames that were sent to see how a server refuses them.
WRONG: list[Tree] = [
    {"no": "type"},
    {"type": "conversation.item.create", "event_id": "evt_noitem"},
]

# What the recorder or the specification left out, and what becomes of it.
CUT = {
    ".item.content[]: '<elided by node inspect>' became {'value': '<elided by node inspect>'}",
    ".response.output[]: '<elided by node inspect>' became {'value': '<elided by node inspect>'}",
    ".response.usage.input_token_details: '<elided by node inspect>' became None",
    ".response.usage.output_token_details: '<elided by node inspect>' became None",
    # not base64 of whole bytes: the examples' words, cut after their last whole byte
    ".audio: 'Base64EncodedAudioData' became 'Base64EncodedAudioDatQ=='",
    ".delta: 'Base64EncodedAudioDelta' became 'Base64EncodedAudioDeltY='",
    ".item.content[].audio: 'base64encodedaudio==' became 'base64encodedaudig=='",
}

# Objects that stay unread: no kind named, or cut by whoever wrote them down.
UNREAD = [
    UnknownObject(type=None),
    UnknownObject(value="<elided by node inspect>"),
]


def recorded(path: Path) -> Iterator[tuple[str, Tree]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = cast("Tree", json.loads(line))
        yield str(row["direction"]), cast("Tree", row["data"])


def check(direction: str, tree: Tree) -> None:
    decode = decode_client if direction == "sent" else decode_server
    known = CLIENT_EVENTS if direction == "sent" else SERVER_EVENTS
    raw = frame(tree)
    event = decode(raw)
    if tree in WRONG:
        assert isinstance(event, InvalidEvent)
        assert encode(event) == raw
    elif tree["type"] in UNDECLARED:
        assert event == UnknownEvent(str(tree["type"]), raw, cast("str", tree.get("event_id")))
        assert encode(event) == raw
    else:
        assert type(event) is known[str(tree["type"])], event
        again = encode(event)
        assert decode(again) == event
        assert set(lost(tree, event, json.loads(again))) <= CUT
        for unread in unknown_objects(event):
            assert unread in UNREAD or str(unread["audio"]).endswith("...")


@pytest.mark.parametrize(
    "path", sorted(PROTOCOL.glob("recordings/**/*.jsonl")), ids=lambda path: path.stem
)
def test_recording(path: Path) -> None:
    frames = list(recorded(path))
    assert frames
    for direction, tree in frames:
        check(direction, tree)


@pytest.mark.parametrize(
    "path",
    sorted(PROTOCOL.glob("examples/*/*/*.json")),
    ids=lambda path: str(path.relative_to(PROTOCOL)),
)
def test_example(path: Path) -> None:
    check("sent" if path.parent.name == "client" else "received", load(path))
