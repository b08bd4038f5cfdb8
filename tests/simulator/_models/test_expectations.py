"""What a script expects: what passes, and how the difference reads."""

from __future__ import annotations

import re
from typing import Any

import pytest

from anyrealtime.events import FunctionCall, FunctionCallOutput, FunctionTool
from anyrealtime.simulator import Expect, ModelRequest
from anyrealtime.simulator._models._expectations import difference

SENT: dict[str, Any] = {
    "items": (
        FunctionCall(call_id="call_1", name="get_weather", arguments="{}"),
        FunctionCallOutput(call_id="call_1", output='{"sky": "grey"}'),
        FunctionCall(call_id="call_2", name="get_time", arguments="{}"),
        FunctionCall(call_id="call_3", name="get_time", arguments="{}"),
        FunctionCallOutput(call_id="call_2", output="noon"),
        FunctionCallOutput(call_id="call_3", output="midnight"),
    ),
    "instructions": "Be brief.\nBe kind.",
    "tools": (FunctionTool(name="get_weather"), FunctionTool(name="get_time")),
    "tool_choice": "auto",
    "modality": "audio",
    "text": "What is the weather in Paris?",
    "heard_seconds": 1.5,
    "metadata": {"a": "1", "b": "2"},
    "model": "mine",
}


def compare(*answered: str, **expected: Any) -> str | None:
    return difference(Expect(**expected), ModelRequest(**SENT), answered)


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"text": "What is the weather in Paris?"},
        {"text": re.compile("weather in P")},
        {"heard_seconds": 1.5},
        {"outputs": {"get_weather": '{"sky": "grey"}', "get_time": "noon", "call_3": "midnight"}},
        {"outputs": {"call_1": {"sky": "grey"}, "call_2": "noon", "call_3": "midnight"}},
        {"instructions": "Be brief.\nBe kind."},
        {"instructions": re.compile("(?m)^Be kind")},
        {"tools": {"get_time", "get_weather"}},
        {"tool_choice": "auto"},
        {"modality": "audio"},
        {"metadata": {"a": "1"}},
    ],
)
def test_what_was_sent_is_what_was_expected(expected: dict[str, Any]) -> None:
    assert compare(**expected) is None


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        (
            {"text": "What is the weather in Rome?"},
            (
                "- text: What is the weather in Rome?\n"
                "?                              ^^^^\n"
                "+ text: What is the weather in Paris?\n"
                "?                              ^^^^^"
            ),
        ),
        (
            {"text": re.compile("snow|rain")},
            "- text: /snow|rain/\n+ text: What is the weather in Paris?",
        ),
        ({"heard_seconds": 2}, "- heard_seconds: at least 2\n+ heard_seconds: 1.5"),
        (
            {"instructions": "Be brief.\nBe polite."},
            "  instructions: Be brief.\n-     Be polite.\n+     Be kind.",
        ),
        ({"tools": []}, "- tools:\n+ tools: get_time, get_weather"),
        ({"tool_choice": "required"}, "- tool_choice: required\n+ tool_choice: auto"),
        ({"modality": "text"}, "- modality: text\n+ modality: audio"),
        (
            {"metadata": {"b": "2", "c": "3"}},
            "  metadata.b: 2\n- metadata.c: 3",
        ),
    ],
)
def test_a_difference_reads_well(expected: dict[str, Any], shown: str) -> None:
    assert compare(**expected) == shown


def test_outputs_that_differ() -> None:
    expected = {
        "get_weather": {"sky": "blue"},
        "get_time": ["noon"],
        "call_3": "midnight",
        "f": "1",
    }
    shown = compare(outputs=expected)
    assert shown is not None
    lines = [line for line in shown.split("\n") if line[:1] in "-+ " and line]
    assert lines == [
        '- outputs.get_weather: {"sky": "blue"}',
        '+ outputs.get_weather: {"sky": "grey"}',
        '- outputs.get_time: ["noon"]',
        "+ outputs.get_time: noon",
        "  outputs.call_3: midnight",
        "- outputs.f: 1",
    ]


def test_outputs_are_those_since_the_last_turn() -> None:
    assert compare("call_1", "call_2", outputs={"get_time": "midnight"}) is None
    assert compare("call_1", "call_2", "call_3", outputs={}) is None
    assert compare("call_1", "call_2", outputs={}) == "+ outputs.get_time: midnight"


def test_what_is_right_stands_beside_what_is_wrong() -> None:
    shown = compare(text=re.compile("weather"), modality="text")
    assert shown == ("  text: What is the weather in Paris?\n- modality: text\n+ modality: audio")
