"""The service's words for what msgspec finds wrong."""

from __future__ import annotations

import msgspec
import pytest

from anyrealtime.simulator._rules._errors import Refusal, from_validation, invalid_value


@pytest.mark.parametrize(
    ("complaint", "code", "param"),
    [
        ("Object contains unknown field `a` - at `$.b`", "unknown_parameter", "root.b.a"),
        ("Object contains unknown field `a`", "unknown_parameter", "root.a"),
        (
            "Object missing required field `a` - at `$.b[1]`",
            "missing_required_parameter",
            "root.b[1].a",
        ),
        ("Expected `int`, got `str` - at `$.a`", "invalid_type", "root.a"),
        ("Expected `int` >= 24000 - at `$.a`", "integer_below_min_value", "root.a"),
        ("Expected `int` <= 3 - at `$.a`", "integer_above_max_value", "root.a"),
        ("Expected `float` <= 1.5 - at `$.a`", "decimal_above_max_value", "root.a"),
        ("Expected `str` of length <= 64 - at `key` in `$.a`", "string_above_max_length", "root.a"),
        ("Expected `str` of length >= 1 - at `$.a[...]`", "string_below_min_length", "root.a"),
        ("Expected `array` of length <= 1 - at `$.a`", "array_above_max_length", "root.a"),
        ("Expected `object` of length <= 16 - at `$.a`", "object_above_max_properties", "root.a"),
        ("Invalid enum value 'x' - at `$.a`", "invalid_value", "root.a"),
        ("Invalid base64 encoded string - at `$.a`", "invalid_value", "root.a"),
    ],
)
def test_translation(complaint: str, code: str, param: str) -> None:
    refusal = from_validation(msgspec.ValidationError(complaint), "root")
    assert (refusal.code, refusal.param) == (code, param)


def test_types_are_named_for_people() -> None:
    refusal = from_validation(
        msgspec.ValidationError("Expected `int | str`, got `null` - at `$.a`"), ""
    )
    assert refusal.message == (
        "Invalid type for 'a': expected an integer or a string, but got null instead."
    )


def test_close_reasons() -> None:
    assert Refusal("c", "m").close_reason == "invalid_request_error.c"
    assert Refusal(None, "m").close_reason == "invalid_request_error"
    assert Refusal("c", "m", param="p").detail("e") == {
        "type": "invalid_request_error",
        "code": "c",
        "message": "m",
        "param": "p",
        "event_id": "e",
    }


@pytest.mark.parametrize(
    ("supported", "hint"),
    [
        ((), ""),
        (("a",), " Supported values are: 'a'."),
        (("a", "b"), " Supported values are: 'a' and 'b'."),
        (("a", "b", "c"), " Supported values are: 'a', 'b', and 'c'."),
    ],
)
def test_supported_values_are_listed_as_the_service_does(
    supported: tuple[str, ...], hint: str
) -> None:
    refusal = invalid_value("p", "x", supported)
    assert refusal.message == f"Invalid value: 'x'.{hint}"
