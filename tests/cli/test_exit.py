"""Every exception has one line and one code."""

from __future__ import annotations

import pytest

from anyrealtime import (
    AckTimeout,
    ConfigurationError,
    ConnectFailed,
    ConnectionClosed,
    InternalError,
    RequestError,
    ResponseFailed,
    ServerError,
    StreamOverflow,
)
from anyrealtime.cli._exit import CommandError, ExitCode, complain, explain, guarded, harmless


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("no", ExitCode.LOST), 4),
        (ConfigurationError("no"), 2),
        (ConnectFailed("no"), 3),
        (ConnectFailed("no", status=401, code="invalid_api_key"), 3),
        (ConnectFailed("no", close_code=1006), 3),
        (ConnectFailed("no", code="invalid_model"), 1),
        (ConnectFailed("no", type="invalid_request_error"), 1),
        (ConnectionClosed(1006, "no"), 4),
        (ServerError("no"), 1),
        (RequestError("no"), 1),
        (ResponseFailed("no"), 1),
        (AckTimeout("session.update", 1.0), 1),
        (StreamOverflow("no"), 1),
        (InternalError("no"), 1),
        (ZeroDivisionError("no"), 1),
    ],
)
def test_codes(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise error

    assert guarded(work) == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "no" in line.removeprefix("error: ")


def test_arguments_have_the_names_the_user_knows() -> None:
    said, _ = explain(ConfigurationError("api_key= is empty"))
    assert said == "OPENAI_API_KEY is empty"
    said, _ = explain(ConfigurationError("the beta dialect has no model= at all"))
    assert said == "the beta dialect has no model= at all"


def test_a_bug_is_called_one() -> None:
    said, _ = explain(KeyError("lost"))
    assert said == "unexpected KeyError: 'lost' (--debug shows where)"
    said, _ = explain(RuntimeError())
    assert said == "unexpected RuntimeError (--debug shows where)"


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise ConfigurationError("no")

    assert guarded(work, debug=True) == 2
    shown = capsys.readouterr().err
    assert "in work" in shown
    assert shown.endswith("error: no\n")


def test_one_line_whatever_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a [bold]long[/bold]\n\tmessage \x1b[31mwith\x07 \x9b everything " + "x" * 200)
    shown = capsys.readouterr().err
    assert shown == f"error: a [bold]long[/bold] message [31mwith  everything {'x' * 200}\n"


def test_harmless_text_stays() -> None:
    text = "Zoë’s naïve\xa0«café»\t👩‍🚀\nשלום"
    assert harmless(text) == text
    assert harmless("a\r\x1b\x7f\x85b") == "ab"
