"""Tools of modules and objects, and what a session is offered in all."""

from __future__ import annotations

from types import MethodType, ModuleType
from typing import Any, cast

import pytest

from anyrealtime import ConfigurationError
from anyrealtime.events import FunctionTool, McpTool
from anyrealtime.tools import Tool, tool, toolset
from anyrealtime.tools._toolset import collect, name_of


class Base:
    @tool
    def first(self) -> str:
        return "base"

    @tool
    def second(self) -> str:
        return "second"


class Home(Base):
    def __init__(self) -> None:
        self.third = tool(name="third")(lambda: "third")
        self.other = 1

    @tool
    def first(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "home"

    @classmethod
    @tool
    def fourth(cls) -> str:
        return cls.__name__

    @staticmethod
    @tool
    def fifth() -> str:
        return "fifth"

    @property
    def trap(self) -> None:
        raise AssertionError("a property is not looked at")


class Slotted:
    __slots__ = ()

    @tool
    def only(self) -> None: ...


def test_the_tools_of_an_object_are_bound_to_it() -> None:
    tools = toolset(Home())
    assert [one.name for one in tools] == ["first", "second", "fourth", "fifth", "third"]
    assert [one() for one in tools] == ["home", "second", "Home", "fifth", "third"]
    assert [one.name for one in toolset(Slotted())] == ["only"]


def test_the_tools_of_a_module_are_those_it_holds() -> None:
    module = ModuleType("shop")
    vars(module).update(
        buy=tool(name="buy")(lambda: 1), again=None, helper=len, sell=tool(name="sell")(lambda: 2)
    )
    vars(module)["again"] = vars(module)["buy"]
    assert [one.name for one in toolset(module)] == ["buy", "sell"]


def test_a_method_of_a_tool_is_the_tool_of_its_object() -> None:
    """classmethod makes one since Python 3.13."""

    @tool
    def made(kind: type, n: int) -> str:
        return f"{kind.__name__} {n}"

    [bound] = collect([MethodType(made, Home)])
    assert isinstance(bound, Tool)
    assert bound.invoke(bound.decode('{"n": 1}')) == "Home 1"
    holder = ModuleType("holder")
    vars(holder)["made"] = MethodType(made, Home)
    assert [one.name for one in toolset(holder)] == ["made"]


@pytest.mark.parametrize("source", [ModuleType("empty"), object(), 3])
def test_a_source_without_tools_is_refused(source: object) -> None:
    with pytest.raises(ConfigurationError, match="toolset\\(\\) found no tools in"):
        toolset(source)


def test_a_class_is_no_object() -> None:
    with pytest.raises(ConfigurationError, match=r"Home\(\), not Home"):
        toolset(Home)


def plain(a: int) -> None: ...


def test_what_a_session_may_be_offered() -> None:
    home = Home()
    mcp = McpTool(server_label="docs", server_url="https://example.org/mcp")
    declared = FunctionTool(name="by_hand")
    found = collect([plain, [mcp, declared], toolset(home), plain2])
    names = ["plain", "docs", "by_hand", "first", "second", "fourth", "fifth", "third", "plain2"]
    assert [name_of(one) for one in found] == names
    assert found[1] is mcp
    assert found[2] is declared


def plain2() -> None: ...


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "tools= must be a list of tools, not 3"),
        (plain, "tools= must be a list of tools, not <function plain"),
        ([3], "tools= takes functions, tools, FunctionTool and McpTool, not int"),
        (["x"], "not str"),
        ([None], "not NoneType"),
        ([plain, plain], "two tools have the name 'plain'"),
        ([plain, FunctionTool(name="plain")], "two tools have the name 'plain'"),
        ([Home.first], "'first' is a method of Home"),
        ([lambda: 1], "name= must be"),
        ([cast("Any", iter)], "its signature cannot be read"),
    ],
)
def test_what_it_may_not_be_offered(given: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        collect(given)
