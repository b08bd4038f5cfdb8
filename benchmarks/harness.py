"""Runs peers against the server, each in a fresh process, interleaved, and collects their samples.

Nothing here is measured and nothing here judges speed. What it does judge: a peer that did not
count every event, or whose chunks did not all arrive, has failed, and so has the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Literal, cast

from measure import Sample
from traffic import CHUNK_BYTES, ENVELOPE_EVENTS

__all__ = ["NODE", "Peer", "Plan", "Results", "common_arguments", "plan_from", "run"]

Direction = Literal["receive", "send"]

NODE = "openai-node"
_HERE = Path(__file__).parent
_NODE_PACKAGES = ("openai", "ws")


class PeerFailed(Exception):
    """A peer did not do all of what it was told."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the table.

    Attributes:
        name: as in the peers' file, and in the table.
        needs: the modules that must be importable; without them the row is absent.
    """

    name: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run of a benchmark. Durations in seconds.

    Attributes:
        names: the peers to run; empty means all that are installed.
        seconds: of CPU that a sample of receiving takes at least.
        timeout: for one peer's process.
    """

    direction: Direction
    events: int
    warmup: int
    runs: int
    mix: str
    tls: bool
    interval: float
    seconds: float
    names: tuple[str, ...]
    node_modules: Path
    timeout: float


@dataclass(slots=True)
class Results:
    """Samples of every peer that ran, why the others did not, and what went wrong."""

    samples: dict[str, list[Sample]] = field(default_factory=dict[str, list[Sample]])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    failed: dict[str, str] = field(default_factory=dict[str, str])


