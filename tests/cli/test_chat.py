"""`anyrealtime chat` from end to end: the real command against a real server."""

from __future__ import annotations

import json
import signal
import wave
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anyrealtime.simulator import ModelFailure, ModelRequest
from anyrealtime.testing import open_threaded_simulator
from tests.cli.support import PATIENCE, Deaf, run, serving, started

NOTICE = "OPENAI_API_KEY is not set: a simulator on this machine answers"
HELLO = "Hello there! It is good to hear from you.\n"


WAYS = ["asyncio anyio", "trio anyio", "trio trio-websocket"]
SOME_WAYS = ["asyncio anyio ga", "trio anyio beta", "trio trio-websocket ga"]


def options(way: str) -> list[str]:
    """What chooses backend, transport and dialect."""
    names = ("--backend", "--transport", "--dialect")
    return [option for pair in zip(names, way.split(), strict=True) for option in pair]


@pytest.mark.parametrize("dialect", ["ga", "beta"])
@pytest.mark.parametrize("way", WAYS)
def test_answer_on_every_way(way: str, dialect: str) -> None:
    done = run("chat", "Hello!", *options(f"{way} {dialect}"))
    assert done.stdout == HELLO
    assert done.stderr.splitlines() == [NOTICE]
    assert done.returncode == 0


def test_a_couple_of_paragraphs() -> None:
    done = run("chat", "Say a couple of paragraphs!")
    first, second = done.stdout.strip().split("\n\n")
    assert first.startswith("A conversation over a wire")
    assert second.endswith("nothing is missing from it.")


def test_text_from_stdin() -> None:
    assert run("chat", stdin="Hello!\n").stdout == HELLO


@pytest.mark.parametrize("stdin", ["", " \n"])
def test_empty_stdin_is_wrong_usage(stdin: str) -> None:
    done = run("chat", stdin=stdin)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: there is no text: give one, or pipe one in"]


def test_transport_chooses_the_backend() -> None:
    assert run("chat", "Hello!", "--transport", "trio-websocket").stdout == HELLO


def test_answer_is_streamed() -> None:
    with (
        serving("--pace", "60") as server,
        started("chat", "Say a paragraph", "--url", server.url) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read(1) == "A"  # the next piece would come in a minute
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE)
        assert (rest, errors, process.returncode) == ("\n", "", 130)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_signal_while_connecting(backend: str, number: signal.Signals, code: int) -> None:
    with closing(Deaf()) as deaf:
        arguments = ["chat", "Hello!", "--url", deaf.url, "--backend", backend]
        with started(*arguments) as process:
            deaf.accept()
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
            assert (errors, process.returncode) == ("", code)


@pytest.mark.parametrize("way", SOME_WAYS)
def test_audio(way: str, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    done = run("chat", "Hello!", "--audio", str(path), *options(way))
    assert done.stdout == HELLO  # the transcript
    assert done.returncode == 0
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (24_000, 2, 1)
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) > 24_000 / 2
    assert max(samples) > 1_000


def test_failure_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"precious")
    done = run("chat", "Hello!", "--audio", str(path), "--url", "ws://127.0.0.1:1/")
    assert done.returncode == 3
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("way", SOME_WAYS)
def test_raw_is_the_frames_and_nothing_else(way: str) -> None:
    with open_threaded_simulator() as simulator:
        done = run("chat", "Hello!", "--raw", "--url", simulator.url, *options(way))
        [connection] = simulator.connections
        sent = [frame.decode() for frame in connection.sent_frames]
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [json.loads(line)["type"] for line in lines][-1] == "response.done"
    assert "session.updated" in {json.loads(line)["type"] for line in lines}
    assert lines == sent[1 : len(lines) + 1]  # the first one opened the connection


