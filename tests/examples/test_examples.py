"""Every example runs as its docstring says, offline and with a key, on its backends."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import pytest

from anyrealtime.simulator import speak
from anyrealtime.testing import ThreadedSimulator
from tests.cli.support import PATIENCE, environment

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOWN = {
    "asyncio_app": ["Hello! - Hello there!", "Who are you? - I am the anyrealtime simulator"],
    "audio": ["I heard "],
    "function_call": ['[get_weather {"city":"Lisbon"}]', "get_weather answered: ", '"celsius": 21'],
    "text": ["A conversation over a wire", "\n\n", "nothing is missing from it.\n"],
    "tools": [
        "[get_weather: completed after ",
        '"celsius":21',
        "[track_parcel: failed after ",
        "There is no parcel 12. There are: [7].",
        "[cancel_booking {'number': 3}: approved]",
        "[cancel_booking: completed after ",
        "Booking 3 is cancelled: a table for two.",
    ],
    "trio_app": ["Hello! - Hello there!", "Who are you? - I am the anyrealtime simulator"],
}

# Runs an example that is written for either backend on the one that it does not choose itself.
ON_TRIO = """
import sys
import anyio
run = anyio.run
anyio.run = lambda *arguments: run(*arguments, backend="trio")
import runpy
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, list[str]]:
    """What is written after an example's name."""
    question, answer = tmp_path / "question.wav", tmp_path / "answer.wav"
    with wave.open(str(question), "wb") as file:
        file.setframerate(24_000)
        file.setsampwidth(2)
        file.setnchannels(1)
        file.writeframes(speak("A question of no more than a few words."))
    return {"audio": [str(question), str(answer)]}


def shown_by(command: list[str], **env: str) -> str:
    """What it prints, if it ends well and has nothing to complain about."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**env),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def check(name: str, shown: str, arguments: list[str]) -> None:
    """Whether it showed and wrote what it should."""
    for text in SHOWN[name]:
        assert text in shown
    for path in arguments[1:]:
        with wave.open(path) as file:
            assert file.getframerate() == 24_000
            assert any(file.readframes(file.getnframes()))


def test_all_of_them_are_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == SHOWN.keys()


@pytest.mark.parametrize("name", SHOWN)
def test_offline(name: str, arguments: dict[str, list[str]]) -> None:
    more = arguments.get(name, [])
    check(name, shown_by([str(EXAMPLES / f"{name}.py"), *more]), more)


@pytest.mark.parametrize("name", ["audio", "function_call", "text", "tools"])
def test_offline_on_trio(name: str, arguments: dict[str, list[str]]) -> None:
    more = arguments.get(name, [])
    check(name, shown_by(["-c", ON_TRIO, str(EXAMPLES / f"{name}.py"), *more]), more)


@pytest.mark.realtime(api_key="sk-example")
@pytest.mark.parametrize("name", SHOWN)
def test_with_a_key(
    name: str, arguments: dict[str, list[str]], realtime_simulator: ThreadedSimulator
) -> None:
    more = arguments.get(name, [])
    command = [str(EXAMPLES / f"{name}.py"), *more]
    base_url = realtime_simulator.base_url
    shown = shown_by(command, OPENAI_API_KEY="sk-example", OPENAI_BASE_URL=base_url)
    assert len(realtime_simulator.connections) == 1
    check(name, shown, more)


def test_audio_says_how_it_is_used(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "audio.py")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("usage: ")
