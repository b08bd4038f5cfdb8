"""`anyrealtime replay`: the address first, the recorded answers, and what clients did instead."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli.support import PATIENCE, read_line, run, started
from tests.testing.recordings import SAMPLES, received, write

SAMPLE = str(SAMPLES / "spoken_answer.jsonl")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_answers_as_recorded(backend: str, tmp_path: Path) -> None:
    with started("replay", SAMPLE, "--backend", backend, "--speed", "100") as process:
        url = read_line(process).strip()
        sound = tmp_path / "sound.wav"
        done = run("chat", "Anything.", "--audio", str(sound), "--url", url)
        assert (done.returncode, done.stderr) == (0, "")
        assert sound.stat().st_size > 4800
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "not recorded" not in errors


def test_it_tells_what_was_not_recorded(tmp_path: Path) -> None:
    path = write(tmp_path, received("session.created", session={}))
    with started("replay", str(path)) as process:
        url = read_line(process).strip()
        for _ in range(2):
            assert run("chat", "Hello!", "--url", url).returncode != 0
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "not recorded: session.update, 2 times" in errors


def test_strict_shows_the_difference() -> None:
    with started("replay", SAMPLE, "--strict") as process:
        url = read_line(process).strip()
        assert run("chat", "Something else.", "--url", url).returncode != 0
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert '-      "audio"' in errors
    assert '+      "text"' in errors
    assert errors.splitlines()[-1] == "error: the client did not do what was recorded"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such/file"], "cannot read /no/such/file: No such file"),
        ([__file__], "test_replay.py, line 1: "),
        ([SAMPLE, "--speed", "slow"], '--speed must be "recorded" or a positive number'),
        ([SAMPLE, "--speed", "0"], "--speed must be"),
        ([SAMPLE, "--host", "no such host"], "cannot listen on no such host:0"),
        ([SAMPLE, "--port", "65536"], "--port"),
        ([], "FILE"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    done = run("replay", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
