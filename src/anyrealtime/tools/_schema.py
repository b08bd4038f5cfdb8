"""JSON schema as Realtime servers take it: whole in one place, without names for its own sake.

Pure: from msgspec's schema to the one that is sent. Not every server resolves references, so
what they name is put in their place, unless a type contains itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]

_PREFIX: Final = "#/$defs/"
_OPENAPIS_OWN: Final = "discriminator"  # points at definitions that are no more
_MAPS: Final = ("properties", "patternProperties")  # keywords whose members are schemas, by name
_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (str, "string"),
    (bool, "boolean"),
    (int, "integer"),
)


def inlined(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """`schema` with the definitions it refers to in the places of the references.

    Definitions that contain themselves stay in `$defs`, and so do references to them.
    """
    known: dict[str, Schema] = {}
    for name, definition in definitions.items():
        known[name] = _hoisted(_untitled(name, definition), known)
    root = _hoisted(dict(schema), known)
    circular = {name for name in known if name in _reached(known[name], known)}
    kept: dict[str, Schema] = {}

    def place(node: object) -> Any:
        if isinstance(node, list):
            return [place(member) for member in cast("list[object]", node)]
        if not isinstance(node, Mapping):
            return node
        given = cast("Mapping[str, Any]", node)
        name = _referred(given)
        if name is None:
            return _with_type(
                {key: place(value) for key, value in given.items() if key != _OPENAPIS_OWN}
            )
        if name in circular:
            if name not in kept:
                kept[name] = {}  # before its own references are met
                kept[name] = place(known[name])
            return dict(given)
        beside = {key: value for key, value in given.items() if key != "$ref"}
        return {**place(known[name]), **place(beside)}

    placed: Schema = place(root)
    return {**placed, "$defs": kept} if kept else placed


def _untitled(name: str, definition: Mapping[str, Any]) -> Schema:
    """Without the title that only repeats the name of a class."""
    return {
        key: value for key, value in definition.items() if not (key == "title" and value == name)
    }


def _hoisted(node: Schema, known: dict[str, Schema]) -> Schema:
    """Take the definitions out that a library has written inside, into `known`."""
    result: Schema = {}
    for key, value in node.items():
        if key == "$defs":
            for name, definition in cast("dict[str, Schema]", value).items():
                known.setdefault(name, _hoisted(_untitled(name, definition), known))
        elif key in _MAPS:
            members = cast("dict[str, Schema]", value)
            result[key] = {name: _hoisted(member, known) for name, member in members.items()}
        elif isinstance(value, dict) and key not in ("default", "const"):
            result[key] = _hoisted(cast("Schema", value), known)
        elif isinstance(value, list) and key not in ("default", "enum", "examples"):
            result[key] = [
                _hoisted(cast("Schema", member), known) if isinstance(member, dict) else member
                for member in cast("list[object]", value)
            ]
        else:
            result[key] = value
    return result


def _referred(node: Mapping[str, Any]) -> str | None:
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith(_PREFIX):
        return reference.removeprefix(_PREFIX)
    return None


def _reached(node: object, known: Mapping[str, Schema]) -> set[str]:
    """The names of all definitions that are met from here."""
    found: set[str] = set()
    left = [node]
    while left:
        current = left.pop()
        if isinstance(current, list):
            left += cast("list[object]", current)
        elif isinstance(current, Mapping):
            given = cast("Mapping[str, Any]", current)
            name = _referred(given)
            if name is not None and name not in found:
                found.add(name)
                left.append(known[name])
            left += given.values()
    return found


def _with_type(schema: Schema) -> Schema:
    """Say of allowed values what kind they are, where they are all of one: models heed it."""
    values = schema.get("enum")
    if isinstance(values, list) and values and "type" not in schema:
        for kind, name in _KINDS:
            if all(type(value) is kind for value in cast("list[object]", values)):
                return {"type": name, **schema}
    return schema
