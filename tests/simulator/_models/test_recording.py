"""Recordings as they are read: every form a line may have, and what is wrong with others."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.events._audio_fields import audio_fields, elided
from anyrealtime.simulator._models._recording import (
    RecordedClose,
    RecordedFrame,
    RecordingError,
    _parse,
    _Reading,
    _take,
    read_recording,
)
from tests.simulator.schemas import RECORDINGS, Json


def written(folder: Path, *lines: Json | str, end: str = "\n") -> Path:
    """A recording of these lines."""
    path = folder / "recording.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + end, encoding="utf-8")
    return path


def received(**data: object) -> Json:
    return {"kind": "message", "direction": "received", "data": data}


def only(path: Path) -> RecordedFrame:
    [session] = read_recording(path)
    [frame] = session.frames
    return frame


def test_a_line_as_it_is_written(tmp_path: Path) -> None:
    line: Json = {"kind": "message", "direction": "sent", "at": 1.5, "data": {"type": "x", "n": 1}}
    frame = only(written(tmp_path, line))
    assert (frame.direction, frame.at, frame.type) == ("sent", 1.5, "x")
    assert frame.data == frame.written == {"type": "x", "n": 1}
    assert json.loads(frame.frame) == {"type": "x", "n": 1}


def test_kind_and_time_may_be_missing(tmp_path: Path) -> None:
    frame = only(written(tmp_path, {"direction": "received", "data": {"type": "x"}, "note": "?"}))
    assert (frame.direction, frame.at) == ("received", None)


def test_milliseconds_stand_for_seconds(tmp_path: Path) -> None:
    frame = only(written(tmp_path, {**received(type="x"), "t_ms": 1433.5}))
    assert frame.at == 1.4335


@pytest.mark.parametrize("data", [["a"], "text", 3, None])
def test_json_that_is_no_object(tmp_path: Path, data: object) -> None:
    frame = only(written(tmp_path, {"direction": "sent", "data": data}))
    assert (frame.data, frame.type) == (None, "")
    assert json.loads(frame.frame) == data


def test_frames_that_are_no_json(tmp_path: Path) -> None:
    raw = base64.b64encode(b"\xff\x00").decode()
    lines = [{"direction": "sent", "text": "{no"}, {"direction": "sent", "base64": raw}]
    [session] = read_recording(written(tmp_path, *lines))
    assert [frame.frame for frame in session.frames] == [b"{no", b"\xff\x00"]
    assert {frame.data is None for frame in session.frames} == {True}


def test_what_strict_parsers_refuse(tmp_path: Path) -> None:
    """Half characters and NaN: servers have sent both."""
    line = r'{"direction": "received", "data": {"type": "x", "t": "\ud83d", "n": NaN}}'
    frame = only(written(tmp_path, line))
    assert frame.type == "x"
    assert rb"\ud83d" in frame.frame
    assert b"NaN" in frame.frame


def test_how_it_ended(tmp_path: Path) -> None:
    close: Json = {"kind": "closed", "at": 2, "code": 1001, "reason": "late", "by": "server"}
    [session] = read_recording(written(tmp_path, received(type="x"), close))
    assert session.close == RecordedClose(2.0, 1001, "late", "server")
    [session] = read_recording(written(tmp_path, received(type="x")))
    assert session.close is None


def test_connections_are_kept_apart_in_the_order_of_their_opening(tmp_path: Path) -> None:
    lines = [
        {"kind": "opened", "at": 0.0, "url": "ws://one"},
        {"kind": "opened", "at": 0.1, "url": "ws://two", "connection": 2},
        {**received(type="b"), "connection": 2},
        received(type="a"),
        {"kind": "closed", "code": 1000, "connection": 2},
    ]
    one, two = read_recording(written(tmp_path, *lines))
    assert [[frame.type for frame in session.frames] for session in (one, two)] == [["a"], ["b"]]
    assert (one.close, two.close) == (None, RecordedClose(None, 1000, "", "server"))


def test_facts_of_other_kinds_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, {"kind": "note", "data": 1}, "", received(type="x"))
    assert only(path).type == "x"


def test_a_last_line_that_was_cut_off(tmp_path: Path) -> None:
    whole = json.dumps(received(type="y"))
    for length in range(len(whole)):
        path = written(tmp_path, received(type="x"), whole[:length], end="")
        assert only(path).type == "x"
    path = written(tmp_path, received(type="x"), whole, end="")
    [session] = read_recording(path)
    assert [frame.type for frame in session.frames] == ["x", "y"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: Expecting"),
        ("[]", "Expected `object`"),
        ('{"kind": "message", "data": {}}', '"direction" is missing'),
        ('{"direction": "up", "data": {}}', "Invalid enum value 'up'"),
        ('{"direction": "sent"}', '"data" is missing'),
        ('{"direction": "sent", "at": "soon", "data": {}}', r"at `\$.at`"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, line: str, why: str) -> None:
    path = written(tmp_path, received(type="x"), line)
    with pytest.raises(
        RecordingError, match=f"recording.jsonl, line 2.*{why}" if "line" not in why else why
    ):
        read_recording(path)


def test_a_recording_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no frame in it"):
        read_recording(written(tmp_path))
    with pytest.raises(FileNotFoundError):
        read_recording(tmp_path / "missing")


# Audio that was left out


def decoded(value: object) -> bytes:
    assert isinstance(value, str)
    return base64.b64decode(value, validate=True)


def test_silence_takes_the_place_of_audio_left_out(tmp_path: Path) -> None:
    line = received(type="response.output_audio.delta", delta=elided(480))
    frame = only(written(tmp_path, line))
    assert frame.data is not None
    assert decoded(frame.data["delta"]) == bytes(480)
    assert frame.written == line["data"]
    assert json.loads(frame.frame) == frame.data


def test_silence_in_the_parts_of_an_item(tmp_path: Path) -> None:
    item = {"type": "message", "content": [{"type": "input_audio", "audio": elided(6)}]}
    frame = only(written(tmp_path, received(type="conversation.item.retrieved", item=item)))
    assert frame.data is not None
    [(part, key)] = audio_fields(frame.data)
    assert decoded(part[key]) == bytes(6)


@pytest.mark.parametrize(
    ("session", "silent"),
    [
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, b"\xff"),
        ({"audio": {"output": {"format": {"type": "audio/pcma", "rate": 8000}}}}, b"\xd5"),
        ({"audio": {"output": {"format": {"type": "audio/pcm"}}}}, b"\0"),
        ({"output_audio_format": "g711_ulaw"}, b"\xff"),
        ({"output_audio_format": "g711_alaw", "input_audio_format": "pcm16"}, b"\xd5"),
        ({"audio": {"output": None}}, b"\0"),
        ({"audio": None}, b"\0"),
        (None, b"\0"),
    ],
)
def test_silence_is_silent_in_the_format_of_the_session(
    tmp_path: Path, session: Json | None, silent: bytes
) -> None:
    lines = [
        received(type="session.updated", session=session),
        received(type="response.audio.delta", delta=elided(3)),
        {"direction": "sent", "data": {"type": "input_audio_buffer.append", "audio": elided(2)}},
    ]
    [recorded] = read_recording(written(tmp_path, *lines))
    heard, said = recorded.frames[1].data, recorded.frames[2].data
    assert heard is not None
    assert said is not None
    assert decoded(heard["delta"]) == silent * 3
    assert decoded(said["audio"]) == b"\0\0"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON))
def test_any_event_is_read_as_it_was_written(data: Json) -> None:
    sessions: dict[int, _Reading] = {}
    _take(_parse(json.dumps({"direction": "sent", "data": data}).encode()), sessions)
    [frame] = sessions[1].frames
    if "$audio" not in json.dumps(data):
        assert json.dumps(frame.data) == json.dumps(data)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings at hand")
def test_every_recording_at_hand_is_read() -> None:
    for path in RECORDINGS.rglob("*.jsonl"):
        [session] = read_recording(path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [frame.data for frame in session.frames] == [line["data"] for line in lines]
        assert [frame.direction for frame in session.frames] == [
            line["direction"] for line in lines
        ]
