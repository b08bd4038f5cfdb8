"""Clients that others wrote against our simulator, each in a process of its own.

The scripts in `clients` play the conversation and print what they saw; here it is held against
what was said. A client that decodes strictly is the best judge of the simulator's events.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import trustme

from anyrealtime.simulator import open_simulator

CLIENTS: Final = Path(__file__).parent / "clients"
LIMIT: Final = 60.0
KEY: Final = "sk-interop"
GREETING: Final = "Hello there! It is good to hear from you."
REPORT: Final = "get_weather answered: 21 degrees"
ARGUMENTS: Final = '{"city":"Paris"}'
REFUSED: Final = ["invalid_request_error", "item_delete_invalid_item_id", "item_id", "evt_mine"]


async def run_python(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run a script with an interpreter that has its packages; return its report."""
    return await _run([str(python), str(CLIENTS / script), *arguments])


async def run_node(modules: Path, script: str, *arguments: str, **env: str) -> dict[str, Any]:
    """Run a script beside the packages it imports; return its report."""
    place = shutil.copy(CLIENTS / script, modules)
    return await _run(["node", str(place), *arguments], **env)


async def _run(command: list[str], **env: str) -> dict[str, Any]:
    with anyio.fail_after(LIMIT):
        done = await anyio.run_process(command, env=os.environ | env, check=False)
    assert done.returncode == 0, done.stderr.decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("mode", ["ga", "beta", "sync"])
async def test_openai_python(openai_python: Path, mode: str) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        report = await run_python(openai_python, "openai_python.py", mode, simulator.base_url, KEY)
        [connection] = simulator.connections
        assert connection.dialect == ("beta" if mode == "beta" else "ga")
    assert report["invalid"] == []
    assert report["texts"] == [GREETING, REPORT]
    assert report["call"]["arguments"] == ARGUMENTS
    assert report["audio_bytes"] > 0
    assert report["errors"] == [REFUSED]
    assert report["types"][0] == "session.created"
    assert report["types"][-1] == "error"


@pytest.mark.parametrize("kind", ["ws", "websocket"])
async def test_openai_node(openai_node: Path, kind: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with open_simulator(api_key=KEY, ssl_context=context) as simulator:
        report = await run_node(
            openai_node,
            "openai_node.mjs",
            kind,
            simulator.base_url,
            KEY,
            NODE_EXTRA_CA_CERTS=str(trusted),
        )
        [connection] = simulator.connections
        by_subprotocol = any(KEY in offered for offered in connection.subprotocols)
        assert by_subprotocol is (kind == "websocket")
    assert report["texts"] == [GREETING, REPORT]
    assert report["call"]["arguments"] == ARGUMENTS
    assert report["audioBytes"] > 0
    assert report["errors"] == [REFUSED]


async def test_openai_agents(openai_agents: Path) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        report = await run_python(openai_agents, "openai_agents.py", simulator.url, KEY)
    assert report["errors"] == []
    assert report["asked"] == ["Paris"]
    assert report["said"] == [GREETING, REPORT]
    assert {"tool_start", "tool_end"} <= set(report["kinds"])


async def test_openai_agents_js(openai_agents_js: Path) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        report = await run_node(openai_agents_js, "openai_agents_js.mjs", simulator.url, KEY)
    assert report["errors"] == []
    assert report["asked"] == ["Paris"]
    assert report["said"] == [GREETING, REPORT]


async def test_openai_realtime_api(openai_realtime_api: Path) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        report = await run_node(openai_realtime_api, "openai_realtime_api.mjs", simulator.url, KEY)
        [connection] = simulator.connections
        assert connection.dialect == "beta"
    assert report["errors"] == []
    assert report["asked"] == ["Paris"]
    assert report["said"] == [GREETING, 'get_weather answered: "21 degrees"']


async def test_azure_voicelive(azure_voicelive: Path) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        endpoint = f"http://127.0.0.1:{simulator.port}"
        report = await run_python(azure_voicelive, "azure_voicelive.py", endpoint, KEY)
        [connection] = simulator.connections
        assert (connection.path, connection.dialect) == ("/voice-live/realtime", "beta")
    assert report["texts"] == [GREETING, REPORT]
    assert report["call"]["arguments"] == ARGUMENTS
    assert report["errors"] == [REFUSED]
    assert "ServerEventResponseTextDelta" in report["classes"]


async def test_livekit(livekit_openai: Path) -> None:
    async with open_simulator(api_key=KEY) as simulator:
        report = await run_python(livekit_openai, "livekit_openai.py", simulator.base_url, KEY)
    assert report["errors"] == []
    assert report["said"] == [GREETING, REPORT]
    assert [call[1:] for call in report["calls"]] == [["get_weather", ARGUMENTS]]
