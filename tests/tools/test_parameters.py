"""Signatures as schemas, against pydantic's for the same ones; and what a model gives, checked."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, cast, get_type_hints

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta
from pydantic import TypeAdapter

from anyrealtime import ConfigurationError, ToolError
from anyrealtime.tools import Tool, ToolContext, tool
from tests.tools import signatures
from tests.tools.signatures import SIGNATURES, Colour, Order, Point

jsonschema: Any = importlib.import_module("jsonschema")  # it has no types


def tool_of(function: Callable[..., Any]) -> Tool[..., Any]:
    return Tool(function, name=function.__name__.strip("<>"))


def pydantics(function: Callable[..., Any]) -> Any:
    return TypeAdapter[Any](cast("Any", function)).json_schema()


def schema_of(function: Callable[..., Any]) -> Any:
    return tool_of(function).declaration.parameters


# Schemas


def agreed(schema: Mapping[str, Any]) -> Any:
    """What of a schema the two libraries mean in common. These are the documented differences:

    pydantic gives everything a title; it refers to `$defs` where we write in place (but for
    types that contain themselves); it keeps the order of an enumeration's values; a `required`
    that is empty is left away; a fixed tuple does not say that no further items follow.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    under_way: list[str] = []

    def plain(node: object, *, members: bool = False) -> Any:
        if isinstance(node, list):
            return list(map(plain, cast("list[object]", node)))
        if not isinstance(node, dict):
            return node
        told = cast("dict[str, Any]", node)
        if members:
            return {name: plain(one) for name, one in told.items()}
        name = str(told.get("$ref", "")).removeprefix("#/$defs/")
        if name:
            if name in under_way:
                return {"again": name}
            under_way.append(name)
            whole = plain({**definitions[name], **{k: v for k, v in told.items() if k != "$ref"}})
            under_way.pop()
            return whole
        return {
            key: sorted(value) if key == "enum" else plain(value, members=key == "properties")
            for key, value in told.items()
            if key not in ("$defs", "title")
            and (key, value) not in (("required", []), ("items", False))
        }

    return plain(schema)


def test_there_are_thirty_of_them() -> None:
    assert len(SIGNATURES) == 30


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__name__)
def test_a_schema_is_what_pydantic_makes_of_it(function: Callable[..., None]) -> None:
    ours = schema_of(function)
    assert agreed(ours) == agreed(pydantics(function))
    jsonschema.Draft202012Validator.check_schema(ours)


def test_bounds_and_descriptions_too() -> None:
    ours = schema_of(signatures.constrained)
    theirs = pydantics(signatures.constrained_as_pydantic_has_it)
    assert agreed(ours) == agreed(theirs)


def test_what_a_type_contains_is_written_in_place_unless_it_contains_itself() -> None:
    assert "$ref" not in json.dumps(schema_of(signatures.nested))
    schema = schema_of(signatures.recursive)
    assert list(schema["$defs"]) == ["Tree"]
    assert schema["properties"]["tree"] == {"$ref": "#/$defs/Tree"}


def test_structs_are_described_like_dataclasses() -> None:
    def order(order: Order) -> None: ...

    assert schema_of(order)["properties"]["order"] == {
        "type": "object",
        "description": "What somebody wants.",
        "properties": {"dish": {"type": "string"}, "count": {"type": "integer", "default": 1}},
        "required": ["dish"],
    }


def test_tagged_unions_refer_to_nothing() -> None:
    def draw(what: Circle | Square) -> str:
        return type(what).__name__

    assert "#/$defs" not in json.dumps(schema_of(draw))
    drawn = tool_of(draw)
    assert drawn.invoke(drawn.decode('{"what": {"type": "Square", "side": 1}}')) == "Square"


class Circle(msgspec.Struct, tag=True):
    radius: float


class Square(msgspec.Struct, tag=True):
    side: float


def test_a_default_that_is_no_json_is_the_functions_own_business() -> None:
    nothing = object()

    def find(name: str, fallback: object = nothing) -> object:
        return fallback

    assert schema_of(find)["properties"]["fallback"] == {}
    found = tool_of(find)
    assert found.invoke(found.decode('{"name": "x"}')) is nothing


def test_a_mutable_default_stays_the_functions_own() -> None:
    held: list[int] = []

    def keep(values: list[int] = held) -> list[int]:
        return values

    kept = tool_of(keep)
    assert kept.invoke(kept.decode("{}")) is held


def test_what_nobody_annotated_may_be_anything() -> None:
    function: Callable[..., Any] = eval("lambda a, b=1: (a, b)")
    assert schema_of(function)["properties"] == {"a": {}, "b": {"default": 1}}
    made = tool_of(function)
    assert made.invoke(made.decode('{"a": [null]}')) == ([None], 1)


