"""References in schemas, resolved in place; types that contain themselves are not."""

from __future__ import annotations

from anyrealtime.tools._schema import inlined


def test_references_are_replaced_and_what_stands_beside_them_stays() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/$defs/A", "default": 1}, "title": {"$ref": "#/$defs/B"}}
    }
    definitions = {"A": {"title": "A", "type": "integer"}, "B": {"title": "Bee", "type": "string"}}
    assert inlined(schema, definitions) == {
        "properties": {
            "a": {"type": "integer", "default": 1},
            "title": {"title": "Bee", "type": "string"},
        }
    }


def test_types_that_contain_each_other_are_kept_once() -> None:
    definitions = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}}},
        "B": {"type": "array", "items": {"$ref": "#/$defs/A"}},
        "C": {"type": "null"},
    }
    assert inlined({"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/C"}]}, definitions) == {
        "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}],
        "$defs": {name: definitions[name] for name in "AB"},
    }


def test_definitions_that_are_written_inside_are_found() -> None:
    inner = {"$defs": {"B": {"type": "string"}}, "properties": {"b": {"$ref": "#/$defs/B"}}}
    schema = {"properties": {"a": inner, "list": {"anyOf": [inner, True]}}}
    placed = {"properties": {"b": {"type": "string"}}}
    assert inlined(schema, {}) == {"properties": {"a": placed, "list": {"anyOf": [placed, True]}}}


def test_allowed_values_say_what_kind_they_are() -> None:
    def typed(*values: object) -> object:
        return inlined({"enum": list(values)}, {}).get("type")

    assert [typed("a", "b"), typed(1, 2), typed(True), typed(1, "a"), typed(1, True)] == [
        "string", "integer", "boolean", None, None,
    ]  # fmt: skip


def test_references_to_elsewhere_are_left_alone() -> None:
    assert inlined({"$ref": "https://example.org/x"}, {}) == {"$ref": "https://example.org/x"}
