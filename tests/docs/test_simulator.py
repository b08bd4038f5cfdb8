"""docs/simulator.md: its script of turns is one, and what it says is asked of the default model is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anyrealtime.events import FunctionTool
from anyrealtime.simulator import FunctionCallRequest, Scripted
from anyrealtime.simulator._models._decisions import wanted_calls
from tests.simulator.asking import request

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
[SCRIPT] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
SAYINGS = re.findall(r"\"([^\"]+)\"", PAGE.partition("| the user says |")[2].partition("\n\n")[0])
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = (FunctionTool(name="get_weather", parameters=CITY), FunctionTool(name="get_time"))


def test_the_script_is_one(tmp_path: Path) -> None:
    (tmp_path / "turns.toml").write_text(SCRIPT, "utf-8")
    first, second, third = Scripted.from_toml(tmp_path / "turns.toml").turns
    assert first.says == [
        "One moment. ",
        FunctionCallRequest("get_weather", {"city": "Paris"}, "call_1"),
    ]
    assert second.expect.outputs == {"get_weather": "sunny"}
    assert third.fails is not None


@pytest.mark.parametrize(
    "text", [saying for saying in SAYINGS if "weather" in saying or "time " in saying.lower()]
)
def test_what_may_be_asked_of_the_default_model(text: str) -> None:
    assert wanted_calls(request(text, tools=TOOLS))


def test_there_are_sayings() -> None:
    assert "The weather in Paris, Rome and Oslo" in SAYINGS
    assert len(SAYINGS) > 8
