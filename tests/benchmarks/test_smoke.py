"""Each benchmark runs, counts every event and prints its table: no figure is judged here.

They are run as a user runs them, as processes, and only with peers that the tests' own
environment has; anyrealtime and `websockets` are always among those.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
_RECEIVERS = ["anyrealtime asyncio", "anyrealtime trio", "anyrealtime trio-websocket", "websockets"]
_FEW = ["--events", "600", "--warmup", "20", "--runs", "1", "--timeout", "20"]


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_BENCHMARKS / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def _facts(script: str, *arguments: str) -> dict[str, Any]:
    done = _run(script, *arguments, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.mark.parametrize("more", [["--mix", "mixed"], ["--mix", "small"], ["--tls"]])
def test_every_receiver_counts_every_event(more: list[str]) -> None:
    facts = _facts("bench_receive.py", *_FEW, "--seconds", "0", "--peers", *_RECEIVERS, *more)
    assert [row["peer"] for row in facts["rows"]] == _RECEIVERS
    assert {row["events"] for row in facts["rows"]} == {600}
    assert all(row["cpu_us"] > 0 and row["events_per_second"] > 0 for row in facts["rows"])
    assert facts["failed"] == facts["absent"] == {}


def test_a_sample_goes_on_until_it_is_long_enough() -> None:
    [row] = _facts("bench_receive.py", *_FEW, "--seconds", "0.1", "--peers", "websockets")["rows"]
    assert row["events"] % 600 == 0
    assert row["events"] * row["cpu_us"] >= 0.1 * 1e6


@pytest.mark.parametrize("more", [[], ["--paced", "0.1"]])
def test_every_chunk_arrives(more: list[str]) -> None:
    facts = _facts("bench_send.py", *_FEW, "--peers", *_RECEIVERS, *more)
    assert [row["peer"] for row in facts["rows"]] == _RECEIVERS
    assert facts["failed"] == facts["absent"] == {}


def test_a_table_for_people() -> None:
    done = _run("bench_receive.py", *_FEW, "--peers", "websockets")
    assert done.returncode == 0, done.stderr
    title, blank, head, rule, row = done.stdout.splitlines()
    assert title.startswith("receive: 600 events, mixed, plain TCP")
    assert (blank, set(rule)) == ("", {"-", " "})
    assert head.startswith("peer")
    assert row.split()[0] == "websockets"


def test_an_absent_peer_is_named_and_an_unknown_one_refused() -> None:
    done = _run(
        "bench_receive.py", *_FEW, "--peers", "openai-node", "--node-modules", "/nowhere/at/all"
    )
    assert done.returncode == 1, "nothing was measured"
    assert "absent: openai-node" in done.stdout
    assert _run("bench_receive.py", "--peers", "nobody").returncode != 0


def test_an_import_brings_nothing_heavy() -> None:
    facts = _facts("bench_import.py", "--runs", "1")
    rows = {row["subject"]: row for row in facts["rows"]}
    assert rows["anyrealtime"]["modules"] > 0
    assert rows["anyrealtime"]["unwanted"] == []
    assert rows["anyrealtime.events"]["unwanted"] == []


def test_the_cost_of_listening() -> None:
    done = _run("bench_turns.py", "--seconds", "1", "--runs", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "1 s of sound in events of 20 ms, best of 1 runs"
    energy = [line.split() for line in lines if line.startswith("energy")]
    assert [row[1] for row in energy] == ["PCM", "G.711"]
    assert all(float(row[-3]) > 0 and float(row[-2]) > 0 for row in energy)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and binds cores")
def test_sessions_are_held_to_their_end() -> None:
    facts = _facts("bench_sessions.py", "--sessions", "3", "--turns", "1", "--ramp", "0.1")
    assert (facts["sessions"], facts["turns"], facts["failed"]) == (3, 3, 0)
    assert 0 < facts["core"] < 1
    for key in ("created", "first", "late", "bystander"):
        assert facts[key]["p50"] <= facts[key]["p95"] <= facts[key]["p99"] <= facts[key]["most"]


def test_a_slow_tool_is_measured() -> None:
    first, *others, last = _run("bench_tools.py", "--seconds", "1").stdout.splitlines()
    assert first.split()[0] == "answer"  # whatever the two slow ones do
    assert {line.split()[0] for line in others} == {"sleep", "block_thread"}
    assert "other responses meanwhile" in last
