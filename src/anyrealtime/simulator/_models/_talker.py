"""Who answers when nobody else was asked to: a model of a few rules, offline and exact.

It says what it is, repeats what it was asked, speaks in paragraphs when asked to, calls the
functions that are mentioned (`_decisions`) and reports what came back. The same request gets
the same answer, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from anyrealtime.simulator._models._decisions import outcomes, wanted_calls
from anyrealtime.simulator._models._model import ModelRequest, Said

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


def default_model(request: ModelRequest) -> Iterator[Said]:
    """Answer `request` by rule. This is the model of a simulator that was given none."""
    if calls := wanted_calls(request):
        yield from calls
    elif report := "\n".join(outcomes(request)):
        yield report
    else:
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
