"""The simulator beside the real services: the same commands, the same events in the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

import pytest

from tests.simulator.driver import Driver, call, finish, kinds
from tests.simulator.schemas import RECORDINGS, Dialect, Json

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings at hand")

TURNS: list[tuple[str, Dialect]] = [
    ("test_openai_ws__test_text_in_audio_out_turn", "ga"),
    ("test_openai_ws__test_tool_call_round", "ga"),
    ("test_openai_ws__test_message_history_seeding", "ga"),
    ("test_azure_ws__test_text_in_audio_out_turn", "ga"),
    ("test_azure_ws__test_tool_call_round", "ga"),
    ("test_openai_ws_sideband__test_webrtc_sideband_text_turn", "ga"),
    ("test_azure_voice_live_ws__test_text_in_audio_out_turn", "beta"),
    ("test_azure_voice_live_ws__test_tool_call_round", "beta"),
]
# Sent by some services only, and by none of those whose place the simulator takes.
SPARE = {"obfuscation", "reasoning_tokens", "rate_limits.updated"}
# Voice Live's own, and what of beta it leaves out.
VENDOR = {
    "tracing",
    "speed",
    "input_audio_sampling_rate",
    "animation",
    "input_audio_echo_cancellation",
    "avatar",
    "output_audio_timestamp_types",
    "truncation_strategy",
    "speech_duration_ms",
    "end_of_utterance_detection",
    "auto_truncate",
    "appended_text_after_truncation",
    "custom_speech",
    "phrase_list",
    "idle_timeout_ms",
    "name",
    "image_tokens",
    "client_secret",
    "temperature",
}


def recording(name: str) -> list[tuple[bool, Json]]:
    """Whether a frame was sent, and the frame; what OpenAI's dialects do not have is left out."""
    lines = (RECORDINGS / f"{name}.jsonl").read_text().splitlines()
    frames = [json.loads(line) for line in lines]
    return [(frame["direction"] == "sent", frame["data"]) for frame in frames]


def responses(events: Iterable[Json]) -> list[list[Json]]:
    """The events of each response, with those of its items."""
    found: list[list[Json]] = []
    for event in events:
        if event["type"] == "response.created":
            found.append([event])
        elif found and found[-1][-1]["type"] != "response.done":
            found[-1].append(event)
    return found


def replay(name: str, dialect: Dialect) -> tuple[list[Json], list[Json]]:
    """Say to the simulator what was said to the service; return what each of them answered."""
    frames = recording(name)
    theirs = [event for sent, event in frames if not sent]
    answers = responses(theirs)
    driver = Driver(dialect=dialect, sideband="sideband" in name)
    ours = list(driver.opening)
    call_ids: dict[str, str] = {}
    for sent, event in frames:
        if not sent:
            continue
        text = json.dumps(_in_dialect(event, dialect))
        for old, new in call_ids.items():
            text = text.replace(old, new)
        ours += driver.tell_text(text)
        if event["type"] == "response.create":
            run = driver.started[-1].run
            for item in answers.pop(0)[-1]["response"]["output"]:
                if item["type"] == "function_call":
                    finish(call(run, item["name"], item["arguments"], item["call_id"]))
                else:
                    [part] = item["content"]
                    spoken = part.get("text") or part["transcript"]
                    finish(run.say(spoken, 1))
                    finish(run.sound(bytes(9_600)))
            run.complete()
            ours += driver.take()
    return theirs, ours


def _in_dialect(event: Json, dialect: Dialect) -> Json:
    if event["type"] != "session.update":
        return event
    session = {key: value for key, value in event["session"].items() if key not in VENDOR}
    return {**event, "session": session} if dialect == "beta" else event


def collapsed(events: list[Json]) -> list[str]:
    """Types in order; how sound and transcript alternate is chance."""
    names = [
        "audio and transcript deltas"
        if event["type"].endswith((".audio.delta", "_audio.delta", "_transcript.delta"))
        else event["type"]
        for event in events
    ]
    return kinds({"type": name} for name in names if name not in SPARE)


@pytest.mark.parametrize(("name", "dialect"), TURNS)
def test_the_same_events_in_the_same_order(name: str, dialect: Dialect) -> None:
    theirs, ours = replay(name, dialect)
    assert not [event for event in ours if event["type"] == "error"]
    for mine, real in zip(responses(ours), responses(theirs), strict=True):
        assert collapsed(mine) == collapsed(real)
    assert sorted(collapsed(ours)) == sorted(collapsed(theirs))


def comparable(key: str, dialect: Dialect) -> bool:
    """Whether a field is one that the simulator should send where the service does."""
    names = set(key.split("."))
    if key.startswith((".content.", ".session.voice.", ".response.voice.")) or key == ".content":
        return False  # Azure repeats `part` as `content`, and makes an object of the voice
    return not names & (SPARE | VENDOR if dialect == "beta" else SPARE)


def keys(value: object, path: str = "") -> set[str]:
    """Every path there is in a payload; the elements of a list share theirs."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, inner in cast("Json", value).items():
            found |= {f"{path}.{key}"} | keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            found |= keys(inner, path)
    return found


@pytest.mark.parametrize(("name", "dialect"), TURNS)
def test_the_same_fields_in_each_event(name: str, dialect: Dialect) -> None:
    theirs, ours = replay(name, dialect)
    shapes: list[dict[str, set[str]]] = []
    for events in (theirs, ours):
        shape: dict[str, set[str]] = {}
        for event in events:
            found = {key for key in keys(event) if comparable(key, dialect)}
            shape.setdefault(event["type"], set()).update(found)
        shape.pop("rate_limits.updated", None)
        shapes.append(shape)
    assert shapes[1] == shapes[0]
