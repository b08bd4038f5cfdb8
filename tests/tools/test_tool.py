"""`@tool`: what it makes of functions and methods, and what it refuses."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest

from anyrealtime import ConfigurationError
from anyrealtime.events import FunctionTool, Session, SessionUpdate, encode
from anyrealtime.tools import Tool, tool


@tool
def get_weather(city: str) -> str:
    """The weather in a city, now.

    Args:
        city: where.
    """
    return f"Fog in {city}."


class Home:
    """A home with a light."""

    def __init__(self) -> None:
        self.lit: list[str] = []

    @tool(name="turn_on_light", needs_approval=True, timeout=2, on_error="raise")
    async def light(self, room: str) -> None:
        """Turn on a light."""
        self.lit.append(room)

    @classmethod
    @tool
    def build(cls, name: str) -> Home:
        return cls()

    @staticmethod
    @tool
    def count(n: int) -> int:
        return n


def test_a_tool_is_declared_as_its_function_says() -> None:
    assert get_weather.declaration == FunctionTool(
        name="get_weather",
        description="The weather in a city, now.",
        parameters={
            "type": "object",
            "properties": {"city": {"type": "string", "description": "where."}},
            "required": ["city"],
            "additionalProperties": False,
        },
    )
    assert encode(SessionUpdate(session=Session(tools=[get_weather.declaration])))


def test_a_function_stays_a_function() -> None:
    assert get_weather("Rome") == "Fog in Rome."
    assert get_weather.__name__ == "get_weather"
    assert inspect.signature(get_weather) == inspect.signature(get_weather.function)
    assert (get_weather.__doc__ or "").startswith("The weather")
    assert repr(get_weather) == "<Tool get_weather>"


def test_options_are_kept() -> None:
    @tool(name="n", description="d", cancel_on_interrupt=True, abandon_on_cancel=True)
    def function() -> None: ...

    assert (function.name, function.declaration.description) == ("n", "d")
    assert (function.cancel_on_interrupt, function.abandon_on_cancel) == (True, True)
    assert (function.timeout, function.needs_approval, function.on_error) == (None, False, None)


def test_a_function_that_says_nothing_is_declared_without_a_description() -> None:
    assert (
        "description"
        not in encode(SessionUpdate(session=Session(tools=[Home.count.declaration]))).decode()
    )


async def test_a_method_is_the_tool_of_its_object() -> None:
    home, other = Home(), Home()
    light = home.light
    assert isinstance(light, Tool)
    assert (light.name, light.needs_approval, light.timeout) == ("turn_on_light", True, 2)
    assert light.on_error == "raise"
    assert list(cast("Any", light.declaration.parameters)["properties"]) == ["room"]
    assert light.is_async
    await cast("Any", light.invoke(light.decode('{"room": "hall"}')))
    await home.light("attic")
    assert (home.lit, other.lit) == (["hall", "attic"], [])


def test_a_method_without_its_object_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ConfigurationError, match="'turn_on_light' is a method of Home"):
        _ = Home.light.declaration


def test_static_methods_need_no_object() -> None:
    assert Home.count.invoke(Home.count.decode('{"n": 3}')) == 3
    assert not Home.count.is_async


def test_a_schema_is_made_when_it_is_needed() -> None:
    """So a function may name types that are defined below it."""

    @tool
    def later(value: Later) -> None: ...

    assert cast("Any", later.declaration.parameters)["properties"]["value"]["required"] == ["x"]


class Later(dict[str, int]):
    """Replaced below, as a module does that imports late."""


def _replace() -> None:
    from dataclasses import make_dataclass

    globals()["Later"] = make_dataclass("Later", [("x", int)])


_replace()


def test_an_object_with_an_async_call_is_async() -> None:
    class Asker:
        async def __call__(self) -> None: ...

    assert Tool(Asker(), name="ask").is_async


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tool(cast("Any", 1)), "a tool is made of a function, not 1"),
        (lambda: Tool(lambda: None), "name= must be 1 to 64 letters.*not '<lambda>'"),
        (lambda: Tool(len, name=""), "name= must be"),
        (lambda: Tool(len, name="a b"), "name= must be"),
        (lambda: Tool(len, name="a" * 65), "name= must be"),
        (lambda: Tool(len, name=cast("Any", 1)), "name= must be"),
        (lambda: Tool(cast("Any", Home())), "a tool is made of a function"),
        (lambda: tool(timeout=0)(len), "timeout= must be a positive number of seconds, not 0"),
        (lambda: tool(timeout=cast("Any", True))(len), "timeout= must be"),
        (lambda: tool(on_error=cast("Any", "ignore"))(len), 'on_error= must be "tell" or "raise"'),
        (lambda: tool(generator), "tool 'generator' is a generator"),
        (lambda: tool(async_generator), "tool 'async_generator' is a generator"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_what_has_no_name_needs_one() -> None:
    class Asker:
        def __call__(self) -> None: ...

    with pytest.raises(ConfigurationError, match="name= is needed"):
        Tool(Asker())
