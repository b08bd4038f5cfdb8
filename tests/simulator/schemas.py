"""The published schemas of server events, where they are at hand: a payload is held against them."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Dialect: TypeAlias = Literal["ga", "beta"]
Schema: TypeAlias = Literal["ga", "beta", "ga_translation"]

PROTOCOL = Path(__file__).parents[3] / "shared" / "protocol"
RECORDINGS = PROTOCOL / "recordings"
# It has no types of its own, and its stubs are not everywhere.
jsonschema: Any = importlib.import_module("jsonschema")


@cache
def validators(schema_of: Schema) -> dict[str, Any]:
    """A validator for each event type; none at all where the schemas are missing."""
    path = PROTOCOL / f"schema_{schema_of}_server.json"
    if not path.exists():
        return {}
    whole: Json = json.loads(path.read_text())
    definitions: Json = whole["$defs"]
    found: dict[str, Any] = {}
    for event in whole["anyOf"]:
        tag: str = definitions[event["$ref"].rpartition("/")[2]]["properties"]["type"]["const"]
        found[tag] = jsonschema.Draft202012Validator({"$defs": definitions, **event})
    return found


def validate(event: Json, schema_of: Schema) -> None:
    """Fail if `event` is not one that such sessions have, or not shaped as the schema says."""
    known = validators(schema_of)
    if event["type"].startswith("transcription_session."):
        event = _published(event)
    if known:
        assert event["type"] in known, f"{event['type']} is no {schema_of} event"
        known[event["type"]].validate(event)


def _published(event: Json) -> Json:
    """What the beta schemas lack: `created` came later, and only REST gives a client secret."""
    secret = {"value": "", "expires_at": 0}
    assert event["session"]["client_secret"] is None
    return {
        **event,
        "type": "transcription_session.updated",
        "session": {**event["session"], "client_secret": secret},
    }
