"""`anyrealtime record`: any command, recorded on its way, which notices nothing."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from anyrealtime.cli._exit import CommandError
from anyrealtime.cli._record import _Destination
from anyrealtime.simulator import read_recording
from tests.cli.support import COMMAND, PATIENCE, environment, read_line, run, serving, started

CHAT = [*COMMAND, "chat", "Hello!"]
SAID = "Hello there! It is good to hear from you.\n"


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_command_is_recorded_and_its_key_is_not(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    key = "sk-of-this-test"
    with serving("--api-key", key) as server:
        done = run(
            "record", str(path), "--backend", backend, "--url", server.url, "--", *CHAT,
            OPENAI_API_KEY=key,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, SAID)
    assert done.stderr == f"1 connection recorded into {path}\n"
    assert key not in path.read_text()
    first = json.loads(path.read_text().splitlines()[0])
    assert first["url"] == f"{server.url}?model=gpt-realtime"
    [session] = read_recording(path)
    assert session.frames[0].type == "session.created"
    assert session.frames[-1].direction == "received"
    assert session.close is not None
    assert (session.close.code, session.close.by) == (1000, "client")


def test_without_a_key_a_simulator_answers(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    both = f"{' '.join(CHAT[:-1])} one && {' '.join(CHAT[:-1])} two"
    done = run("record", str(path), "--audio", "elide", "--", "sh", "-c", both)
    assert done.returncode == 0, done.stderr
    assert "a simulator on this machine answers" in done.stderr
    assert "2 connections recorded into" in done.stderr
    assert len(read_recording(path)) == 2


def test_the_server_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    with serving() as server:
        base = server.url.replace("ws", "http").removesuffix("/realtime")
        done = run("record", str(path), "--", *CHAT, OPENAI_BASE_URL=base)
    assert (done.returncode, done.stdout) == (0, SAID)
    assert server.url in path.read_text()


def test_what_was_recorded_can_be_replayed(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    assert run("record", str(path), "--", *CHAT).returncode == 0
    with started("replay", str(path), "--strict") as process:
        url = read_line(process).strip()
        assert run("chat", "Hello!", "--url", url).stdout == SAID
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize(("program", "code"), [("exit(7)", 7), ("import os; os.abort()", 134)])
def test_the_exit_code_is_the_commands(program: str, code: int, tmp_path: Path) -> None:
    done = run("record", str(tmp_path / "a.jsonl"), "--", *command(program))
    assert done.returncode == code
    assert "nothing was recorded: the command did not connect" in done.stderr


def test_the_terminal_is_the_commands(tmp_path: Path) -> None:
    program = "import sys; print(sys.stdin.read().upper(), end=''); print('e', file=sys.stderr)"
    done = run("record", str(tmp_path / "a.jsonl"), "--", *command(program), stdin="hello")
    assert done.stdout == "HELLO"
    assert "e" in done.stderr.splitlines()


def test_a_signal_is_for_the_command(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with started("record", str(tmp_path / "a.jsonl"), "--", *command(program)) as process:
        assert read_line(process) == "ready\n"
        process.send_signal(signal.SIGINT)  # a terminal's reaches the command by itself
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 5


def test_what_cannot_be_run(tmp_path: Path) -> None:
    done = run("record", str(tmp_path / "a.jsonl"), "--", "/no/such/program")
    assert done.returncode == 2
    assert "error: cannot run /no/such/program: No such file" in done.stderr
    assert run("record", str(tmp_path / "a.jsonl")).returncode == 2


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    done = run("record", str(path), "--url", "http://127.0.0.1:9/v1", "--", *CHAT)
    assert done.returncode != 0
    assert "error: cannot connect to" in done.stderr
    assert not path.read_text()


@pytest.mark.parametrize(
    ("base", "target", "url"),
    [
        ("https://a.test/v1", "/v1/realtime?model=m", "wss://a.test/v1/realtime?model=m"),
        ("http://a.test:8/x/v1/", "/v1/realtime", "ws://a.test:8/x/v1/realtime"),
        ("wss://a.test/v1/realtime?k=v", "/v1/realtime", "wss://a.test/v1/realtime?k=v"),
        ("ws://a.test/v1/realtime?k=v", "/v1/realtime?model=m", "ws://a.test/v1/realtime?model=m"),
        ("ws://a.test", "/v1/realtime/translations", "ws://a.test/realtime/translations"),
    ],
)
def test_where_a_request_goes_on_to(base: str, target: str, url: str) -> None:
    assert _Destination(base)(target) == url


@pytest.mark.parametrize("base", ["api.test/v1", "ftp://api.test", "https://"])
def test_a_server_that_has_no_url(base: str) -> None:
    with pytest.raises(CommandError, match="must begin with"):
        _Destination(base)


def test_the_commands_environment_is_ours_otherwise(tmp_path: Path) -> None:
    program = "import os, json; print(json.dumps(dict(os.environ)))"
    done = run("record", str(tmp_path / "a.jsonl"), "--", *command(program), MINE="yes")
    theirs = json.loads(done.stdout)
    assert theirs["MINE"] == "yes"
    assert theirs["PATH"] == environment()["PATH"] == os.environ["PATH"]
    assert theirs["OPENAI_BASE_URL"].startswith("http://127.0.0.1:")
    assert theirs["OPENAI_API_KEY"]