def common_arguments(description: str | None, events: int) -> argparse.ArgumentParser:
    """The arguments every traffic benchmark takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--events", type=int, default=events, help="of a response, or sent in a run"
    )
    parser.add_argument("--warmup", type=int, default=None, help="before those; a quarter of them")
    parser.add_argument("--runs", type=int, default=9, help="runs of each peer, interleaved")
    parser.add_argument("--tls", action="store_true", help="the same over TLS")
    parser.add_argument("--peers", nargs="+", default=[], metavar="NAME", help="only these")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument(
        "--timeout", type=float, default=300.0, help="seconds for one run of a peer"
    )
    parser.add_argument(
        "--node-modules",
        type=Path,
        default=Path(os.environ.get("ANYREALTIME_BENCH_NODE", _HERE / ".cache")),
        help="where openai-node is, or is put with --install-node",
    )
    parser.add_argument("--install-node", action="store_true", help="npm install openai ws there")
    return parser


def plan_from(given: argparse.Namespace, direction: Direction) -> Plan:
    """Read what `common_arguments` and the benchmark's own added; install openai-node if asked to."""
    events = cast(int, given.events)
    warmup = cast("int | None", given.warmup)
    node_modules = cast(Path, given.node_modules).resolve()
    if given.install_node:
        _install_node(node_modules)
    return Plan(
        direction=direction,
        events=max(events, ENVELOPE_EVENTS),
        warmup=max(events // 4 if warmup is None else warmup, ENVELOPE_EVENTS),
        runs=cast(int, given.runs),
        mix=cast(str, getattr(given, "mix", "small")),
        tls=cast(bool, given.tls),
        interval=cast(float, getattr(given, "paced", 0.0)) / 1000,
        seconds=cast(float, getattr(given, "seconds", 0.0)),
        names=tuple(cast("list[str]", given.peers)),
        node_modules=node_modules,
        timeout=cast(float, given.timeout),
    )


def run(plan: Plan, peers: Sequence[Peer]) -> Results:
    """Run every peer that is wanted and installed, `plan.runs` times, in turn: A B C A B C."""
    unknown = sorted(set(plan.names) - {peer.name for peer in peers})
    if unknown:
        raise SystemExit(f"no such peer: {', '.join(unknown)}")
    wanted = [peer for peer in peers if not plan.names or peer.name in plan.names]
    results = Results()
    present: list[Peer] = []
    for peer in wanted:
        missing = _missing(peer, plan)
        if missing:
            results.absent[peer.name] = missing
        else:
            present.append(peer)
    with _server(plan) as server:
        for number in range(plan.runs):
            for peer in present:
                if peer.name in results.failed:
                    continue
                print(f"{number + 1}/{plan.runs} {peer.name}", file=sys.stderr, flush=True)
                try:
                    results.samples.setdefault(peer.name, []).append(_sample(peer, plan, server))
                except PeerFailed as failure:
                    results.failed[peer.name] = str(failure)
    return results


def _missing(peer: Peer, plan: Plan) -> str:
    """Say what `peer` lacks; "" when it can run."""
    if peer.name == NODE:
        if shutil.which("node") is None:
            return "node is not installed"
        found = all((plan.node_modules / "node_modules" / name).is_dir() for name in _NODE_PACKAGES)
        return "" if found else f"not in {plan.node_modules} (--install-node)"
    lacking = [name for name in peer.needs if find_spec(name) is None]
    return f"not importable: {', '.join(lacking)}" if lacking else ""


def _install_node(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    subprocess.run(
        ["npm", "install", "--silent", "--prefix", str(folder), *_NODE_PACKAGES], check=True
    )


@dataclass(frozen=True, slots=True)
class _Server:
    """The server's process: where it listens, whom to trust, and what it says."""

    url: str
    authority: str
    says: IO[str]


@contextmanager
def _server(plan: Plan) -> Generator[_Server]:
    """Start the server's process and end it."""
    command = [sys.executable, str(_HERE / "server.py"), "--mix", plan.mix]
    command += ["--events", str(plan.events), "--warmup", str(plan.warmup)]
    authority = ""
    with ExitStack() as stack:
        if plan.tls:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            authority = str(folder / "authority.pem")
            command += ["--certificate", str(_make_certificate(folder))]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        says = process.stdout
        if says is None:
            raise AssertionError("a pipe was asked for")
        port = _heard(says)["port"]
        scheme = "wss" if plan.tls else "ws"
        yield _Server(f"{scheme}://127.0.0.1:{port}/v1", authority, says)


def _make_certificate(folder: Path) -> Path:
    """Write an authority and a certificate for loopback; return the server's file."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    server = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(server))
    return server


def _heard(says: IO[str]) -> Mapping[str, int]:
    line = says.readline()
    if not line:
        raise SystemExit("the server ended")
    return cast("dict[str, int]", json.loads(line))


def _sample(peer: Peer, plan: Plan, server: _Server) -> Sample:
    """Run `peer` once in a fresh process and check its count."""
    if peer.name == NODE:
        command = ["node", str(_HERE / "peer_openai_node.mjs"), plan.direction]
        command += ["--modules", str(plan.node_modules)]
    else:
        command = [sys.executable, str(_HERE / f"peers_{plan.direction}.py"), peer.name]
    command += ["--url", server.url, "--authority", server.authority, "--events", str(plan.events)]
    command += ["--warmup", str(plan.warmup), "--interval", str(plan.interval)]
    command += ["--seconds", str(plan.seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=plan.timeout)
    except subprocess.TimeoutExpired as late:
        raise PeerFailed(f"not done after {plan.timeout:g} s") from late
    if done.returncode:
        raise PeerFailed(f"exit code {done.returncode}: {_last_line(done.stderr)}")
    told = cast("dict[str, float]", json.loads(done.stdout))
    sample = Sample(events=int(told["events"]), cpu=told["cpu"], wall=told["wall"])
    if sample.events == 0 or sample.events % plan.events:
        raise PeerFailed(f"counted {sample.events} events of responses of {plan.events}")
    if plan.direction == "send":
        for chunks in (plan.warmup, plan.events):
            _check_arrived(chunks, _heard(server.says))
    return sample


def _check_arrived(chunks: int, heard: Mapping[str, int]) -> None:
    if (heard["appends"], heard["bytes"]) != (chunks, chunks * CHUNK_BYTES):
        raise PeerFailed(f"of {chunks} chunks there arrived: {dict(heard)}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "(nothing on stderr)"
