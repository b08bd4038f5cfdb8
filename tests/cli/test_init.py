"""The entry point: what it loads, and what it says when the extra is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.support import PATIENCE, environment, run

WITHOUT = """
import sys
sys.modules[{name!r}] = None
from anyrealtime.cli import main
sys.argv = ["anyrealtime", *{arguments!r}]
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["typer", "rich"])
def test_without_the_extra_one_line_says_what_to_install(name: str) -> None:
    arguments = ["chat", "Hello", "--url", "nonsense"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(name=name, arguments=arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: the command needs more packages: pip install 'anyrealtime[cli]'"
    ]
    assert done.stdout == ""


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_load_no_simulator_and_no_event_loop(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "anyrealtime", option],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "anyrealtime.cli._app" in loaded
    for name in ("anyrealtime.simulator", "trio", "websockets", "prompt_toolkit", "rich.console"):
        assert name not in loaded


def test_a_bug_that_is_an_import_error_is_not_hidden() -> None:
    code = """
import sys
sys.modules["anyrealtime.cli._app"] = None
from anyrealtime.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("anyrealtime ")
