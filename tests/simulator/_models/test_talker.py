"""The model of a simulator that was given none: what it says, and when it calls."""

from __future__ import annotations

from typing import Any

import pytest

from anyrealtime.events import FunctionCall, FunctionCallOutput, FunctionTool
from anyrealtime.simulator import FunctionCallRequest, default_model
from tests.simulator.asking import request


def spoken(text: str = "", **fields: Any) -> str:
    return "".join(str(part) for part in default_model(request(text, **fields)))


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("Say a couple of paragraphs!", 2),
        ("Say a couple paragraphs!", 2),
        ("Write me paragraphs", 2),
        ("A few short paragraphs", 3),
        ("One paragraph please", 1),
        ("a paragraph", 1),
        ("Say three short paragraphs.", 3),
        ("12 paragraphs", 12),
        ("0 paragraphs", 0),
        ("1000 paragraphs", 20),
    ],
)
def test_paragraphs(question: str, count: int) -> None:
    paragraphs = spoken(question).split("\n\n")
    assert [len(each) > 100 for each in paragraphs if each] == [True] * count


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("Who are you?", "simulator"),
        ("What are you?", "simulator"),
        ("Tell me about yourself.", "simulator"),
        ("Hello!", "Hello there"),
        ("Say a short greeting.", "Hello there"),
        ("Why is the sky  blue?", "“Why is the sky blue?”"),
        ("", "Hello"),
    ],
)
def test_answers(question: str, part: str) -> None:
    assert part in spoken(question)
    assert spoken(question) == spoken(question)


def test_what_was_heard() -> None:
    assert "I heard 1.2 seconds of audio" in spoken(heard_seconds=1.24)
    assert "“What?”" in spoken("What?", heard_seconds=1.2)


def weather(**properties: object) -> FunctionTool:
    return FunctionTool(
        name="get_weather",
        parameters={"type": "object", "properties": properties, "required": list(properties)},
    )


def call(text: str, tool: FunctionTool, **fields: Any) -> FunctionCallRequest | None:
    [part, *_] = default_model(request(text, tools=(tool,), **fields))
    return part if isinstance(part, FunctionCallRequest) else None


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("What is the weather in London?", {"type": "string"}, "London"),
        ("Can I know the weather in New York today", {"type": "string"}, "New York"),
        ('Weather for "the moon"?', {"type": "string"}, "the moon"),
        ("weather", {"type": "string"}, "weather"),
        ("Weather in 3 days", {"type": "integer"}, 3),
        ("Weather in 2.5 days", {"type": "number"}, 2.5),
        ("Weather in some days", {"type": "integer"}, 0),
        ("The weather, not the wind", {"type": "boolean"}, False),
        ("The weather", {"type": "boolean"}, True),
        ("The weather in celsius", {"enum": ["kelvin", "celsius"]}, "celsius"),
        ("The weather", {"enum": ["kelvin", "celsius"]}, "kelvin"),
        ("The weather", {"type": "array"}, []),
        ("The weather", {"type": "object"}, {}),
    ],
)
def test_arguments_are_taken_from_the_question(text: str, schema: object, value: object) -> None:
    asked = call(text, weather(it=schema))
    assert asked is not None
    assert asked.arguments == {"it": value}


def test_calls_only_where_they_are_called_for() -> None:
    assert call("How are you?", weather()) is None
    assert call("Get it on the road", weather()) is None
    assert call("The weather?", weather(), tool_choice="none") is None
    assert call("How are you?", weather(), tool_choice="required") is not None
    assert call("How are you?", weather(), tool_choice="get_weather") is not None
    assert call("The weather?", weather(), tool_choice="other") is None
    assert call("The weather?", FunctionTool(name="weather")) == FunctionCallRequest("weather", {})


def test_an_output_is_reported() -> None:
    output = FunctionCallOutput(call_id="call_1", output="12 degrees")
    made = FunctionCall(call_id="call_1", name="get_weather", arguments="{}")
    tools = (weather(),)
    assert (
        spoken("weather", items=(made, output), tools=tools) == "get_weather answered: 12 degrees"
    )
    assert spoken("weather", items=(output,), tools=tools) == "The function answered: 12 degrees"
