"""`chat --record`, and what may go wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyrealtime.cli._exit import CommandError, ExitCode
from anyrealtime.cli._recording import recording
from anyrealtime.simulator import read_recording
from tests.cli.support import run, serving


def test_a_conversation_is_recorded_without_the_key(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    with serving("--api-key", "sk-the-right-key") as server:
        done = run(
            "chat", "Hello!", "--url", server.url, "--record", str(path),
            OPENAI_API_KEY="sk-the-right-key",
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    [session] = read_recording(path)
    assert [frame.type for frame in session.frames if frame.direction == "sent"] == [
        "session.update",
        "conversation.item.create",
        "response.create",
    ]
    assert session.close is not None
    assert "sk-the-right-key" not in path.read_text()


def test_a_refused_chat_leaves_what_there_was(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    with serving("--api-key", "sk-the-right-key") as server:
        arguments = ["--url", server.url, "--record", str(path)]
        done = run("chat", "Hello!", *arguments, OPENAI_API_KEY="sk-a-wrong-key")
    assert done.returncode == 1
    [session] = read_recording(path)
    assert [frame.type for frame in session.frames] == ["error"]
    assert session.close is not None
    assert session.close.code == 3000


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    done = run("chat", "Hello!", "--record", str(tmp_path / "no" / "where"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: cannot write ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_at_the_end() -> None:
    with pytest.raises(CommandError, match="/dev/full: the recording is not whole") as caught:
        with recording(Path("/dev/full")) as recorder:
            recorder.opened("", ())
    assert caught.value.code is ExitCode.REFUSED
