"""What counts as the recorded frame, and how a difference reads."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from anyrealtime.testing._difference import difference, listed
from tests.testing.recordings import Json, append, sent, session_of


def differs(folder: Path, recorded: Json | None, event: Json) -> str:
    expected = None if recorded is None else session_of(folder, recorded).frames[0]
    return difference(expected, event, json.dumps(event).encode(), 3)


SOUND = bytes(range(6))


@pytest.mark.parametrize(
    ("recorded", "event"),
    [
        (sent("response.create", event_id="1"), {"type": "response.create", "event_id": "2"}),
        (
            sent("response.create", response={"metadata": {"anyrealtime": "tag_1", "n": "1"}}),
            {"type": "response.create", "response": {"metadata": {"anyrealtime": "t", "n": "1"}}},
        ),
        (
            sent("response.create"),
            {"type": "response.create", "response": {"metadata": {"anyrealtime": "t"}}},
        ),
        (
            sent("conversation.item.create", item={"type": "message"}),
            {"type": "conversation.item.create", "item": {"type": "message", "id": "mine"}},
        ),
        (
            sent("session.update", session={"tools": [{"authorization": "Bearer ***"}]}),
            {
                "type": "session.update",
                "session": {"tools": [{"authorization": "Bearer sk-new-key"}]},
            },
        ),
        (append(6), {"type": "input_audio_buffer.append", "audio": "AAAAAAAA"}),
        (
            sent(
                "input_audio_buffer.append",
                audio={"$audio": {"bytes": 6, "sha256": hashlib.sha256(SOUND).hexdigest()}},
            ),
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(SOUND).decode()},
        ),
    ],
)
def test_what_may_differ(tmp_path: Path, recorded: Json, event: Json) -> None:
    assert not differs(tmp_path, recorded, event)


@pytest.mark.parametrize(
    ("recorded", "event"),
    [
        (sent("response.create"), {"type": "response.cancel"}),
        (sent("response.create"), {"type": "response.create", "response": {}, "more": None}),
        (
            sent("response.create", response={"metadata": {"n": "1"}}),
            {"type": "response.create", "response": {"metadata": {"n": "2"}}},
        ),
        (sent("a", list=[1, 2]), {"type": "a", "list": [1]}),
        (sent("a", list=[1, 2]), {"type": "a", "list": [1, 3]}),
        (sent("a", list=[1, 2]), {"type": "a", "list": {}}),
        (sent("a", key="sk-***"), {"type": "a", "key": "ek_abc"}),
        (append(6), {"type": "input_audio_buffer.append", "audio": "AAAA"}),
        (append(6), {"type": "input_audio_buffer.append", "audio": "A"}),
        (append(6), {"type": "input_audio_buffer.append", "audio": {"$audio": {"bytes": 7}}}),
        (
            sent("input_audio_buffer.append", audio={"$audio": {"bytes": 6, "sha256": "00"}}),
            {"type": "input_audio_buffer.append", "audio": "AAAAAAAA"},
        ),
        ({"direction": "sent", "text": "?"}, {"type": "a"}),
        (None, {"type": "a"}),
    ],
)
def test_what_may_not(tmp_path: Path, recorded: Json | None, event: Json) -> None:
    assert "the client's frame 3 is" in differs(tmp_path, recorded, event)


def test_a_difference_shows_what_was_expected_and_what_came(tmp_path: Path) -> None:
    recorded = sent("session.update", event_id="x", session={"type": "realtime", "voice": "marin"})
    event = {"type": "session.update", "session": {"type": "realtime", "voice": "cedar"}}
    assert differs(tmp_path, recorded, event).splitlines() == [
        "the client's frame 3 is not the one that was recorded:",
        "--- recorded",
        "+++ sent",
        " {",
        '   "type": "session.update",',
        '   "session": {',
        '     "type": "realtime",',
        '-    "voice": "marin"',
        '+    "voice": "cedar"',
        "   }",
        " }",
    ]  # fmt: skip


def test_a_difference_shows_no_keys_and_no_audio(tmp_path: Path) -> None:
    event = {
        "type": "session.update",
        "session": {"tools": [{"type": "mcp", "headers": {"x": "opensesame"}}]},
        "key": "sk-0123456789",
        "audio": "A" * 5000,
    }
    for recorded in (sent("response.create"), None, {"direction": "sent", "text": "sk-0123456789"}):
        told = differs(tmp_path, recorded, event)
        assert "opensesame" not in told
        assert "0123456789" not in told
        assert len(told) < 1500


def test_frames_that_are_no_json(tmp_path: Path) -> None:
    [expected] = session_of(tmp_path, {"direction": "sent", "text": "hello"}).frames
    assert not difference(expected, {}, b"hello", 1)
    assert difference(expected, {}, b"hullo", 1).splitlines()[-2:] == ["-hello", "+hullo"]
    assert difference(None, {}, b"\xff", 1).endswith("+\ufffd")


def test_a_list_of_what_was_not_sent(tmp_path: Path) -> None:
    frames = session_of(tmp_path, sent("a"), {"direction": "sent", "text": "hello"}).frames
    assert listed(frames).splitlines() == ['-{ "type": "a" }', "-hello"]
