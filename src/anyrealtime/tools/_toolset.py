"""Tools by the dozen: those of a module or an object, and what a session is offered in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType, ModuleType
from typing import Any, TypeAlias, cast

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import FunctionTool, McpTool
from anyrealtime.tools._tool import Tool

AnyTool: TypeAlias = Tool[..., Any] | Callable[..., Any] | FunctionTool | McpTool
"""What a session may be offered.

A function is run as `tool` would have it. A `FunctionTool` is only declared: its calls are
answered by the program. The tools of an `McpTool` are run by the server.
"""


def toolset(source: ModuleType | object) -> tuple[Tool[..., Any], ...]:
    """All tools of a module, or of an object: what `tool` has made of its functions or methods.

    Raises:
        ConfigurationError: there is none.
    """
    if isinstance(source, type):
        raise ConfigurationError(
            f"toolset() takes a module or an object: {source.__name__}(), not {source.__name__}"
        )
    if isinstance(source, ModuleType):
        found = list(vars(source).values())
    else:
        own: dict[str, object] = getattr(source, "__dict__", {})
        names = [name for kind in reversed(type(source).__mro__) for name in vars(kind)]
        found = [
            getattr(source, name)
            for name in dict.fromkeys([*names, *own])
            if _is_tool(getattr(type(source), name, None) or own.get(name))  # no property runs
        ]
    tools = dict.fromkeys(_as_tool(one) for one in found if _is_tool(one))
    if not tools:
        raise ConfigurationError(f"toolset() found no tools in {source!r}: decorate them by @tool")
    return tuple(tools)


def collect(
    given: Iterable[AnyTool | Iterable[AnyTool]],
) -> tuple[Tool[..., Any] | FunctionTool | McpTool, ...]:
    """What was given as the tools of a session, checked, each once.

    Raises:
        ConfigurationError: something of it is no tool, or two have the same name.
    """
    if not isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"tools= must be a list of tools, not {given!r}")
    found: list[Tool[..., Any] | FunctionTool | McpTool] = []
    for one in given:
        if isinstance(one, Iterable) and not callable(cast("object", one)):
            found += map(_checked, cast("Iterable[object]", one))
        else:
            found.append(_checked(cast("object", one)))
    names = [name_of(one) for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"two tools have the name {name!r}")
    return tuple(found)


def name_of(declared: Tool[..., Any] | FunctionTool | McpTool) -> str:
    """By what a model or a server calls it."""
    if isinstance(declared, McpTool):
        return declared.server_label
    return declared.name or ""


def _checked(one: object) -> Tool[..., Any] | FunctionTool | McpTool:
    if isinstance(one, FunctionTool | McpTool):
        return one
    if not callable(one):
        raise ConfigurationError(
            "tools= takes functions, tools, FunctionTool and McpTool, "
            f"not {type(one).__name__}; for those of a module or an object there is toolset()"
        )
    made = _as_tool(one)
    _ = made.declaration  # raises what is wrong with it
    return made


def _as_tool(one: Callable[..., Any]) -> Tool[..., Any]:
    if isinstance(one, Tool):
        return cast("Tool[..., Any]", one)
    if isinstance(one, MethodType) and isinstance(inner := _inner(one), Tool):
        return cast("Tool[..., Any]", inner).__get__(one.__self__)
    return Tool(one)


def _is_tool(one: object) -> bool:
    return isinstance(one, Tool) or (isinstance(one, MethodType) and isinstance(_inner(one), Tool))


def _inner(method: MethodType) -> object:
    """What a method calls: a tool where classmethod was given one, since Python 3.13."""
    return cast("object", method.__func__)
