"""The session: its defaults and what an update makes of it."""

from __future__ import annotations

from typing import Any

from anyrealtime.simulator._rules._session import INSTRUCTIONS
from tests.simulator.driver import Driver
from tests.simulator.schemas import Json


def updated(driver: Driver, **session: Any) -> Json:
    event, *_ = driver.tell("session.update", session={"type": "realtime", **session})
    shown: Json = event["session"]
    return shown


def test_defaults() -> None:
    session = Driver().opening[0]["session"]
    assert session["output_modalities"] == ["audio"]
    assert session["max_output_tokens"] == "inf"
    assert session["tools"] == []
    assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.5
    assert session["audio"]["input"]["transcription"] is None
    assert "reasoning" not in session


def test_only_audio_is_merged() -> None:
    driver = Driver()
    updated(driver, audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}})
    session = updated(driver, audio={"output": {"speed": 1.2}})
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "voice": "alloy",
        "speed": 1.2,
    }
    assert session["audio"]["input"]["transcription"]["language"] == "en"
    session = updated(driver, audio={"input": {"transcription": {"model": "other"}}})
    assert session["audio"]["input"]["transcription"]["language"] is None


def test_absent_keeps_null_turns_off() -> None:
    driver = Driver()
    audio = {
        "input": {
            "turn_detection": {"type": "semantic_vad"},
            "noise_reduction": {"type": "near_field"},
        }
    }
    shown = updated(driver, audio=audio)["audio"]["input"]
    assert shown["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    }
    shown = updated(driver, audio={"input": {"noise_reduction": None}})["audio"]["input"]
    assert shown["noise_reduction"] is None
    assert shown["turn_detection"]["type"] == "semantic_vad"
    shown = updated(driver, audio={"input": {"turn_detection": None}})["audio"]["input"]
    assert shown["turn_detection"] is None


def test_empty_instructions_bring_the_defaults_back() -> None:
    driver = Driver()
    assert updated(driver, instructions="Sing.")["instructions"] == "Sing."
    assert updated(driver)["instructions"] == "Sing."
    assert updated(driver, instructions="")["instructions"] == INSTRUCTIONS


def test_a_session_keeps_its_model() -> None:
    driver = Driver()
    assert updated(driver, model="gpt-realtime")["model"] == "gpt-realtime"
    error = driver.refused("session.update", session={"type": "realtime", "model": "other"})
    assert error["param"] == "session.model"


def test_everything_else_is_shown_as_it_was_said() -> None:
    said: Json = {
        "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": {"a": [1]}},
            {"type": "mcp", "server_label": "m", "require_approval": {"never": {}}},
        ],
        "tool_choice": {"type": "mcp", "server_label": "m", "name": None},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "tracing": {"workflow_name": "w"},
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
        "prompt": {"id": "p", "version": None, "variables": {"a": "b"}},
        "include": ["item.input_audio_transcription.logprobs"],
    }
    session = updated(Driver(), **said, audio={"output": {"voice": {"id": "v"}}})
    assert {name: session[name] for name in said} == said
    assert session["audio"]["output"]["voice"] == {"id": "v"}
