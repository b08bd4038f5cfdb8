"""The log of `serve`: types and ids of every event, and nothing that may be a secret."""

from __future__ import annotations

import base64
import json
import re

import pytest

from anyrealtime.cli._log import Log, describe
from anyrealtime.simulator import Notice, ScriptMismatch


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "input_audio_buffer.clear"}, "input_audio_buffer.clear"),
        (
            {"type": "response.created", "event_id": "e", "response": {"id": "r", "object": "x"}},
            "response.created event_id=e response.id=r",
        ),
        (
            {"type": "x", "item_id": "i", "response_id": "r", "call_id": "c"},
            "x response_id=r item_id=i call_id=c",
        ),
        (
            {"type": "session.created", "event_id": "e", "session": {"id": "s"}},
            "session.created event_id=e session.id=s",
        ),
        ({"type": "y", "item": {"id": "i"}}, "y item.id=i"),
        ({"type": "error", "error": {"code": "c", "message": "secret"}}, "error error.code=c"),
        ({"type": "error", "error": {"code": None}}, "error"),
        ({"type": "z" * 500, "event_id": "e" * 500}, "z" * 80 + " event_id=" + "e" * 80),
    ],
)
def test_lines(event: dict[str, object], line: str) -> None:
    assert describe(json.dumps(event).encode()) == line


@pytest.mark.parametrize("message", [b"", b"[]", b"{}", b"\xff", b'{"type": 5}', b"[" * 100_000])
def test_what_is_no_event(message: bytes) -> None:
    assert describe(message) == f"(no event, {len(message)} bytes)"


def test_no_audio_and_no_text() -> None:
    event = {
        "type": "conversation.item.create",
        "item": {"id": "i", "content": [{"type": "input_text", "text": "my secret"}]},
        "audio": base64.b64encode(b"sound").decode(),
        "delta": "word",
    }
    assert describe(json.dumps(event).encode()) == "conversation.item.create item.id=i"


def test_one_line_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(everything=True)
    log(Notice("arrived", 3, "/v1/realtime"))
    log(Notice("heard", 3, message=b'{"type": "a", "event_id": "\\u001b[2J\\nfake"}'))
    log(Notice("said", 3, message=b'{"type": "b"}'))
    log(Notice("fault", 3, "Pause(seconds=1)"))
    log(Notice("left", 3, "1000"))
    out, err = capsys.readouterr()
    assert not out
    lines = err.splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d\.\d{3} ", "", line) for line in lines] == [
        "#3 ++ /v1/realtime",
        "#3 <- a event_id=[2J fake",
        "#3 -> b",
        "#3 !! Pause(seconds=1)",
        "#3 -- 1000",
    ]


def test_failures_are_always_told(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(everything=False)
    log(Notice("said", 1, message=b"{}"))
    assert capsys.readouterr() == ("", "")
    first = ValueError("of a model")
    log(Notice("failed", 2, repr(first), error=first))
    log(Notice("failed", 0, error=ScriptMismatch("- this\n+ that")))
    _, err = capsys.readouterr()
    assert err.splitlines() == [
        "error: client 2: unexpected ValueError: of a model",
        "error: it did not do what the script expects",
        "- this",
        "+ that",
    ]
    assert log.first_failure is first
