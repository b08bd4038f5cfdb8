"""What a script expects of its client, held against what the client sent: equal, or a diff.

Pure. Both sides are written out as text, line by line and in the same order, so that the
difference can be read; what nobody expects anything of is not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import ndiff
from typing import Literal, TypeAlias

from anyrealtime.events import FunctionCall, FunctionCallOutput
from anyrealtime.simulator._models._model import ModelRequest

Words: TypeAlias = str | re.Pattern[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the client must have sent when it asks for an answer; None is anything.

    Attributes:
        text: what the user wrote or said last: the very words, or a pattern found in them.
        heard_seconds: the user spoke aloud, at least so long.
        outputs: what functions returned since the turn before, by the function's name (by
            `call_id` where the script chose it); a value that is no text is compared with
            the JSON that was sent. All of them: an empty mapping expects none.
        instructions: of the response or the session: the very words, or a pattern.
        tools: the names of the functions that are offered, in any order.
        tool_choice: "auto", "none", "required" or the name of one function.
        modality: what the answer is to be.
        metadata: entries that the response carries, maybe among others.
    """

    text: Words | None = None
    heard_seconds: float | None = None
    outputs: Mapping[str, object] | None = None
    instructions: Words | None = None
    tools: Collection[str] | None = None
    tool_choice: str | None = None
    modality: Literal["text", "audio"] | None = None
    metadata: Mapping[str, str] | None = None


class ScriptMismatch(AssertionError):
    """The client did not do what a script expects of it. The message is a readable diff.

    The response that was asked for fails with it, and it is raised when the simulator is left.
    """


def difference(expected: Expect, request: ModelRequest, answered: Collection[str]) -> str | None:
    """Return what differs, None if nothing does.

    Args:
        expected: what the script says.
        request: what was sent.
        answered: the ids of the calls whose outputs the turns before have seen.
    """
    pairs = list(_compared(expected, request, answered))
    if all(wanted == got for wanted, got in pairs):
        return None
    return "\n".join(
        line.rstrip()
        for line in ndiff(
            [line for wanted, _ in pairs for line in wanted],
            [line for _, got in pairs for line in got],
        )
    )


_Pair: TypeAlias = tuple[list[str], list[str]]


def _compared(
    expected: Expect, request: ModelRequest, answered: Collection[str]
) -> Iterator[_Pair]:
    if expected.text is not None:
        yield _words("text", expected.text, request.text)
    if expected.heard_seconds is not None:
        yield _duration(expected.heard_seconds, request.heard_seconds)
    if expected.outputs is not None:
        yield from _outputs(expected.outputs, request, answered)
    if expected.instructions is not None:
        yield _words("instructions", expected.instructions, request.instructions)
    if expected.tools is not None:
        got = [str(tool.name) for tool in request.tools]
        yield (
            _lines("tools", ", ".join(sorted(expected.tools))),
            _lines("tools", ", ".join(sorted(got))),
        )
    if expected.tool_choice is not None:
        yield (
            _lines("tool_choice", expected.tool_choice),
            _lines("tool_choice", request.tool_choice),
        )
    if expected.modality is not None:
        yield _lines("modality", expected.modality), _lines("modality", request.modality)
    if expected.metadata is not None:
        for key, value in expected.metadata.items():
            name = f"metadata.{key}"
            sent = request.metadata.get(key)
            yield _lines(name, value), [] if sent is None else _lines(name, sent)


def _lines(name: str, value: str) -> list[str]:
    first, *rest = value.split("\n")
    return [f"{name}: {first}", *(f"    {line}" for line in rest)]


def _words(name: str, wanted: Words, got: str) -> _Pair:
    if isinstance(wanted, str):
        return _lines(name, wanted), _lines(name, got)
    found = wanted.search(got) is not None
    return _lines(name, got if found else f"/{wanted.pattern}/"), _lines(name, got)


def _duration(least: float, heard: float) -> _Pair:
    got = f"heard_seconds: {heard:g}"
    return [got if heard >= least else f"heard_seconds: at least {least:g}"], [got]


def _outputs(
    wanted: Mapping[str, object], request: ModelRequest, answered: Collection[str]
) -> Iterator[_Pair]:
    got = _named_outputs(wanted, request, answered)
    for key in [*wanted, *(key for key in got if key not in wanted)]:
        name = f"outputs.{key}"
        sent = [] if key not in got else _lines(name, got[key])
        if key not in wanted:
            yield [], sent
        elif key in got and _same(wanted[key], got[key]):
            yield sent, sent
        else:
            value = wanted[key]
            yield _lines(name, value if isinstance(value, str) else json.dumps(value)), sent


def _named_outputs(
    wanted: Mapping[str, object], request: ModelRequest, answered: Collection[str]
) -> dict[str, str]:
    """The new outputs by the names the script calls them by, each only once."""
    names = {item.call_id: item.name for item in request.items if isinstance(item, FunctionCall)}
    got: dict[str, str] = {}
    for item in request.items:
        if isinstance(item, FunctionCallOutput) and item.call_id not in answered:
            call_id = str(item.call_id)
            name = call_id if call_id in wanted else str(names.get(item.call_id, call_id))
            got[call_id if name in got else name] = str(item.output)
    return got


def _same(wanted: object, sent: str) -> bool:
    if isinstance(wanted, str):
        return wanted == sent
    try:
        return bool(json.loads(sent) == wanted)
    except ValueError:
        return False
