"""The servers that others wrote, each started once for the whole run, and the backends."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from interop.packages import node_modules_with, patched_copy, python_with
from interop.processes import free_port, serving
from interop.roster import AIMOCK, FAKEAI, OLD_AIMOCK, SERVERS, STACKS, Client
from interop.table import PAGE, Table, Verdict, client_row, server_row
from interop.wire_logs import LOGS

INSTALLING_SECONDS: Final = 600  # a test's own time includes what its fixtures install

# What aimock answers, by the user's last message. Times are in milliseconds.
_FIXTURES: Final = [
    {
        "match": {"userMessage": "hello"},
        "response": {"content": "Hello there! How can I help you today?"},
    },
    {
        "match": {"userMessage": "weather", "hasToolResult": False},
        "response": {"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Paris"}'}]},
    },
    {
        "match": {"userMessage": "weather", "hasToolResult": True},
        "response": {"content": "It is 21 degrees in Paris."},
    },
    {
        "match": {"userMessage": "fail"},
        "response": {
            "error": {"message": "Too many.", "type": "requests", "code": "rate_limit_exceeded"}
        },
    },
    {
        "match": {"userMessage": "slowly"},
        "response": {"content": "one two three four five six"},
        "chunkSize": 2,
        "latency": 20,
    },
    {
        "match": {"userMessage": "truncate"},
        "response": {"content": "one two three four five six"},
        "chunkSize": 4,
        "latency": 20,
        "truncateAfterChunks": 3,
    },
    {
        "match": {"userMessage": "vanish"},
        "response": {"content": "one two three four five six"},
        "chunkSize": 1,
        "latency": 20,
        "disconnectAfterMs": 150,
    },
    {
        "match": {"endpoint": "realtime-transcription"},
        "response": {"transcription": {"text": "good morning"}},
    },
]

# RFC 6455's GUID, and how aimock 1.42.1 writes it.
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NOT_THE_GUID: Final = "258EAFA5-E914-47DA-95CA-5AB5DC799C07"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The backend's name, one test run for each."""
    return str(request.param)


# The table


_TABLE: Final = pytest.StashKey[Table]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How the table gets onto its page."""
    parser.addoption(
        "--write-table", action="store_true", help=f"put the table of a whole run into {PAGE.name}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin an empty table."""
    config.stash[_TABLE] = Table()
    config.addinivalue_line("markers", "step(name): the step of the table that a test is about")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the installations their time."""
    for item in items:
        item.add_marker(pytest.mark.timeout(INSTALLING_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how a test ended in the table, if it is about one of its cells."""
    report = yield
    if report.when == "call" or not report.passed:
        note(item.config.stash[_TABLE], item, report.outcome)
        if report.skipped and call.excinfo is not None:
            item.config.stash[_TABLE].reasons.add(str(call.excinfo.value))
    return report


def note(table: Table, item: pytest.Item, verdict: Verdict) -> None:
    """Find the cells that a test is about: a client's, or those of the servers it uses."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return
    given: dict[str, Any] = item.callspec.params
    if isinstance(client := given.get("client"), Client):
        table.add(client_row(client), given["step"], verdict)
    for marker in item.iter_markers("step"):
        stack = STACKS[given["anyio_backend"], given["transport"]]
        for fixture in SERVERS.keys() & set(item.fixturenames):
            table.add(server_row(SERVERS[fixture], stack), marker.args[0], verdict)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, and write it where that was asked for and it is whole."""
    table = config.stash[_TABLE]
    if not table.cells:
        return
    terminalreporter.section("interop")
    for line in [*table.lines(), *sorted(table.reasons)]:
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"wire logs: {LOGS}")
    if config.getoption("--write-table"):
        if table.is_whole:
            table.write()
        where = f"{PAGE} is {'written' if table.is_whole else 'left as it was: not all passed'}"
        terminalreporter.write_line(where)


def _aimock(installed: Path, log: Path, *options: str, **env: str) -> Generator[str]:
    fixtures = log.with_suffix(".json")
    fixtures.write_text(json.dumps({"fixtures": _FIXTURES}), encoding="utf-8")
    cli = installed / "node_modules/@copilotkit/aimock/dist/cli.js"
    with serving(
        ["node", cli, "-p", "0", "-h", "127.0.0.1", "-f", fixtures, *options],
        announces=r"listening on (http://127\.0\.0\.1:\d+)",
        log=log,
        env=os.environ | env,
    ) as server:
        yield f"{server.url}/v1"


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers write what they have to say."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def aimock_package() -> Path:
    """aimock 1.43.0, which speaks GA and refuses beta."""
    return node_modules_with(*AIMOCK.packages)


@pytest.fixture(scope="session")
def old_aimock_package() -> Path:
    """aimock 1.42.1, which computes a wrong Sec-WebSocket-Accept."""
    return node_modules_with(*OLD_AIMOCK.packages)


@pytest.fixture(scope="session")
def aimock(aimock_package: Path, logs: Path) -> Generator[str]:
    """Its base URL."""
    yield from _aimock(aimock_package, logs / "aimock.log")


@pytest.fixture(scope="session")
def strict_aimock(aimock_package: Path, logs: Path) -> Generator[str]:
    """One that closes the connection where it has no answer."""
    yield from _aimock(aimock_package, logs / "strict_aimock.log", "--strict")


@pytest.fixture(scope="session")
def locked_aimock(aimock_package: Path, logs: Path) -> Generator[str]:
    """One that demands a key, and not ours."""
    yield from _aimock(aimock_package, logs / "locked_aimock.log", AIMOCK_API_KEYS="another")


@pytest.fixture(scope="session")
def wrong_aimock(old_aimock_package: Path, logs: Path) -> Generator[str]:
    """One whose handshake is wrong."""
    yield from _aimock(old_aimock_package, logs / "wrong_aimock.log")


@pytest.fixture(scope="session")
def old_aimock(old_aimock_package: Path, logs: Path) -> Generator[str]:
    """The same with the one constant mended: it speaks GA and beta."""
    mended = patched_copy(
        old_aimock_package,
        "mended",
        "node_modules/@copilotkit/aimock/dist/ws-framing.js",
        _NOT_THE_GUID,
        _GUID,
    )
    yield from _aimock(mended, logs / "old_aimock.log")


@pytest.fixture(scope="session")
def fakeai(logs: Path) -> Generator[str]:
    """The base URL of FakeAI 0.3.2, which speaks beta and sends every absent field as null."""
    python = python_with(*FAKEAI.packages)
    address = ["--host", "127.0.0.1", "--port", str(free_port())]
    with serving(
        [python, "-m", "fakeai", "server", *address, "--response-delay", "0"],
        announces=r"Uvicorn running on (http://127\.0\.0\.1:\d+)",
        log=logs / "fakeai.log",
    ) as server:
        yield f"{server.url}/v1"


@pytest.fixture(scope="session")
def kosoku() -> Path:
    """The command of kosoku 0.1.0, which runs Autobahn's WebSocket cases."""
    return python_with("kosoku==0.1.0").with_name("kosoku")
