"""Which functions the default model calls, and with what: decided by the user's words alone.

A function is called when its name is mentioned. "The weather in Paris and Rome, then the time"
makes two calls at once and a third when their outputs are there; "three times", "until it
says ready", "with malformed arguments" and "an unknown function" do what they say. Nothing is
remembered: what was done already is read from the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Final, TypeAlias, cast

import msgspec

from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpCallError,
    Message,
)
from anyrealtime.simulator._models._model import (
    FunctionCallRequest,
    Item,
    McpCallRequest,
    ModelRequest,
)

Call: TypeAlias = FunctionCallRequest | McpCallRequest

UNKNOWN: Final = "no_such_function"
MOST_ROUNDS: Final = 20

_SMALL_WORDS: Final = frozenset(
    {"a", "an", "and", "by", "do", "for", "get", "in", "is", "make", "of", "on", "set", "the", "to"}
)
_COUNTS: Final = {"twice": 2, "two": 2, "three": 3, "four": 4, "five": 5}
_WORDS: Final = re.compile(r"[^\W_]+")
_QUOTED: Final = re.compile(r"[\"'“«]([^\"'”»]+)[\"'”»]")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
# Names of four words at most: what has no bound takes quadratic time on text made to that end.
_PROPER: Final = r"(?!I\b)[A-Z][\w'-]{0,40}(?:\s+[A-Z][\w'-]{0,40}){0,3}"
_NAME: Final = re.compile(rf"(?<![.!?] )(?<!^)\b{_PROPER}")
_NAMES: Final = re.compile(rf"(?<!^)\b{_PROPER}(?:,?\s+(?:and|or)\s+{_PROPER}|,\s+{_PROPER})+")
_BETWEEN_NAMES: Final = re.compile(r",?\s+(?:and|or)\s+|,\s+")
_THEN: Final = re.compile(
    r"[,;.]?\s*\b(?:and then|then|after that|afterwards)\b,?\s*", re.IGNORECASE
)
_TIMES: Final = re.compile(r"\b(?:(twice)|(\d+|two|three|four|five) times)\b", re.IGNORECASE)
_AT_ONCE: Final = re.compile(r"\b(?:in parallel|at once|at the same time)\b", re.IGNORECASE)
_UNTIL: Final = re.compile(
    r"\buntil (?:(?:it|they|one) (?:says?|is|are|answers?)\b|done\b).*", re.IGNORECASE | re.DOTALL
)
_MALFORMED: Final = re.compile(
    r"\b(?:malformed|broken|invalid) (?:arguments|json)\b", re.IGNORECASE
)
_UNKNOWN: Final = re.compile(r"\b(?:unknown|undeclared) (?:function|tool)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Tool:
    """What may be called: a function of the client's, or a tool on the MCP server `server`."""

    name: str
    schema: object
    server: str | None = None

    def call(self, arguments: Mapping[str, object]) -> Call:
        if self.server is None:
            return FunctionCallRequest(self.name, arguments)
        return McpCallRequest(self.server, self.name, arguments)


def wanted_calls(request: ModelRequest) -> list[Call]:
    """Return what to call now: the next round of what the user asked for."""
    done = _count(_turn(request.items))
    for calls in _rounds(request, _tools(request)):
        if done < len(calls):
            return calls[done:]
        done -= len(calls)
    return []


def _tools(request: ModelRequest) -> list[_Tool]:
    """What the client offers, as far as its `tool_choice` allows it."""
    tools = [_Tool(str(tool.name), tool.parameters) for tool in request.tools]
    for server, listed in request.mcp_tools.items():
        tools += (_Tool(tool.name, tool.input_schema, server) for tool in listed)
    return [tool for tool in tools if request.tool_choice in {"auto", "required", tool.name}]


def _count(turn: tuple[Item, ...]) -> int:
    """How many calls were made; their outputs may be all that is left of them."""
    made = sum(
        isinstance(item, FunctionCall | McpApprovalRequest)
        or (isinstance(item, McpCall) and not isinstance(item.approval_request_id, str))
        for item in turn
    )
    return max(made, sum(isinstance(item, FunctionCallOutput) for item in turn))


def outcomes(request: ModelRequest) -> list[str]:
    """Say what became of the calls since the user's last message."""
    turn = _turn(request.items)
    names = {
        item.call_id if isinstance(item, FunctionCall) else item.id: item.name
        for item in turn
        if isinstance(item, FunctionCall | McpApprovalRequest)
    }
    said: list[str] = []
    for item in turn:
        match item:
            case FunctionCallOutput():
                said.append(f"{names.get(item.call_id, 'The function')} answered: {item.output}")
            case McpCall(output=str(output)):
                said.append(f"{item.name} answered: {output}")
            case McpCall(error=McpCallError(message=message)):
                said.append(f"{item.name} failed: {message}")
            case McpApprovalResponse(approve=False):
                name = names.get(item.approval_request_id, "The tool")
                said.append(f"{name} was not approved")
            case _:
                pass
    return said


