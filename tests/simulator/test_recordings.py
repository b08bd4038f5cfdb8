"""The simulator beside the real services: the same commands, the same events in the same shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

import pytest

from anyrealtime.simulator._sound._detectors import EnergyDetector
from tests.simulator.driver import Driver, call, finish, kinds
from tests.simulator.schemas import RECORDINGS, Dialect, Json
from tests.simulator.sounds import silence, tone

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


# Turns that the service heard itself. The sound is not in the recordings: something as long is
# said at the same time, and the simulator must tell the same times, in the same order.

HEARD: list[tuple[str, Dialect]] = [
    ("test_openai_ws__test_audio_in_server_vad_turn", "ga"),
    ("test_azure_ws__test_audio_in_server_vad_transcription_requires_deployment", "ga"),
    ("beta_webrtc_interruption", "beta"),
]
ELSEWHERE = {"output_audio_buffer.cleared", "conversation.item.truncated"}  # WebRTC plays itself
PADDING_MS, SILENCE_MS = 300, 200


def turn(events: list[Json]) -> list[Json]:
    """The events from the first word that was heard until the model begins to answer."""
    names = [event["type"] for event in events]
    first = names.index("input_audio_buffer.speech_started")
    last = names.index("response.output_item.added", first)
    return [
        event
        for event in events[first:last]
        if "transcription" not in event["type"]  # it comes when it comes
        and event["type"] not in SPARE | ELSEWHERE
    ]


@pytest.mark.parametrize(("name", "dialect"), HEARD)
def test_a_turn_is_told_as_the_service_tells_it(name: str, dialect: Dialect) -> None:
    theirs = turn([event for sent, event in recording(name) if not sent])
    start_ms, end_ms = theirs[0]["audio_start_ms"], theirs[1]["audio_end_ms"]
    speech_ms = start_ms + PADDING_MS
    sound = silence(speech_ms) + tone(end_ms - SILENCE_MS - speech_ms) + silence(400)
    driver = Driver(dialect=dialect)
    heard = driver.hear(sound, 100)
    finish(driver.started[-1].run.say("Hello", 1))
    ours = turn(heard + driver.take())
    assert [event["type"] for event in ours] == [event["type"] for event in theirs]
    assert [set(event) for event in ours] == [set(event) for event in theirs]
    assert ours[0]["audio_start_ms"] == pytest.approx(start_ms, abs=EnergyDetector.frame_ms)
    assert ours[1]["audio_end_ms"] == pytest.approx(end_ms, abs=EnergyDetector.frame_ms)
    for events in (ours, theirs):
        ids = [event.get("item_id", event.get("item", {}).get("id")) for event in events]
        assert len(set(ids)) == 2  # that of the message, and none in `response.created`


def test_a_turn_that_the_client_commits_is_told_as_the_service_tells_it() -> None:
    frames = recording("openai_transcription")
    names = [(sent, event["type"]) for sent, event in frames]
    said_at = names.index((True, "input_audio_buffer.commit"))
    theirs = [kind for sent, kind in names[said_at:] if not sent]
    driver = Driver(kind="transcription")
    [update] = [event for sent, event in frames if sent and event["type"] == "session.update"]
    driver.tell_text(json.dumps(update))
    [started] = driver.hear(tone(1_400))
    heard = next(event for _, event in frames if "audio_start_ms" in event)
    assert started["audio_start_ms"] == heard["audio_start_ms"] == 0
    driver.words = "Hello"
    ours = driver.tell("input_audio_buffer.commit")
    assert [event["type"] for event in ours] == theirs
    assert ours[0]["item_id"] == started["item_id"]


def test_a_transcription_is_told_as_it_was_there() -> None:
    frames = recording("openai_transcription")
    theirs = [event for sent, event in frames if not sent]
    driver = Driver(kind="transcription", obfuscate=True)
    driver.words = "Hello from the gateway probe."
    ours = list(driver.opening)
    for sent, event in frames:
        if sent:
            ours += driver.tell_text(json.dumps(event))
        elif event["type"] == "input_audio_buffer.speech_started":
            ours += driver.hear(tone(1_600))
    ours = [event for event in ours if event["type"] != "session.updated"]  # cut out of theirs
    assert kinds(ours) == kinds(theirs)
    shapes = [
        {event["type"]: keys(event) for event in events if "speech" not in event["type"]}
        for events in (ours, theirs)
    ]
    assert shapes[0] == shapes[1]
    spent = [events[-1]["usage"] for events in (ours, theirs)]
    assert spent[0]["input_tokens"] == spent[1]["input_tokens"] == 16
