"""The project's own samples: each decodes to its class, and nothing known is lost on the way."""

from __future__ import annotations

import json

import msgspec
import pytest

from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    UnknownObject,
    decode_client,
    decode_server,
    encode,
)
from tests.events.frames import Tree, frame, lost, sample_frames, structs, unknown_objects

CLIENT = sample_frames("client")
SERVER = [*sample_frames("server"), *sample_frames("beta"), *sample_frames("vendors")]

# What the vendors' samples hold on purpose: kinds that nobody but they know.
UNKNOWN = [
    UnknownObject(type=None),
    UnknownObject(type="azure_semantic_vad", threshold=0.3),
    UnknownObject(type="allowed_tools", mode="auto"),
    UnknownObject(type="force_message", words=["now"], id="i"),
]


def test_every_event_has_a_sample() -> None:
    assert {tree["type"] for tree in CLIENT} == set(CLIENT_EVENTS)
    assert {tree["type"] for tree in SERVER} == set(SERVER_EVENTS)


@pytest.mark.parametrize("tree", CLIENT, ids=lambda tree: str(tree["type"]))
def test_client(tree: Tree) -> None:
    event = decode_client(frame(tree))
    assert type(event) is CLIENT_EVENTS[str(tree["type"])]
    again = encode(event)
    assert json.loads(again) == tree
    assert decode_client(again) == event
    assert not list(unknown_objects(event))


@pytest.mark.parametrize("tree", SERVER, ids=lambda tree: f"{tree['type']}-{tree.get('event_id')}")
def test_server(tree: Tree) -> None:
    event = decode_server(frame(tree))
    assert type(event) is SERVER_EVENTS[str(tree["type"])]
    assert event.type == tree["type"]
    assert event.event_id == tree.get("event_id")
    again = encode(event)
    assert not lost(tree, event, json.loads(again))
    assert decode_server(again) == event
    assert all(unknown in UNKNOWN for unknown in unknown_objects(event))


def test_every_field_of_every_class_is_sampled() -> None:
    """So that no field can be misspelt unseen."""
    told: dict[type, set[str]] = {}
    for event in (*map(decode_client, map(frame, CLIENT)), *map(decode_server, map(frame, SERVER))):
        for struct in structs(event):
            fields = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
            names = {name for name, value in fields if value not in (None, msgspec.UNSET)}
            for kind in type(struct).__mro__:
                told.setdefault(kind, set()).update(names)
    del told[object]
    declared = {(kind, name) for kind in told for name in vars(kind).get("__annotations__", ())}
    never = {f"{kind.__name__}.{name}" for kind, name in declared if name not in told[kind]}
    assert never == {"Masked.secrets", "McpTool.secrets", "ClientSecret.secrets"}
