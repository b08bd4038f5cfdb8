"""The simulator beside the real service: the same steps, recorded on both, compared event by event.

A session of the library's own client against a simulator on a real socket, written down by
`record_to`, is held beside the recording of the service for the same steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest

from anyrealtime import Connection, open_realtime
from anyrealtime.events import InputAudioBufferAppend, ServerEvent, decode_client
from anyrealtime.simulator import (
    RecordedFrame,
    RecordedSession,
    Replay,
    open_simulator,
    read_recording,
)
from anyrealtime.testing import record_to
from tests.simulator.schemas import RECORDINGS, Json, validate
from tests.simulator.sounds import silence, tone

pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings at hand")

LIMIT = 15.0
STEPS = [
    "test_openai_ws__test_text_in_audio_out_turn",
    "test_openai_ws__test_tool_call_round",
    "test_openai_ws__test_audio_in_server_vad_turn",
    "test_openai_ws__test_message_history_seeding",
]
APPEND = "input_audio_buffer.append"
# The recordings of that service have none: they are sent to some accounts only.
SPARE = {"rate_limits.updated"}


async def record_same_steps(name: str, path: Path) -> RecordedSession:
    """Do to a simulator what was done to the service; its model says what the service's said."""
    [real] = read_recording(RECORDINGS / f"{name}.jsonl")
    model = Replay(RECORDINGS / f"{name}.jsonl")
    with anyio.fail_after(LIMIT), record_to(path) as recorder:
        async with open_simulator(model=model) as simulator:
            async with open_realtime("gpt-realtime", url=simulator.url, tap=recorder) as connection:
                await take(real.frames, connection)
    [ours] = read_recording(path)
    return ours


async def take(frames: Sequence[RecordedFrame], connection: Connection) -> None:
    """Send what was sent, each as soon as has come what had come before it."""
    sound = iter(spoken(sum(frame.type == APPEND for frame in frames)))
    due: Counter[str] = Counter()
    come: Counter[str] = Counter()
    events = aiter(connection)
    for frame in frames:
        if frame.direction == "received":
            if not frame.type.endswith(".delta"):  # how many there are is chance
                due[frame.type] += 1
            continue
        await wait(events, due, come)
        if frame.type == APPEND:  # what was said is cut short in the recordings
            await connection.send(InputAudioBufferAppend(audio=next(sound)))
        else:
            await connection.send(decode_client(frame.frame))
    await wait(events, due, come)


async def wait(events: AsyncIterator[ServerEvent], due: Counter[str], come: Counter[str]) -> None:
    """Receive until as much has come as is due."""
    while not due <= come:
        event = await anext(events)
        come[event.type] += 1


def spoken(count: int) -> list[bytes]:
    """So many tenths of a second: silence, a sound, silence."""
    if not count:
        return []
    sound = silence(500) + tone(2000) + silence(100 * count - 2500)
    size = len(sound) // count
    return [sound[n * size : (n + 1) * size] for n in range(count)]


def lanes(session: RecordedSession) -> list[tuple[str, ...]]:
    """The types of what was received, in order, for each thing that it is about."""
    found: dict[object, list[str]] = {}
    for frame in session.frames:
        event: Json = frame.data or {}
        if frame.direction == "sent" or frame.type in SPARE:
            continue
        kind = "a delta" if frame.type.endswith(".delta") else frame.type
        lane = found.setdefault(subject(event), [])
        if not lane or lane[-1] != kind:
            lane.append(kind)
    return sorted(tuple(lane) for lane in found.values())


def subject(event: Json) -> object:
    """What an event is about: a response, an item, else its family."""
    for name in ("response", "item"):
        if f"{name}_id" in event:
            return event[f"{name}_id"]
        if event["type"].startswith(("response.", "conversation.")) and name in event:
            return event[name]["id"]
    return event["type"].partition(".")[0]


@pytest.mark.parametrize("name", STEPS)
async def test_the_same_events_in_the_same_order(name: str, tmp_path: Path) -> None:
    [real] = read_recording(RECORDINGS / f"{name}.jsonl")
    ours = await record_same_steps(name, tmp_path / "ours.jsonl")
    assert lanes(ours) == lanes(real)
    assert [f.type for f in ours.frames if f.direction == "sent"] == [
        f.type for f in real.frames if f.direction == "sent"
    ]


@pytest.mark.parametrize("name", STEPS)
async def test_every_payload_is_as_the_schema_has_it(name: str, tmp_path: Path) -> None:
    ours = await record_same_steps(name, tmp_path / "ours.jsonl")
    told = [frame.data for frame in ours.frames if frame.direction == "received"]
    assert len(told) > 10
    for event in told:
        assert event is not None
        validate(event, "ga")


@pytest.mark.parametrize("name", STEPS)
async def test_what_the_model_said_is_what_the_services_said(name: str, tmp_path: Path) -> None:
    [real] = read_recording(RECORDINGS / f"{name}.jsonl")
    ours = await record_same_steps(name, tmp_path / "ours.jsonl")
    assert said(ours) == said(real)


def said(session: RecordedSession) -> list[object]:
    """The texts, transcripts and arguments of all responses."""
    return [
        (frame.data or {}).get(name)
        for frame in session.frames
        for name in ("text", "transcript", "arguments")
        if frame.direction == "received" and frame.type.startswith("response.")
        if frame.type.endswith(f"{name}.done")
    ]
