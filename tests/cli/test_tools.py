"""`anyrealtime chat --tools FILE`: functions of a file, run for the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import PROMPT, Terminal, run

FILE = '''
from __future__ import annotations

from dataclasses import dataclass
from anyrealtime.tools import tool


@dataclass
class Place:
    name: str


@tool
async def get_weather(city: str) -> str:
    """The weather."""
    return f"Fog in {city}."


@tool(needs_approval=True)
def delete_file(name: str) -> str:
    """Delete a file."""
    return f"{name} is gone."


@tool
def break_something(place: Place | None = None) -> None:
    """Break something."""
    raise OSError("It is broken.")
'''


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "my-tools.py"
    path.write_text(FILE)
    return str(path)


@pytest.mark.parametrize("way", ["asyncio anyio ga", "trio anyio beta", "trio trio-websocket ga"])
def test_the_model_calls_what_the_file_offers(file: str, way: str) -> None:
    backend, transport, dialect = way.split()
    done = run(
        "chat", "What is the weather in Lisbon?", "--tools", file, "--dialect", dialect,
        "--backend", backend, "--transport", transport,
    )  # fmt: skip
    assert done.stdout == "get_weather answered: Fog in Lisbon.\n"
    assert done.stderr.splitlines()[1].startswith("get_weather: completed after ")
    assert done.returncode == 0


def test_what_a_function_raises_is_told_to_the_model(file: str) -> None:
    done = run("chat", "Please break something.", "--tools", file)
    assert "OSError: It is broken." in done.stdout
    assert done.stderr.splitlines()[1].startswith("break_something: failed after ")
    assert done.returncode == 0


def test_without_a_terminal_nothing_is_approved_of(file: str) -> None:
    done = run("chat", "Delete the file notes.", "--tools", file)
    assert "Nobody is there to approve of it." in done.stdout
    assert done.stderr.splitlines()[1].startswith("delete_file: denied after ")


@pytest.mark.parametrize(("answer", "said"), [("y", b"is gone."), ("n", b"denied after")])
def test_at_a_terminal_the_person_approves(file: str, answer: str, said: bytes) -> None:
    with Terminal("chat", "--tools", file) as terminal:
        terminal.read_until(PROMPT)
        terminal.type("Delete the file notes.\r")
        terminal.read_until(b"run it? (y/n)")
        terminal.type(f"{answer}\r")
        terminal.read_until(said)
        terminal.read_until(PROMPT)
        terminal.type("\x04")
        assert b"error" not in terminal.read_to_end()


def test_raw_shows_the_whole_round(file: str) -> None:
    done = run("chat", "What is the weather in Lisbon?", "--tools", file, "--raw")
    assert done.stdout.count('"response.done"') == 2
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('no')", "ValueError: no"),
        ("x = (", "SyntaxError: "),
        ("import nothing_like_it", "ModuleNotFoundError: "),
        ("x = 1", "found no tools in"),
    ],
)
def test_a_file_that_is_none_is_wrong_usage(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tools.py"
    path.write_text(text)
    done = run("chat", "Hello!", "--tools", str(path))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    done = run("chat", "Hello!", "--tools", "nowhere.py")
    assert done.returncode == 2
    assert "nowhere.py" in done.stderr


def test_the_library_refuses_what_cannot_be_a_tool(tmp_path: Path) -> None:
    path = tmp_path / "tools.py"
    path.write_text("from anyrealtime.tools import tool\n@tool\ndef f(*a): ...\n")
    done = run("chat", "Hello!", "--tools", str(path))
    assert done.returncode == 2
    assert "has no name for the model to give" in done.stderr
