"""The conversation at a terminal: typed at a pseudo-terminal, read from it."""

from __future__ import annotations

import signal
from contextlib import closing

import anyio
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from anyrealtime.cli._prompt import Prompt
from tests.cli.support import PATIENCE, PROMPT, Deaf, Terminal, serving

SAID = b"It is good to hear from you."
UP, RETURN, CTRL_C, CTRL_D = "\x1b[A", "\r", "\x03", "\x04"


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    """The backend of the command; that of the test is another matter."""
    return str(request.param)


def test_conversation_with_a_history(backend: str) -> None:
    with Terminal("chat", "--backend", backend) as terminal:
        before = terminal.local_modes
        terminal.read_until(PROMPT)
        terminal.type("Hello!" + RETURN)
        terminal.read_until(SAID)
        terminal.read_until(PROMPT)
        terminal.type("Who are you?" + RETURN)
        terminal.read_until(b"I am the anyrealtime simulator")
        terminal.read_until(PROMPT)
        terminal.type(UP + UP + RETURN)
        terminal.read_until(SAID)
        terminal.read_until(PROMPT)
        terminal.type(CTRL_D)
        assert b"error" not in terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 0
        assert terminal.local_modes == before


def test_ctrl_c_cancels_the_answer_and_not_the_program(backend: str) -> None:
    with (
        serving("--pace", "0.05") as server,
        Terminal("chat", "--backend", backend, "--url", server.url) as terminal,
    ):
        terminal.read_until(PROMPT)
        terminal.type("Say 20 paragraphs" + RETURN)
        terminal.read_until(b"A conversation")
        terminal.type(CTRL_C)
        terminal.read_until(b"cancelled")
        terminal.read_until(PROMPT)
        terminal.type("Hello!" + RETURN)
        terminal.read_until(SAID)
        terminal.read_until(PROMPT)
        terminal.type(CTRL_D)
        terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 0


def test_ctrl_c_while_connecting() -> None:
    with closing(Deaf()) as deaf, Terminal("chat", "--url", deaf.url) as terminal:
        deaf.accept()
        terminal.type(CTRL_C)
        assert b"error" not in terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 130


def test_ctrl_c_at_the_prompt_begins_the_line_again() -> None:
    with Terminal("chat") as terminal:
        terminal.read_until(PROMPT)
        terminal.type("Never mind" + CTRL_C)
        terminal.read_until(PROMPT)
        terminal.type("Hello!" + RETURN)
        terminal.read_until(SAID)
        terminal.read_until(PROMPT)
        terminal.type(CTRL_D)
        assert b"You asked" not in terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 0


def test_lost_at_the_prompt(backend: str) -> None:
    with (
        serving() as server,
        Terminal("chat", "--backend", backend, "--url", server.url) as terminal,
    ):
        before = terminal.local_modes
        terminal.read_until(PROMPT)
        server.stop()
        shown = terminal.read_to_end()
        assert b"error: " in shown
        assert b"closed by the server" in shown
        assert terminal.process.wait(PATIENCE) == 4
        assert terminal.local_modes == before


def test_terminated_at_the_prompt(backend: str) -> None:
    with Terminal("chat", "--backend", backend) as terminal:
        before = terminal.local_modes
        terminal.read_until(PROMPT)
        terminal.process.send_signal(signal.SIGTERM)
        assert b"error" not in terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 143
        assert terminal.local_modes == before


def test_one_question_at_a_terminal() -> None:
    with Terminal("chat", "Say two paragraphs") as terminal:
        shown = terminal.read_to_end()
        assert terminal.process.wait(PATIENCE) == 0
    assert b"because waiting for the whole would waste\r\n" in shown  # broken between words
    assert b"\x1b[?25h" in shown  # the cursor is back


def test_server_text_does_not_drive_the_terminal() -> None:
    with Terminal("chat", "Repeat \x1b]0;title\x07 after me") as terminal:
        shown = terminal.read_to_end()
    assert b"]0;title" in shown
    assert b"\x1b]0" not in shown


async def test_cancelling_takes_the_prompt_away() -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        prompt = Prompt()
        with anyio.fail_after(PATIENCE):
            for patience in (0.0, 0.001, 0.05):  # before, while and after it comes up
                with anyio.move_on_after(patience) as scope:
                    await prompt.ask()
                assert scope.cancelled_caught
            keys.send_text("  Hello!  \r")
            assert await prompt.ask() == "Hello!"
            keys.send_text("\r\x04")
            assert await prompt.ask() is None
