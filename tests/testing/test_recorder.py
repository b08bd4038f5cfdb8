"""What a recording holds: every frame, in order, in time, without keys, as far as it got."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from anyrealtime import ConfigurationError, open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator
from anyrealtime.simulator._models._recording import read_recording
from anyrealtime.testing import ConnectionRecorder, Recorder, open_memory_simulator, record_to

LIMIT = 15.0
SOUND = bytes(range(240))
KEY = "sk-the-key-of-this-test"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def recorded(path: Path, *frames: bytes, **options: Any) -> list[dict[str, Any]]:
    """The lines of the messages for these frames."""
    with record_to(path, **options) as recorder:
        recorder.opened("", ()).received(frames)
    return lines(path)[1:]


# A session


async def test_a_session_over_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with anyio.fail_after(LIMIT):
        async with open_simulator(api_key=KEY) as simulator:
            with record_to(path) as recorder:
                async with open_realtime(
                    "gpt-realtime",
                    url=simulator.url,
                    api_key=KEY,
                    session=Session(instructions=f"The key is {KEY}."),
                    tap=recorder,
                ) as connection:
                    answer = await connection.ask("Hello!")
    assert KEY not in path.read_text()
    first, *messages, last = lines(path)
    assert first == {
        "kind": "opened",
        "at": first["at"],
        "url": f"{simulator.url}?model=gpt-realtime",
    }
    assert last == {"kind": "closed", "at": last["at"], "code": 1000, "reason": "", "by": "client"}
    assert [message["kind"] for message in messages] == ["message"] * len(messages)
    crossed = [(message["direction"], message["data"]["type"]) for message in messages]
    assert crossed[:3] == [
        ("received", "session.created"),
        ("sent", "session.update"),
        ("received", "session.updated"),
    ]
    assert ("received", "response.done") in crossed
    assert messages[1]["data"]["session"]["instructions"] == "The key is ***."
    said = "".join(
        message["data"]["delta"]
        for message in messages
        if message["data"]["type"] == "response.output_text.delta"
        or message["data"]["type"] == "response.output_audio_transcript.delta"
    )
    assert said == answer
    [simulated] = simulator.connections
    for direction in ("sent", "received"):
        there = [
            json.loads(frame.data) for frame in simulated.frames if frame.direction == direction
        ]
        here = [m["data"] for m in messages if m["direction"] == direction]
        assert [event["event_id"] for event in here] == [event["event_id"] for event in there]


async def test_times_are_seconds_since_the_block_began(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with record_to(path) as recorder:
        tap = recorder.opened("", ())
        for _ in range(3):
            tap.received([b"{}"])
            await anyio.sleep(0.01)
    times = [line["at"] for line in lines(path)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[1] < times[2] < LIMIT
    assert times[-1] - times[-2] >= 0.009


async def test_several_connections_at_once(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with anyio.fail_after(LIMIT):
        async with open_memory_simulator() as one, open_memory_simulator() as two:
            with record_to(path) as recorder:
                async with (
                    open_realtime(transport=one.connect(), tap=recorder),
                    open_realtime(transport=two.connect(), tap=recorder) as second,
                ):
                    await second.session.update(Session(instructions="Be brief."))
    first, other = read_recording(path)
    assert [frame.type for frame in first.frames] == ["session.created"]
    assert [frame.type for frame in other.frames] == [
        "session.created",
        "session.update",
        "session.updated",
    ]
    assert {line.get("connection", 1) for line in lines(path)} == {1, 2}


# Frames


@pytest.mark.parametrize(
    ("frame", "content"),
    [
        (b'{"type": "x", "n": 1.0}', {"data": {"type": "x", "n": 1.0}}),
        (b"[1, null]", {"data": [1, None]}),
        ('{"type": "é\u2028"}'.encode(), {"data": {"type": "é\u2028"}}),
        (rb'{"type": "\ud83d"}', {"data": {"type": "\ud83d"}}),
        (b"not json", {"text": "not json"}),
        (b"[" * 100_000, {"text": "[" * 100_000}),
        (b"\xff\x00", {"base64": "/wA="}),
    ],
)
def test_any_frame(tmp_path: Path, frame: bytes, content: dict[str, object]) -> None:
    path = tmp_path / "frames.jsonl"
    [line] = recorded(path, frame)
    assert line == {"kind": "message", "direction": "received", "at": line["at"], **content}
    [session] = read_recording(path)
    [again] = session.frames
    assert again.frame == frame or json.loads(again.frame) == json.loads(frame)


def test_keys_in_any_frame(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    key = "sk-0123456789abcdef"
    frames = [f'{{"type": "error", "message": "{key}"}}', f"Bearer {key}", f'["{key}"]']
    recorded(path, *(frame.encode() for frame in frames), f"\xff{key}".encode("latin-1"))
    text = path.read_text()
    assert key not in text
    assert base64.b64encode(b"\xffsk-***").decode() in text


def test_known_keys(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with record_to(path, secrets=["of-the-caller"]) as recorder:
        tap = recorder.opened("ws://x/?k=of-the-connection", ["of-the-connection"])
        tap.sent([b'{"type": "of-the-caller", "key": "of-the-connection"}'])
        tap.closed(4000, "no of-the-connection", "server")
    assert "of-the" not in path.read_text()


# Audio


def append(sound: bytes) -> bytes:
    audio = base64.b64encode(sound).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio}).encode()


def test_audio_is_kept(tmp_path: Path) -> None:
    [line] = recorded(tmp_path / "a.jsonl", append(SOUND), audio="keep")
    assert base64.b64decode(line["data"]["audio"]) == SOUND


def test_audio_is_left_out(tmp_path: Path) -> None:
    [line] = recorded(tmp_path / "a.jsonl", append(SOUND), audio="elide")
    assert line["data"]["audio"] == {"$audio": {"bytes": 240}}


def test_audio_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    [line] = recorded(path, append(SOUND), audio="hash")
    digest = hashlib.sha256(SOUND).hexdigest()
    assert line["data"]["audio"] == {"$audio": {"bytes": 240, "sha256": digest}}
    [session] = read_recording(path)
    assert session.frames[0].frame == append(bytes(240))


@pytest.mark.parametrize(("audio", "n_bytes"), [("AAAAA", 5), ("AAA", 2), ("", 0), ("\ud83d", 1)])
def test_audio_that_is_none(tmp_path: Path, audio: str, n_bytes: int) -> None:
    frame = json.dumps({"type": "input_audio_buffer.append", "audio": audio}).encode()
    [line] = recorded(tmp_path / "a.jsonl", frame, audio="elide")
    assert line["data"]["audio"] == {"$audio": {"bytes": n_bytes}}


@pytest.mark.parametrize("frame", [b"[1]", b'{"audio": {"$audio": {"bytes": 3}}}'])
def test_what_holds_no_audio_stays(tmp_path: Path, frame: bytes) -> None:
    [line] = recorded(tmp_path / "a.jsonl", frame, audio="elide")
    assert line["data"] == json.loads(frame)


# Arguments and the end


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"audio": "drop"}, 'audio= must be "keep", "elide" or "hash", not \'drop\''),
        ({"secrets": "sk-abc"}, "secrets= must be a collection"),
    ],
)
def test_wrong_arguments(tmp_path: Path, options: Any, why: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match=why), record_to(path, **options):
        pytest.fail("the block began")
    assert path.read_text() == "precious"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), record_to(tmp_path / "missing" / "a.jsonl"):
        pytest.fail("the block began")


def test_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with record_to(str(path)) as recorder:
        assert isinstance(recorder, Recorder)
        assert isinstance(recorder.opened("", ()), ConnectionRecorder)
        assert recorder.path == path
        assert repr(recorder) == f"<Recorder {path} 1 connections>"


def test_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with record_to(path) as recorder:
        tap = recorder.opened("", ())
    before = path.read_bytes()
    tap.received([b"{}"])
    tap.closed(1000, "", "client")
    assert path.read_bytes() == before
    with pytest.raises(ConfigurationError, match="whose block has ended"):
        recorder.opened("", ())


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@full
async def test_a_full_disk_harms_no_connection(tmp_path: Path) -> None:
    answer = ""
    with (
        anyio.fail_after(LIMIT),
        pytest.raises(OSError, match="the recording is not whole") as caught,
    ):
        with record_to("/dev/full") as recorder:
            async with open_memory_simulator() as simulator:
                async with open_realtime(transport=simulator.connect(), tap=recorder) as connection:
                    answer = await connection.ask("Hello!")
            assert recorder.error is not None
    assert answer
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


@full
def test_the_blocks_own_error_comes_first() -> None:
    with pytest.raises(KeyError) as caught, record_to("/dev/full") as recorder:
        recorder.opened("", ())
        raise KeyError("mine")
    [note] = caught.value.__notes__
    assert "the recording is not whole: No space left on device: '/dev/full'" in note


def test_the_blocks_own_error_alone(tmp_path: Path) -> None:
    with pytest.raises(KeyError) as caught, record_to(tmp_path / "a.jsonl"):
        raise KeyError("mine")
    assert not hasattr(caught.value, "__notes__")


def test_a_crash_loses_at_most_the_last_frame(tmp_path: Path) -> None:
    """A program that is killed in the middle has written all that it had seen."""
    path = tmp_path / "a.jsonl"
    program = f"""
import os, signal
from anyrealtime.testing import record_to
with record_to({str(path)!r}) as recorder:
    tap = recorder.opened("", ())
    for number in range(100):
        tap.received([b'{{"n": %d}}' % number])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=30, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert [line["data"]["n"] for line in lines(path)[1:]] == list(range(100))
