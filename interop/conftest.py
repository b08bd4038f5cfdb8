"""The servers that others wrote, each started once for the whole run, and the backends."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from interop.packages import node_modules_with, patched_copy, python_with
from interop.processes import free_port, serving

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the installations their time."""
    for item in items:
        item.add_marker(pytest.mark.timeout(INSTALLING_SECONDS))


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
    return node_modules_with("@copilotkit/aimock@1.43.0")


@pytest.fixture(scope="session")
def old_aimock_package() -> Path:
    """aimock 1.42.1, which computes a wrong Sec-WebSocket-Accept."""
    return node_modules_with("@copilotkit/aimock@1.42.1")


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
    python = python_with("fakeai==0.3.2", "pillow", "websockets")
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


@pytest.fixture(scope="session")
def openai_python() -> Path:
    """An interpreter that has openai 3.54.0."""
    return python_with("openai[realtime]==3.54.0")


@pytest.fixture(scope="session")
def openai_agents() -> Path:
    """An interpreter that has openai-agents 0.24.0."""
    return python_with("openai-agents[realtime]==0.24.0")


@pytest.fixture(scope="session")
def openai_node() -> Path:
    """A directory with openai 6.49.0 and ws in its node_modules."""
    return node_modules_with("openai@6.49.0", "ws@8.23.0")


@pytest.fixture(scope="session")
def openai_agents_js() -> Path:
    """A directory with @openai/agents-realtime 0.20 in its node_modules."""
    return node_modules_with("@openai/agents-realtime@0.20", "@openai/agents@0.20", "zod@4")


@pytest.fixture(scope="session")
def openai_realtime_api() -> Path:
    """A directory with openai-realtime-api 1.0.8 in its node_modules."""
    return node_modules_with("openai-realtime-api@1.0.8")


@pytest.fixture(scope="session")
def azure_voicelive() -> Path:
    """An interpreter that has azure-ai-voicelive 1.3.1."""
    return python_with("azure-ai-voicelive[aiohttp]==1.3.1", "anyio")


@pytest.fixture(scope="session")
def livekit_openai() -> Path:
    """An interpreter that has livekit-plugins-openai 1.8.9."""
    return python_with("livekit-plugins-openai==1.8.9")
