"""Whatever the protocol's schemas allow, drawn at random, becomes its own class with all in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrealtime import events
from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    Event,
    decode_client,
    decode_server,
    encode,
)
from tests.events.frames import (
    PROTOCOL,
    frame,
    is_struct,
    load,
    lost,
    needs_protocol,
    unknown_objects,
)

pytestmark = needs_protocol

Schema: TypeAlias = dict[str, Any]
Drawn: TypeAlias = st.SearchStrategy[Any]

KINDS = {kind.__struct_config__.tag for kind in vars(events).values() if is_struct(kind)}

UNIONS = [
    (dialect, side) for dialect in ("ga", "beta", "ga_translation") for side in ("client", "server")
]

# Required of us by the protocol, optional in the schemas' flat objects.
HOLLOW = {
    "input_text": {"text"},
    "item_reference": {"id"},
    "function_call_output": {"call_id", "output"},
}

audio = st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode())
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
anything = st.dictionaries(st.text(max_size=3), scalars | st.lists(scalars, max_size=2), max_size=2)


class Declared:
    """The strategies of one schema file, each made once."""

    def __init__(self, dialect: str, side: str) -> None:
        schema: Schema = load(PROTOCOL / f"schema_{dialect}_{side}.json")
        self._defs: dict[str, Schema] = schema["$defs"]
        self.names: list[str] = [kind["$ref"].rsplit("/", 1)[1] for kind in schema["anyOf"]]
        self._made: dict[str, Drawn] = {}

    def named(self, name: str) -> Drawn:
        if name not in self._made:
            self._made[name] = self._values(self._defs[name], "")
        return self._made[name]

    def _values(self, schema: Schema, name: str) -> Drawn:
        match schema:
            case {"$ref": path}:
                return self.named(path.rsplit("/", 1)[1])
            case {"anyOf": choices}:
                # servers do say of what type, and of what role, a thing is
                told = [kind for kind in choices if name not in {"type", "role"} or not null(kind)]
                return st.one_of(*(self._values(kind, name) for kind in told))
            case {"const": value}:
                return st.just(value)
            case {"enum": members}:
                return st.sampled_from(members)
            case {"type": "string"}:
                return audio if name == "audio" else st.text(max_size=8)
            case {"type": "integer"}:
                return st.integers(-(2**53), 2**53)
            case {"type": "number"}:
                return st.floats(allow_nan=False, allow_infinity=False)
            case {"type": "boolean"}:
                return st.booleans()
            case {"type": "null"}:
                return st.none()
            case {"type": "array", "items": items}:
                return st.lists(self._values(items, name), max_size=2)
            case {"properties": properties}:
                return self._objects(properties, set(schema.get("required", [])))
            case {"additionalProperties": inner} if inner is not True:
                return st.dictionaries(st.text(max_size=3), self._values(inner, ""), max_size=2)
            case _:
                return anything

    def _objects(self, properties: dict[str, Schema], required: set[str]) -> Drawn:
        made = {name: self._values(inner, name) for name, inner in properties.items()}
        if str(properties.get("type", {}).get("const")).endswith("audio.delta"):
            made["delta"] = audio
        needed = {*required, "type", "role"}
        return st.fixed_dictionaries(
            {name: drawn for name, drawn in made.items() if name in needed},
            optional={name: drawn for name, drawn in made.items() if name not in needed},
        )


def null(schema: Schema) -> bool:
    return schema.get("type") == "null"


@cache
def declared(dialect: str, side: str) -> Declared:
    return Declared(dialect, side)


EVENTS = [
    (dialect, side, name)
    for dialect, side in (UNIONS if PROTOCOL.is_dir() else [])
    for name in declared(dialect, side).names
]


@pytest.mark.parametrize(("dialect", "side", "name"), EVENTS)
@settings(max_examples=40)
@given(data=st.data())
def test_drawn(dialect: str, side: str, name: str, data: st.DataObject) -> None:
    sent = data.draw(declared(dialect, side).named(name))
    decode = decode_client if side == "client" else decode_server
    known: Mapping[str, type[Event]] = CLIENT_EVENTS if side == "client" else SERVER_EVENTS
    event = decode(frame(sent))
    assert type(event) is known[sent["type"]], event
    again = encode(event)
    assert decode(again) == event
    for unknown in unknown_objects(event):
        needed = HOLLOW.get(str(unknown.type), set())
        assert unknown.type not in KINDS or any(unknown.get(name) is None for name in needed)
    # a null that the class has no room for counts as absent; nothing else may go or change
    gone = lost(sent, event, json.loads(again))
    assert [line for line in gone if ": None " not in line] == []
