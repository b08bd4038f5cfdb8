"""`anyrealtime serve`: the address first, clients served, and a quick and quiet end."""

from __future__ import annotations

import signal
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.cli.support import PATIENCE, read_line, run, serving, started


def finish(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Signal it; its exit code, and what it had written on stdout after what was read."""
    process.send_signal(number)
    rest, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, rest


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_address_clients_end(backend: str, number: signal.Signals) -> None:
    with started("serve", "--backend", backend) as process:
        url = read_line(process).rstrip("\n")
        address = urlsplit(url)
        assert (address.scheme, address.hostname, address.path) == (
            "ws",
            "127.0.0.1",
            "/v1/realtime",
        )
        assert "Hello there!" in run("chat", "Hello!", "--url", url).stdout
        assert finish(process, number) == (0, "")


def test_ends_with_a_client_in_mid_answer() -> None:
    with started("serve", "--pace", "60") as process:
        url = read_line(process).strip()
        with started("chat", "Say a paragraph", "--url", url) as client:
            assert client.stdout is not None
            assert client.stdout.read(1) == "A"
            assert finish(process, signal.SIGINT) == (0, "")
            assert client.wait(PATIENCE) == 4


def test_port_and_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
        done = run("serve", "--port", str(port))
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert line.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
    with started("serve", "--port", str(port), "--host", "localhost") as process:
        assert urlsplit(read_line(process).strip()).port == port


def test_key_and_dialect() -> None:
    with serving("--api-key", "sk-right", "--dialect", "ga") as server:
        right = run("chat", "Hello!", "--url", server.url, OPENAI_API_KEY="sk-right")
        assert (right.returncode, right.stderr) == (0, "")
        wrong = run("chat", "Hello!", "--url", server.url, OPENAI_API_KEY="sk-wrong")
        assert wrong.returncode == 1
        arguments = ["--url", server.url, "--dialect", "beta"]
        beta = run("chat", "Hello!", *arguments, OPENAI_API_KEY="sk-right")
        assert beta.returncode == 1
        assert "beta_api_shape_disabled" in beta.stderr
