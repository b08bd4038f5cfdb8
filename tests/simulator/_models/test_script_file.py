"""Scripts in TOML: all that can be said in them, and what is said of mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anyrealtime.audio import write_wav
from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import (
    ContentFiltered,
    Expect,
    FunctionCallRequest,
    McpCallRequest,
    ModelFailure,
    NewMessage,
    Scripted,
    Thought,
    Transcript,
    Turn,
)

EVERYTHING = """
restart = true

[[turn]]
heard = "What is the weather in Paris?"
says = [
  "One moment. ",
  { new_message = true },
  { transcript = "Hm." },
  { audio = "hm.wav" },
  { call = "get_weather", arguments = { city = "Paris", days = 2 }, call_id = "call_1" },
  { call = "get_weather", arguments = '{"city": "Pa' },
  { call = "get_weather", arguments = ['{"city":', '"Paris"}'] },
  { call = "get_time", alongside = true },
  { call = "search", server = "docs", arguments = { q = "rain" } },
  { new_message = "final_answer" },
  { thought = "It rains." },
]

[turn.expect]
text = { matches = "(?i)weather" }
heard_seconds = 1
outputs = { get_weather = "sunny", call_2 = { degrees = 21 } }
instructions = "Be brief."
tools = ["get_weather", "get_time"]
tool_choice = "auto"
modality = "audio"
metadata = { topic = "weather" }

[[turn]]
expect.text = "And then?"
says = "Then nothing."

[[turn]]
heard = { message = "Too noisy.", code = "audio_unintelligible" }
fails = { message = "No money.", code = "insufficient_quota", type = "invalid_request_error" }

[[turn]]
says = "Well, "
filtered = true
"""


def test_everything(tmp_path: Path) -> None:
    write_wav(tmp_path / "hm.wav", b"\1\0" * 800, rate_hz=8_000)
    (tmp_path / "turns.toml").write_text(EVERYTHING, "utf-8")
    first, second, third, fourth = Scripted.from_toml(tmp_path / "turns.toml").turns
    assert first.heard == "What is the weather in Paris?"
    assert isinstance(first.says, list)
    sound = first.says.pop(3)
    assert isinstance(sound, bytes)
    assert abs(len(sound) - 4_800) <= 4
    assert first.says == [
        "One moment. ",
        NewMessage(),
        Transcript("Hm."),
        FunctionCallRequest("get_weather", {"city": "Paris", "days": 2}, "call_1"),
        FunctionCallRequest("get_weather", '{"city": "Pa'),
        FunctionCallRequest("get_weather", ['{"city":', '"Paris"}']),
        FunctionCallRequest("get_time", {}, alongside=True),
        McpCallRequest("docs", "search", {"q": "rain"}),
        NewMessage("final_answer"),
        Thought("It rains."),
    ]
    assert first.expect == Expect(
        text=re.compile("(?i)weather"),
        heard_seconds=1.0,
        outputs={"get_weather": "sunny", "call_2": {"degrees": 21}},
        instructions="Be brief.",
        tools=["get_weather", "get_time"],
        tool_choice="auto",
        modality="audio",
        metadata={"topic": "weather"},
    )
    assert second == Turn("Then nothing.", Expect(text="And then?"))
    assert isinstance(third.heard, ModelFailure)
    assert third.heard.code == "audio_unintelligible"
    assert isinstance(third.fails, ModelFailure)
    assert (third.fails.message, third.fails.code) == ("No money.", "insufficient_quota")
    assert third.fails.type == "invalid_request_error"
    assert isinstance(fourth.fails, ContentFiltered)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "missing required field `turn`"),
        ("turn = 3", r"`\$.turn`"),
        ("[[turn]]\nsay = 'x'", r"unknown field `say` - at `\$.turn\[0\]`"),
        ("[[turn]]\nsays = [{ cal = 'f' }]", r"`cal` - at `\$.turn\[0\].says\[0\]`"),
        ("[[turn]]\n[[turn]]\nsays = [{}]", r"one of call, .* not {} - at `\$.turn\[1\]`"),
        ("[[turn]]\nsays = [{ call = 'f', transcript = 'x' }]", "a piece of an answer is one of"),
        ("[[turn]]\nsays = [{ transcript = 'x', call_id = 'y' }]", "only a call has arguments"),
        ("[[turn]]\nsays = [{ call = 'f', server = 's', call_id = 'y' }]", "no call_id"),
        ("[[turn]]\nexpect.text = { matches = 'x(' }", "no regular expression"),
        ("[[turn]]\nsays = [{ audio = 'bad.toml' }]", r"bad\.toml: source: this is not a WAV"),
        ("[[turn]", "bad.toml: "),
        (b"\xff", "bad.toml: "),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, text: str | bytes, complaint: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigurationError, match=complaint):
        Scripted.from_toml(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Scripted.from_toml(tmp_path / "none.toml")
