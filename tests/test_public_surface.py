"""The facade: what it exports, what importing it costs, and what its exceptions let out."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import anyrealtime
import anyrealtime.events
import anyrealtime.testing
import anyrealtime.tools
from anyrealtime import errors

MODULES = [anyrealtime, errors, anyrealtime.events, anyrealtime.testing, anyrealtime.tools]

EXAMPLES: list[Exception] = [
    errors.ConfigurationError("url= is empty"),
    errors.ConnectFailed(
        "refused",
        status=401,
        close_code=3000,
        type="invalid_request_error",
        code="invalid_api_key",
        param="p",
        retry_after=1.5,
        body="{}",
    ),
    errors.RequestError("No.", type="t", code="c", param="p", event_id="e"),
    errors.ServerError("No.", type="t", code="c", param="p", event_id="e"),
    errors.ConnectionClosed(1001, "bye", "server", errors.ServerError("No.", code="c")),
    errors.ConnectionClosed(1006),
    errors.ResponseFailed("No.", code="c", response_id="r"),
    errors.AckTimeout("session.update", 10.0),
    errors.StreamOverflow("full"),
    errors.ProtocolViolation("not now"),
    errors.ToolError("No such city."),
    errors.InternalError("a bug"),
]


def _name(value: object) -> str:
    return type(value).__name__


# Exports


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_all_is_true(module: Any) -> None:
    """Every name exists, is there once, and nothing public is forgotten."""
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
    names = [name for name in dir(module) if not name.startswith("_")]
    public = {name for name in names if not inspect.ismodule(getattr(module, name))}
    if module is errors:
        public = {name for name in public if getattr(module, name).__module__ == module.__name__}
        public |= {"ClosedBy"}
    assert public - {"annotations"} <= set(module.__all__)


def test_the_facade_is_small() -> None:
    assert len(anyrealtime.__all__) < 40
    assert anyrealtime.__all__ == sorted(anyrealtime.__all__)


@pytest.mark.parametrize(
    "name",
    [
        "AckTimeout",
        "ConfigurationError",
        "ConnectFailed",
        "Connection",
        "ConnectionClosed",
        "Dropped",
        "EventStream",
        "InternalError",
        "ProtocolViolation",
        "RealtimeError",
        "RequestError",
        "ResponseFailed",
        "ServerError",
        "StreamOverflow",
        "open_realtime",
    ],
)
def test_what_programs_need_is_there(name: str) -> None:
    assert name in anyrealtime.__all__


def test_every_error_is_exported() -> None:
    kinds = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_")
    }
    assert kinds <= set(anyrealtime.__all__)
    assert kinds <= set(errors.__all__)


def test_the_map_of_the_two_paths_names_files_that_exist() -> None:
    """The package's docstring is the newcomer's way in."""
    text = inspect.getdoc(anyrealtime) or ""
    root = Path(inspect.getfile(anyrealtime)).parent
    names = {word.strip("`.,:;()") for word in text.split() if ".py" in word}
    assert names
    for name in names:
        assert any((root / room / name).exists() for room in (".", "_transport")), name


def test_everything_public_says_what_it_is() -> None:
    for name in anyrealtime.__all__:
        assert inspect.getdoc(getattr(anyrealtime, name)), name


# Importing


def imported_by(statement: str) -> set[str]:
    """The modules that are loaded after `statement`, in an interpreter of its own."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, timeout=30
    )
    return set(json.loads(done.stdout))


def test_importing_brings_in_no_library_that_may_not_be_needed() -> None:
    loaded = imported_by("import anyrealtime, anyrealtime.events, anyrealtime.testing")
    for name in ("trio", "trio_websocket", "wsproto", "websockets", "httpx", "typer", "rich"):
        assert name not in loaded
    for room in ("cli", "simulator", "tools"):
        assert f"anyrealtime.{room}" not in loaded


def test_importing_builds_no_decoder() -> None:
    """It would cost more than the rest of the import."""
    unused = "codec._read_server is codec._first_read_server"
    imported_by(f"import anyrealtime\nfrom anyrealtime.events import codec\nassert {unused}")


# Exceptions


def test_every_kind_of_error_is_among_the_examples() -> None:
    kinds = {getattr(errors, name) for name in errors.__all__} - {
        errors.RealtimeError,
        errors.ClosedBy,
    }
    assert {type(example) for example in EXAMPLES} == kinds


@pytest.mark.parametrize("error", EXAMPLES, ids=_name)
def test_errors_have_one_root(error: Exception) -> None:
    assert isinstance(error, errors.RealtimeError)
    assert str(error)
    assert type(error).__name__ in repr(error)


def test_errors_are_what_python_calls_them_too() -> None:
    assert issubclass(errors.AckTimeout, TimeoutError)
    assert issubclass(errors.ConfigurationError, ValueError)


def _pickled(error: Exception) -> Exception:
    result: Exception = pickle.loads(pickle.dumps(error))
    return result


@pytest.mark.parametrize("copied", [_pickled, copy.copy])
@pytest.mark.parametrize("error", EXAMPLES, ids=_name)
def test_errors_travel_between_processes(
    error: Exception, copied: Callable[[Exception], Exception]
) -> None:
    other = copied(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert {name: str(value) for name, value in vars(other).items()} == {
        name: str(value) for name, value in vars(error).items()
    }


def test_the_arguments_of_open_realtime_are_the_agreed_ones() -> None:
    names = list(inspect.signature(anyrealtime.open_realtime).parameters)
    agreed = """
        model session api_key url base_url call_id intent headers query dialect transport
        ssl_context proxy errors connect_timeout ack_timeout close_timeout ping_interval
        ping_timeout max_message_bytes max_events max_bytes
    """
    assert names[0] == "model"
    assert set(agreed.split()) <= set(names)
    parameters = inspect.signature(anyrealtime.open_realtime).parameters
    defaults = {name: parameters[name].default for name in agreed.split()}
    assert (defaults["connect_timeout"], defaults["ack_timeout"]) == (10, 10)
    assert (defaults["close_timeout"], defaults["ping_interval"], defaults["ping_timeout"]) == (
        1,
        20,
        20,
    )
    assert (defaults["max_events"], defaults["max_bytes"]) == (65_536, 16 * 2**20)
    assert defaults["max_message_bytes"] == 64 * 2**20
    assert (defaults["errors"], defaults["dialect"], defaults["transport"]) == (
        "raise",
        "ga",
        "anyio",
    )
    assert all(p.kind is p.KEYWORD_ONLY for name, p in parameters.items() if name != "model")