def test_raw_with_audio_saves_the_audio(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    done = run("chat", "Hello!", "--raw", "--audio", str(path))
    assert all(json.loads(line)["type"] for line in done.stdout.splitlines())
    with wave.open(str(path)) as file:
        assert file.getnframes() > 0


def test_instructions_and_model_reach_the_server() -> None:
    asked: list[ModelRequest] = []

    def model(request: ModelRequest) -> str:
        asked.append(request)
        return "Yes."

    with open_threaded_simulator(model=model) as simulator:
        arguments = ["--url", simulator.url, "--model", "other", "--instructions", "Be brief."]
        assert run("chat", "Well?", *arguments).stdout == "Yes.\n"
    [request] = asked
    assert (request.text, request.instructions, request.model) == ("Well?", "Be brief.", "other")


def test_key_and_base_url_from_the_environment() -> None:
    with open_threaded_simulator(api_key="sk-right") as simulator:
        env = {"OPENAI_BASE_URL": simulator.base_url}
        right = run("chat", "Hello!", OPENAI_API_KEY="sk-right", **env)
        assert (right.stdout, right.stderr) == (HELLO, "")
        wrong = run("chat", "Hello!", OPENAI_API_KEY="sk-wrong", **env)
        assert wrong.returncode == 1
        [line] = wrong.stderr.splitlines()
        assert line.startswith("error: ")
        assert "invalid_api_key" in line
        assert "sk-wrong" not in wrong.stderr
        missing = run("chat", "Hello!", **env)
        assert missing.returncode == 1
        [line] = missing.stderr.splitlines()
        assert "Missing bearer" in line


def test_unknown_model() -> None:
    with serving("--model", "gpt-realtime", "--model", "mini") as server:
        assert run("chat", "Hello!", "--url", server.url, "--model", "mini").stdout == HELLO
        done = run("chat", "Hello!", "--url", server.url, "--model", "nonsense")
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert "invalid_model" in line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ws://127.0.0.1:1/", "cannot connect to 127.0.0.1:1: Connection refused"),
        ("ws://no-such-host.invalid/", "cannot connect to no-such-host.invalid:80"),
    ],
)
def test_nobody_there(url: str, said: str) -> None:
    done = run("chat", "Hello!", "--url", url)
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {said}")


def test_http_status() -> None:
    with serving() as server:
        done = run("chat", "Hello!", "--url", server.url.replace("/v1/realtime", "/elsewhere"))
    assert done.returncode == 3
    [line] = done.stderr.splitlines()
    assert "404" in line


def test_timeout() -> None:
    with closing(Deaf()) as deaf:
        done = run("chat", "Hello!", "--url", deaf.url, "--timeout", "0.2")
    assert done.returncode == 3
    assert "0.2 s" in done.stderr


def test_failed_response() -> None:
    def model(_: ModelRequest) -> Iterator[str]:
        yield "I will now"
        raise ModelFailure("You have spent all you had.", code="insufficient_quota")

    with open_threaded_simulator(model=model) as simulator:
        done = run("chat", "Well?", "--url", simulator.url)
    assert done.returncode == 1
    assert done.stdout == "I will now\n"
    assert done.stderr.splitlines() == [
        "error: the response failed: You have spent all you had. (code=insufficient_quota)"
    ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_lost_connection(backend: str) -> None:
    with (
        serving("--pace", "60") as server,
        started("chat", "Say a paragraph", "--url", server.url, "--backend", backend) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read(1) == "A"
        server.stop()
        rest, errors = process.communicate(timeout=PATIENCE)
    assert rest == "\n"
    [line] = errors.splitlines()
    assert line.startswith("error: the connection was closed by the server (1001")
    assert process.returncode == 4


@pytest.mark.parametrize("option", ["--backend=asyncio", "--backend=trio", "--raw"])
def test_reader_that_stops_reading(option: str) -> None:
    with (
        serving("--pace", "0.01") as server,
        started("chat", "Say 20 paragraphs", "--url", server.url, option) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == 0


def test_debug_shows_the_traceback() -> None:
    done = run("chat", "Hello!", "--url", "ws://127.0.0.1:1/", "--debug")
    assert done.returncode == 3
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: cannot connect")