def any_number(*rest: int) -> None: ...
def any_names(**rest: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (any_number, r"\*rest.* has no name for the model to give"),
        (any_names, r"\*\*rest.* has no name for the model to give"),
    ],
)
def test_parameters_need_names(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        schema_of(function)


def test_a_type_that_no_json_fits_is_refused_by_the_parameters_name() -> None:
    def bad(a: int, value: complex | int) -> None: ...

    with pytest.raises(ConfigurationError, match="tool 'bad': its parameter 'value' has a type"):
        schema_of(bad)


class Custom:
    pass


class OnlyDescribed:
    """Nothing could check what the model gives for it."""

    @classmethod
    def model_json_schema(cls) -> dict[str, object]:
        return {"type": "string"}


def of_custom(value: Custom) -> None: ...
def of_described(value: OnlyDescribed) -> None: ...


@pytest.mark.parametrize("function", [of_custom, of_described])
def test_a_type_of_the_programs_own_needs_a_schema_and_a_check(
    function: Callable[..., Any],
) -> None:
    with pytest.raises(ConfigurationError, match="its parameter 'value' has a type that no JSON"):
        schema_of(function)


def test_an_annotation_that_cannot_be_read_is_refused() -> None:
    def bad(value: Any) -> None: ...

    bad.__annotations__["value"] = "NotThere"

    with pytest.raises(ConfigurationError, match="tool 'bad': its signature cannot be read"):
        schema_of(bad)


# What a model gives


@dataclass
class Even:
    value: int

    def __post_init__(self) -> None:
        if self.value % 2:
            raise ValueError(f"{self.value} is odd")


@tool
def everything(
    n: Annotated[int, Meta(ge=0)],
    point: Point,
    colour: Colour = Colour.RED,
    even: Even | None = None,
    at: datetime | None = None,
) -> tuple[object, ...]:
    return n, point, colour, even, at


def test_what_fits_arrives_as_what_the_signature_says() -> None:
    arguments = everything.decode('{"n": 1, "point": {"x": 2}, "colour": "blue"}')
    assert everything.invoke(arguments) == (1, Point(2, 1.0), Colour.BLUE, None, None)
    assert arguments == {"n": 1, "point": Point(2), "colour": Colour.BLUE, "even": None, "at": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing required field `n`"),
        ("{}", "missing required field `n`"),
        ('{"n": "1", "point": {"x": 2}}', r"Expected `int`, got `str` - at `\$\.n`"),
        ('{"n": -1, "point": {"x": 2}}', r"Expected `int` >= 0 - at `\$\.n`"),
        ('{"n": 1, "point": {"x": 2}, "m": 3}', "unknown field `m`"),
        ('{"n": 1, "point": {}}', r"missing required field `x` - at `\$\.point`"),
        ('{"n": 1, "point": {"x": 2}, "colour": "green"}', "Invalid enum value 'green'"),
        ('{"n": 1, "point": {"x": 2}, "even": {"value": 3}}', "3 is odd"),
        ("[1]", "Expected `object`, got `array`"),
        ('{"n": 1, "point"', "Input data was truncated"),
        ("name=1", "JSON is malformed"),
        ('{"\ud800": 1}', "surrogates not allowed"),
        ("[" * 100_000, "recursion|nested|Expected `object`"),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(text: str, message: str) -> None:
    with pytest.raises(ToolError, match=message) as caught:
        everything.decode(text)
    assert str(caught.value).startswith("The arguments of everything do not fit: ")
    assert str(caught.value).endswith("Call it again with arguments that fit its schema.")


def test_a_function_without_parameters_may_be_given_nothing() -> None:
    made = tool_of(signatures.nothing)
    for text in ("", " ", "{}"):
        assert made.decode(text) == {}


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150)
@given(data=st.data())
def test_made_up_arguments_fit_the_schema_or_are_refused_clearly(data: st.DataObject) -> None:
    """And what is let through is what the schema allows: the two tell the model the same."""
    function = data.draw(st.sampled_from(SIGNATURES))
    made = tool_of(function)
    schema = cast("dict[str, Any]", made.declaration.parameters)
    names = list(schema["properties"])
    given_: dict[str, Any] = data.draw(
        st.dictionaries(st.sampled_from([*names, "other"]), JSON_VALUES, max_size=4)
    )
    try:
        arguments = made.decode(json.dumps(given_))
    except ToolError as error:
        refusal = str(error)
    else:
        assert arguments.keys() == set(names)
        jsonschema.validate(given_, schema)
        return
    assert re.match(r"The arguments of \w+ do not fit: .+\. Call it again", refusal, re.DOTALL)


@settings(max_examples=100)
@given(data=st.data())
def test_arguments_made_from_the_types_arrive_as_they_were(data: st.DataObject) -> None:
    function: Callable[..., Any] = data.draw(st.sampled_from(DRAWN))
    hints = {k: v for k, v in get_type_hints(function).items() if k != "return"}
    wanted = {name: data.draw(st.from_type(kind), label=name) for name, kind in hints.items()}
    made = tool_of(function)
    text = msgspec.json.encode(wanted).decode()
    assert made.decode(text) == wanted


DRAWN: list[
    Callable[..., Any]
] = [  # the others' types draw what is no JSON, such as NaN, or what compares by identity
    signatures.nothing,
    signatures.one_text,
    signatures.one_number,
    signatures.truth,
    signatures.with_default,
    signatures.keyword_only,
    signatures.optional,
    signatures.required_but_null,
    signatures.union,
    signatures.old_union,
    signatures.choice,
    signatures.number_choice,
    signatures.colour,
    signatures.level,
    signatures.texts,
    signatures.fixed_tuple,
    signatures.open_tuple,
    signatures.distinct,
]


# How the function is called


def test_positional_only_parameters_are_given_by_place() -> None:
    def place(a: int, b: int = 2, /, c: int = 3) -> tuple[int, int, int]:
        return a, b, c

    made = tool_of(place)
    assert made.invoke(made.decode('{"a": 1, "c": 4}')) == (1, 2, 4)


def test_a_context_is_not_the_models_business() -> None:
    def tell(city: str, here: ToolContext) -> tuple[str, ToolContext]:
        return city, here

    made = tool_of(tell)
    assert list(schema_of(tell)["properties"]) == ["city"]
    context = ToolContext(cast("Any", None), cast("Any", None), lambda _: None)
    assert made.invoke(made.decode('{"city": "Rome"}'), context) == ("Rome", context)
    with pytest.raises(ToolError, match="unknown field `here`"):
        made.decode('{"city": "Rome", "here": 1}')


def test_a_context_may_be_optional() -> None:
    def tell(city: str, here: ToolContext | None = None) -> ToolContext | None:
        return here

    made = tool_of(tell)
    assert list(schema_of(tell)["properties"]) == ["city"]
    assert made.invoke(made.decode('{"city": "Rome"}')) is None


def test_a_type_whose_own_annotations_cannot_be_read_is_refused() -> None:
    def bad(value: Unreadable) -> None: ...

    with pytest.raises(ConfigurationError, match="tool 'bad': its parameter 'value'"):
        schema_of(bad)


@dataclass
class Unreadable:
    value: NotThere  # type: ignore[name-defined] # noqa: F821 # pyright: ignore[reportUndefinedVariable]


def test_a_partial_function_is_described_by_what_is_left() -> None:
    def add(a: int, b: int) -> int:
        return a + b

    made = Tool(partial(add, 1), name="increment")
    assert list(cast("Any", made.declaration.parameters)["properties"]) == ["b"]
    assert made.invoke(made.decode('{"b": 2}')) == 3


def test_an_object_that_can_be_called_is_described_by_its_call() -> None:
    class Adder:
        def __call__(self, a: int) -> int:
            return a + 1

    made = Tool(Adder(), name="add")
    assert cast("Any", made.declaration.parameters)["properties"] == {"a": {"type": "integer"}}
    assert made.invoke(made.decode('{"a": 2}')) == 3


# Schemas by hand


RAW = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_a_schema_by_hand_is_sent_as_it_is() -> None:
    def weather(city: str, here: ToolContext, unit: str = "celsius") -> str:
        return city + unit

    made = tool(parameters=RAW)(weather)
    assert made.declaration.parameters == RAW
    assert made.invoke(made.decode('{"city": "Rome"}')) == "Romecelsius"
    for text in ("{}", '{"city": "Rome", "other": 1}', "[]", "{"):
        with pytest.raises(ToolError, match="The arguments of weather do not fit"):
            made.decode(text)


def test_a_schema_by_hand_suits_a_function_that_takes_whatever_comes() -> None:
    def echo(**given: object) -> object:
        return given

    made = tool(parameters=RAW)(echo)
    assert made.invoke(made.decode('{"city": "Rome", "x": 1}')) == {"city": "Rome", "x": 1}


# Types that validate themselves


class Booking(pydantic.BaseModel):
    table: int
    guest: Guest | None = None


class Guest(pydantic.BaseModel):
    name: str


Booking.model_rebuild()


def test_pydantics_models_describe_and_check_themselves() -> None:
    def book(booking: Booking) -> Booking:
        return booking

    made = tool_of(book)
    assert agreed(schema_of(book)) == agreed(pydantics(book))
    assert made.invoke(made.decode('{"booking": {"table": 1, "guest": {"name": "Ann"}}}')) == (
        Booking(table=1, guest=Guest(name="Ann"))
    )
    with pytest.raises(ToolError, match="validation error for Booking"):
        made.decode('{"booking": {"table": "x"}}')