def _turn(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """What came after the user's last message."""
    for index in reversed(range(len(items))):
        item = items[index]
        if isinstance(item, Message) and item.role == "user":
            return items[index + 1 :]
    return items


def _rounds(request: ModelRequest, tools: list[_Tool]) -> Iterator[list[Call]]:
    """All the calls the user asks for, by rounds: each waits for the outputs of the one before."""
    if not tools:
        return
    until = _UNTIL.search(request.text)
    text = request.text if until is None else request.text[: until.start()]
    rounds: list[list[Call]] = []
    for step in _THEN.split(text):
        rounds += _step(step, tools, parallel=request.parallel_tool_calls)
    if not rounds and request.tool_choice != "auto":
        rounds = [[tools[0].call(_arguments(text, tools[0]))]]
    yield from rounds
    if until is not None and rounds:
        goal = _goal(until[0])
        if not any(goal in outcome.lower() for outcome in outcomes(request)):
            yield from repeat(rounds[-1], MOST_ROUNDS - len(rounds))


def _goal(text: str) -> str:
    """What is waited for: what is quoted, or else the last word."""
    quotation = _QUOTED.search(text)
    return (quotation[1] if quotation else _WORDS.findall(text)[-1]).lower()


def _step(step: str, tools: list[_Tool], *, parallel: bool) -> list[list[Call]]:
    """The rounds of one step."""
    calls, times = _calls(step, tools), _times(step)
    if _AT_ONCE.search(step):
        calls, times = calls * times, 1
    rounds = [calls] if parallel else [[call] for call in calls]
    return rounds * times if calls else []


def _times(step: str) -> int:
    found = _TIMES.search(step)
    if found is None:
        return 1
    said = (found[1] or found[2]).lower()
    return min(_COUNTS.get(said) or int(said), MOST_ROUNDS)


def _calls(step: str, tools: list[_Tool]) -> list[Call]:
    """The calls one step asks for, all of them at once."""
    malformed = _MALFORMED.search(step) is not None
    mentioned = [tool for tool in tools if _mentions(step, tool)]
    if malformed and not mentioned:
        mentioned = tools[:1]
    calls = [call for tool in mentioned for call in _calls_of(step, tool)]
    if malformed:
        calls = [_cut(call) for call in calls]
    if _UNKNOWN.search(step):
        calls.append(FunctionCallRequest(UNKNOWN, {}))
    return calls


def _cut(call: Call) -> Call:
    """The call with the first two thirds of its arguments."""
    text = msgspec.json.encode(call.arguments).decode()
    return replace(call, arguments=text[: len(text) * 2 // 3])


def _calls_of(step: str, tool: _Tool) -> list[Call]:
    """One call; one for each name where several are listed and the function takes one text."""
    arguments = _arguments(step, tool)
    listed = _NAMES.search(step)
    names = [] if listed is None else _BETWEEN_NAMES.split(listed[0])
    if len(arguments) == 1:
        [(key, value)] = arguments.items()
        if value in names:
            return [tool.call({key: name}) for name in names]
    return [tool.call(arguments)]


def _mentions(text: str, tool: _Tool) -> bool:
    named = {word.lower() for word in _WORDS.findall(tool.name)} - _SMALL_WORDS
    return not named.isdisjoint(word.lower() for word in _WORDS.findall(text))


def _arguments(text: str, tool: _Tool) -> dict[str, object]:
    """Fill what the function's schema requires from the words of `text`."""
    schema = _mapping(tool.schema)
    properties = _mapping(schema.get("properties"))
    required = schema.get("required")
    names = (
        [str(name) for name in cast("list[object]", required)] if isinstance(required, list) else []
    )
    return {name: _argument(text, _mapping(properties.get(name))) for name in names}


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _argument(text: str, schema: Mapping[str, object]) -> object:
    """A value of the declared kind: an allowed one, a number said, a quotation or a name."""
    options = schema.get("enum")
    if isinstance(options, list) and options:
        allowed = cast("list[object]", options)
        return next((one for one in allowed if str(one).lower() in text.lower()), allowed[0])
    match schema.get("type"):
        case "integer" | "number":
            found = _NUMBER.search(text)
            number = float(found[0]) if found else 0.0
            return number if schema["type"] == "number" and number % 1 else int(number)
        case "boolean":
            return not re.search(r"\b(?:no|not|don't|off|false)\b", text, re.IGNORECASE)
        case "array":
            return []
        case "object":
            return {}
        case _:
            quotation, name = _QUOTED.search(text), _NAME.search(text)
            return quotation[1] if quotation else name[0] if name else text.strip()
