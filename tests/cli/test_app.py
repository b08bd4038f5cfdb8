"""The options: help, defaults that can be read, and wrong usage in one line."""

from __future__ import annotations

import pytest

from anyrealtime.cli._app import run as run_here
from anyrealtime.cli._exit import EXIT_CODES
from tests.cli.support import run


@pytest.mark.parametrize(
    "arguments", [["--help"], ["chat", "--help"], ["serve", "-h"], ["replay", "-h"]]
)
def test_help_documents_the_exit_codes(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [line.strip() for line in done.stdout.splitlines()]
    for line in EXIT_CODES.splitlines()[1:]:
        assert line.strip() in shown


def test_chat_help_names_every_option() -> None:
    text = run("chat", "--help").stdout
    names = "model url instructions audio raw record dialect backend transport timeout debug"
    for name in names.split():
        assert f"--{name}" in text


def test_without_a_command_it_shows_the_help() -> None:
    done = run()
    assert done.returncode == 2
    assert "chat" in done.stdout
    assert "serve" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chat", "--nonsense"], "No such option: --nonsense"),
        (["nonsense"], "No such command 'nonsense'"),
        (["chat", "Hello", "--backend", "curio"], "'asyncio', 'trio'"),
        (["chat", "Hello", "--timeout", "soon"], "--timeout"),
        (["chat", "Hello", "--timeout", "0"], "--timeout must be a positive number"),
        (["chat", "Hello", "--url", "gopher://example.org"], "--url begins with 'gopher'"),
        (["chat", "Hello", "--url", ""], "--url is empty"),
        (["chat", "Hello", "--model", ""], "--model is empty"),
        (
            ["chat", "Hello", "--backend", "asyncio", "--transport", "trio-websocket"],
            "runs on Trio only",
        ),
        (["chat", ""], "there is no text"),
        (["chat", b"\xff".decode(errors="surrogateescape")], "not valid UTF-8"),
        (["chat", "Hello", "--audio", "/nowhere/at/all.wav"], "cannot write /nowhere/at/all.wav"),
        (["serve", "--port", "65536"], "--port"),
        (["serve", "--host", "no such host"], "cannot listen on no such host:0"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert run_here(arguments) == 2
    shown = capsys.readouterr()
    [line] = shown.err.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert shown.out == ""
