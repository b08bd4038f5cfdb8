"""Who answers when nobody else was asked to: a model of a few rules, offline and exact.

It says what it is, repeats what it was asked, speaks in paragraphs when asked to, calls a
function whose name was mentioned and reports what came back. The same request gets the
same answer, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from anyrealtime.events import FunctionCall, FunctionCallOutput, FunctionTool
from anyrealtime.simulator._model import FunctionCallRequest, ModelRequest, Said

_SELF: Final = (
    "I am the anyrealtime simulator: a Realtime server without a neural network behind it. "
    "The protocol I speak is the real one; my sentences are written beforehand."
)
_PARAGRAPHS: Final = (
    (
        "A conversation over a wire is a stream of small promises. You say that a message exists, "
        "and the other side says that it has it. You ask for an answer, and before the first word "
        "comes you are told that one is on its way. Each step is announced, and so nothing has to "
        "be guessed."
    ),
    (
        "The words themselves arrive in pieces, because waiting for the whole would waste the time "
        "in which a reader could already read. A piece may be a word or a part of one. Put "
        "together in order they make the sentence that was meant, and a last event says that "
        "nothing is missing from it."
    ),
    (
        "Being interrupted is part of speaking. An answer that is no longer wanted can be stopped "
        "in the middle of a sentence, and both sides then agree on how much of it was given. What "
        "was already said stays said; what was not will never come."
    ),
    (
        "Sound is heavier than text and takes its own path beside it. The transcript runs ahead, "
        "the voice follows, and a careful listener keeps count of what was played rather than of "
        "what was received. The difference between the two is where most mistakes are made."
    ),
    (
        "A program that listens well does little at a time. It takes what has come, passes it on, "
        "and looks up again soon enough to notice that somebody wants its attention. That is all "
        "there is to patience, in machines as elsewhere."
    ),
)
_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "some": 2, "couple": 2, "a couple": 2, "couple of": 2,
    "a couple of": 2, "two": 2, "few": 3, "a few": 3, "three": 3, "several": 4, "four": 4,
    "five": 5, "six": 6,
}  # fmt: skip
_MOST_PARAGRAPHS: Final = 20
_COUNT: Final = re.compile(
    rf"\b(?P<count>\d+|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\s+(?:\w+\s+)?paragraphs?\b",
    re.IGNORECASE,
)
_WHO: Final = re.compile(
    r"\b(?:who|what)(?:'s| is| are)? (?:you|this|your name)\b|\byourself\b", re.IGNORECASE
)
_GREETING: Final = re.compile(
    r"\b(?:hello|hi|hey|greeting|good (?:morning|evening))\b", re.IGNORECASE
)
_WORDS: Final = re.compile(r"[^\W_]+")
_QUOTED: Final = re.compile(r"[\"'“«]([^\"'”»]+)[\"'”»]")
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_NAME: Final = re.compile(r"(?<![.!?] )(?<!^)\b(?!I\b)[A-Z][\w'-]*(?:\s+[A-Z][\w'-]*)*")
_SMALL_WORDS: Final = frozenset(
    {"a", "an", "and", "by", "do", "for", "get", "in", "is", "make", "of", "on", "set", "the", "to"}
)


def default_model(request: ModelRequest) -> Iterator[Said]:
    """Answer `request` by rule. This is the model of a simulator that was given none."""
    if request.items and isinstance(request.items[-1], FunctionCallOutput):
        yield _report(request, request.items[-1])
        return
    if call := _wanted_call(request):
        yield call
        return
    yield from _speech(request)


def _speech(request: ModelRequest) -> Iterator[str]:
    asked = request.text.strip()
    if request.heard_seconds and not asked:
        yield f"I heard {request.heard_seconds:.1f} seconds of audio. "
        yield "I cannot make out words, but every sample has arrived."
    elif "paragraph" in asked.lower():
        yield from _paragraphs(asked)
    elif not asked:
        yield f"Hello! {_SELF}"
    elif _WHO.search(asked):
        yield _SELF
    elif _GREETING.search(asked):
        yield "Hello there! It is good to hear from you."
    else:
        yield f"You asked: {_quoted(asked)} "
        yield "I am a simulator, so I can only tell you that your question has arrived whole."


def _quoted(text: str) -> str:
    return f"“{' '.join(text.split())}”"


def _paragraphs(asked: str) -> Iterator[str]:
    found = _COUNT.search(asked)
    said = found["count"].lower() if found else "a couple of"
    count = min(_NUMBERS.get(said) or int(said), _MOST_PARAGRAPHS)
    for index in range(count):
        break_before = "\n\n" if index else ""
        yield break_before + _PARAGRAPHS[index % len(_PARAGRAPHS)]


def _report(request: ModelRequest, output: FunctionCallOutput) -> str:
    calls = (item for item in request.items if isinstance(item, FunctionCall))
    name = next((call.name for call in calls if call.call_id == output.call_id), "The function")
    return f"{name} answered: {output.output}"


def _wanted_call(request: ModelRequest) -> FunctionCallRequest | None:
    """The call the client insists on, or that of the first function the user mentions."""
    for tool in request.tools:
        insisted = request.tool_choice in ("required", tool.name)
        if insisted or (request.tool_choice == "auto" and _mentions(request.text, tool)):
            return FunctionCallRequest(str(tool.name), _arguments(request.text, tool))
    return None


def _mentions(text: str, tool: FunctionTool) -> bool:
    named = {word.lower() for word in _WORDS.findall(str(tool.name))} - _SMALL_WORDS
    return not named.isdisjoint(word.lower() for word in _WORDS.findall(text))


def _arguments(text: str, tool: FunctionTool) -> dict[str, object]:
    """Fill what the function's schema requires from the words of `text`."""
    schema = _mapping(tool.parameters)
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
