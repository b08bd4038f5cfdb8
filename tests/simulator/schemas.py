"""The published schemas of server events, where they are at hand: a payload is held against them."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Dialect: TypeAlias = Literal["ga", "beta"]

PROTOCOL = Path(__file__).parents[3] / "shared" / "protocol"
RECORDINGS = PROTOCOL / "recordings"
# It has no types of its own, and its stubs are not everywhere.
jsonschema: Any = importlib.import_module("jsonschema")


@cache
def validators(dialect: Dialect) -> dict[str, Any]:
    """A validator for each event type; none at all where the schemas are missing."""
    path = PROTOCOL / f"schema_{dialect}_server.json"
    if not path.exists():
        return {}
    definitions: Json = json.loads(path.read_text())["$defs"]
    found: dict[str, Any] = {}
    for name, definition in definitions.items():
        tag: Json = definition.get("properties", {}).get("type", {})
        if "event_id" in definition.get("properties", {}) and "const" in tag:
            schema = {"$defs": definitions, "$ref": f"#/$defs/{name}"}
            found[tag["const"]] = jsonschema.Draft202012Validator(schema)
    return found


def validate(event: Json, dialect: Dialect) -> None:
    """Fail if `event` is not one its dialect has, or not shaped as the schema says."""
    known = validators(dialect)
    if known:
        assert event["type"] in known, f"{event['type']} is no {dialect} event"
        known[event["type"]].validate(event)
