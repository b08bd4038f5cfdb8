"""Clients that others wrote against our simulator, a process for each step they play.

The scripts in `clients` print what the client showed its user; here that and the wire are held
against what should have happened. The simulator's own tests run it on both backends; here it
is one server for all.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import trustme

from anyrealtime.events import Message
from anyrealtime.simulator import (
    ModelRequest,
    Said,
    Simulator,
    default_model,
    open_simulator,
    speak,
)
from interop.packages import node_modules_with, python_with
from interop.roster import CLIENTS, STEPS, Client, Step
from interop.verdicts import judge, wire_of
from interop.wire_logs import client_log_path, tail, write_log

ROOT: Final = Path(__file__).parent.parent
SCRIPTS: Final = Path(__file__).parent / "clients"
LIMIT: Final = 40.0  # most of it is what a busy machine needs to import the client
KEY: Final = "sk-interop"
PACE: Final[dict[Step, float]] = {"cancel": 0.02, "interruption": 0.02}
SENTENCE: Final = "What is the weather like in Paris today"


@pytest.fixture
def anyio_backend() -> str:
    """One backend: what is tested is the other side."""
    return "asyncio"


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody says something, in 24 kHz PCM16."""
    path = tmp_path_factory.mktemp("speech") / "speech.pcm"
    path.write_bytes(speak(SENTENCE))
    return path


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who vouches for a simulator on TLS."""
    return trustme.CA()


def talkative(request: ModelRequest) -> Iterator[Said]:
    """The default model, but the first thing it hears makes it say much: one may interrupt."""
    turns = sum(isinstance(item, Message) and item.role == "user" for item in request.items)
    yield from default_model(request)
    if request.heard_seconds and turns == 1:
        yield " Let me go on. " * 50


def command(client: Client) -> list[str]:
    """How its script is started; installs what it needs."""
    if not client.node:
        python = python_with(*client.packages)
        return [str(python), "-m", f"interop.clients.{client.script}"]
    place = node_modules_with(*client.packages)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, place)
    own = place / "node_modules/.bin/node"
    return [str(own) if own.exists() else "node", str(place / f"{client.script}.mjs")]


def address(client: Client, simulator: Simulator) -> str:
    """The simulator's address as the client takes it."""
    match client.address:
        case "base":
            return simulator.base_url
        case "endpoint":
            return simulator.url
        case "root":
            return simulator.base_url.removesuffix("/v1")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.slug)
async def test_client(
    client: Client, step: Step, speech: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    start = command(client)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    context = None
    if client.tls:
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        env["NODE_EXTRA_CA_CERTS"] = str(tmp_path / "authority.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = tmp_path / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        context.load_cert_chain(certificate)
    async with open_simulator(
        model=talkative, api_key=KEY, pace=PACE.get(step, 0.0), ssl_context=context
    ) as simulator:
        given = [client.variant, step, address(client, simulator), KEY, str(speech)]
        try:
            report = await play([*start, *given], env)
            assert len(simulator.connections) == 1
            frames = simulator.connections[0].frames
            judge(step, wire_of(frames), report)
            assert simulator.connections[0].dialect == client.dialect
        except Exception as error:
            for connection in simulator.connections:
                error.add_note(f"{connection!r}, the last of its log:\n{tail(connection.frames)}")
            raise
        finally:
            path = client_log_path(client, step)
            write_log(path, [f for one in simulator.connections for f in one.frames])


async def play(start: list[str], env: dict[str, str]) -> dict[str, Any]:
    """Run a script and return its report."""
    begun = time.monotonic()
    with anyio.fail_after(LIMIT):
        done = await anyio.run_process(start, check=False, cwd=ROOT, env=env)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"after {time.monotonic() - begun:.1f} s:\n{said}"
    report: dict[str, Any] = json.loads(done.stdout)
    return report
