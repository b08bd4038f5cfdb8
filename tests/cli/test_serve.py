"""`anyrealtime serve`: the address first, clients served, and a quick and quiet end."""

from __future__ import annotations

import json
import re
import resource
import signal
import socket
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

from anyrealtime import ResponseFailed, open_realtime
from anyrealtime.events import Session
from tests.cli.support import PATIENCE, read_line, run, serving, started
from tests.simulator.client import dial


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


def test_what_only_some_services_send() -> None:
    for options, present in [(["--extras", "--obfuscation"], True), ([], False)]:
        with serving(*options) as server:
            lines = run("chat", "Hello!", "--raw", "--url", server.url).stdout.splitlines()
        events = [json.loads(line) for line in lines]
        deltas = [event for event in events if event["type"] == "response.output_text.delta"]
        assert deltas
        assert all(("obfuscation" in delta) == present for delta in deltas)
        done = next(event for event in events if event["type"] == "response.output_item.done")
        assert ("phase" in done["item"]) == present


async def test_how_long_a_session_lasts_and_how_much_it_may_say() -> None:
    options = ["--session-seconds", "7200", "--tokens-per-minute", "1"]
    with serving(*options) as server, anyio.fail_after(PATIENCE):
        async with open_realtime(url=server.url, api_key="x") as connection:
            assert connection.session.expires_at is not None
            assert connection.session.expires_at > time.time() + 3600
            with pytest.raises(ResponseFailed) as refused:
                await connection.ask("Hello!")
                await connection.ask("And again!")
            assert refused.value.code == "rate_limit_exceeded"


def test_the_log() -> None:
    with started("serve", "--log", "--api-key", "sk-right") as process:
        url = read_line(process).strip()
        assert run("chat", "Hi there", "--url", url, OPENAI_API_KEY="sk-right").returncode == 0
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    lines = [line.split(" ", 1)[1] for line in err.splitlines()[1:]]
    assert lines[0] == "#1 ++ /v1/realtime"
    assert lines[-1] == "#1 -- 1000"
    assert any(re.fullmatch(r"#1 <- response.create event_id=\S+", line) for line in lines)
    assert any(line.startswith("#1 -> response.output_text.delta event_id=") for line in lines)
    assert "sk-right" not in err
    assert "Hi there" not in err


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_faults(backend: str) -> None:
    faults = ["refuse:status=418,visit=1", "reset:event=response.output_text.delta,visit=2"]
    options = [word for fault in faults for word in ("--fault", fault)]
    with serving("--backend", backend, *options) as server:
        ends = [run("chat", "Hello!", "--url", server.url) for _ in range(3)]
    assert [end.returncode for end in ends] == [3, 4, 0]
    assert "418" in ends[0].stderr


def test_a_seed_repeats_what_chance_does() -> None:
    said: list[str] = []
    for seed in (1, 1, 2):
        chance = ["--fault", "drop:event=response.output_text.delta,p=0.5"]
        with serving(*chance, "--fault-seed", str(seed)) as server:
            said.append(run("chat", "Say a paragraph", "--url", server.url).stdout)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("clos", "no fault is called 'clos'; there are close, corrupt"),
        ("drop:p=2", "a probability is between 0 and 1"),
        ("close:cod=1", "close has no 'cod'"),
    ],
)
def test_what_is_no_fault(fault: str, why: str) -> None:
    done = run("serve", "--fault", fault)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: --fault {fault}: ")
    assert why in line


def test_an_echo() -> None:
    with serving("--answer", "echo") as server:
        assert run("chat", "Ruby apple", "--url", server.url).stdout.strip() == "Ruby apple"


SCRIPT = """
restart = true
[[turn]]
says = "First."
[[turn]]
expect = { text = "and then?" }
says = "Second."
"""


async def test_a_script(tmp_path: Path) -> None:
    path = tmp_path / "turns.toml"
    path.write_text(SCRIPT)
    text = Session(output_modalities=["text"])
    with started("serve", "--script", str(path)) as process:
        url = read_line(process).strip()
        with anyio.fail_after(PATIENCE):
            async with open_realtime(url=url, session=text) as connection:
                assert await connection.ask("hello") == "First."
                assert await connection.ask("and then?") == "Second."
            async with open_realtime(url=url, session=text) as connection:
                assert await connection.ask("hello") == "First."
                with pytest.raises(ResponseFailed, match="script"):
                    await connection.ask("what else?")
            async with open_realtime(url=url, session=text) as connection:
                assert await connection.ask("hello") == "First."
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "error: client 2: it did not do what the script expects" in err
    assert "- text: and then?" in err
    assert "+ text: what else?" in err


def test_a_script_that_is_none(tmp_path: Path) -> None:
    missing = run("serve", "--script", str(tmp_path / "none.toml"))
    assert missing.returncode == 2
    assert "none.toml: No such file" in missing.stderr
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[[turn]]\nsayss = 'x'\n")
    refused = run("serve", "--script", str(wrong))
    assert refused.returncode == 2
    assert "sayss" in refused.stderr
    both = run("serve", "--script", str(wrong), "--answer", "echo")
    assert both.returncode == 2
    assert "the script answers" in both.stderr


async def test_admin_messages() -> None:
    for options, kind in [(["--admin"], "odd"), ([], "error")]:
        with serving(*options) as server, anyio.fail_after(PATIENCE):
            async with dial(server.url) as client:
                await client.receive()
                await client.send("simulator.fault", fault="unknown", name="odd")
                assert (await client.receive())["type"] == kind


async def test_more_clients_than_there_are_files() -> None:
    """A server that has no file descriptor left for a client goes on when it has one again."""
    with serving() as server, anyio.fail_after(PATIENCE):
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (24, limits[1]))
        place = urlsplit(server.url)
        async with AsyncExitStack() as stack:
            for _ in range(40):
                stream = await anyio.connect_tcp(str(place.hostname), place.port or 0)
                await stack.enter_async_context(stream)
        async with dial(server.url) as client:
            assert (await client.receive())["type"] == "session.created"
