"""What governs a response: the session, unless its `response.create` says otherwise."""

from __future__ import annotations

import pytest

from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._session import RealtimeSession
from anyrealtime.simulator._rules._terms import terms

SESSION = RealtimeSession(
    id="s", model="m", expires_at=0, instructions="Be brief.", max_output_tokens=100
)


def test_what_is_not_said_is_the_sessions() -> None:
    agreed = terms(SESSION, grammar.ResponsePatch())
    assert agreed.modality == "audio"
    assert agreed.instructions == "Be brief."
    assert agreed.max_output_tokens == 100
    assert agreed.parallel_tool_calls
    assert (agreed.voice, agreed.format) == ("alloy", grammar.Pcm())
    assert agreed.metadata is None


def test_what_is_said_holds_for_the_response() -> None:
    output = grammar.OutputChoice(voice="marin", format=grammar.Pcmu())
    agreed = terms(
        SESSION,
        grammar.ResponsePatch(
            output_modalities=["text"],
            instructions="Sing.",
            parallel_tool_calls=False,
            max_output_tokens="inf",
            audio=grammar.AudioChoice(output=output),
            metadata={"a": "b"},
        ),
    )
    assert agreed.modality == "text"
    assert agreed.instructions == "Sing."
    assert agreed.max_output_tokens == "inf"
    assert not agreed.parallel_tool_calls
    assert (agreed.voice, agreed.format) == ("marin", grammar.Pcmu())
    assert agreed.metadata == {"a": "b"}


@pytest.mark.parametrize("said", [None, ""])
def test_no_instructions_are_those_of_the_session(said: str | None) -> None:
    assert terms(SESSION, grammar.ResponsePatch(instructions=said)).instructions == "Be brief."


def test_modalities_go_one_at_a_time() -> None:
    with pytest.raises(Refusal, match="Supported combinations"):
        terms(SESSION, grammar.ResponsePatch(output_modalities=["text", "audio"]))
