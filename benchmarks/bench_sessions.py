"""How many conversations one simulator holds on one core, and how late it is in them.

    python benchmarks/bench_sessions.py --sessions 500 --turns 3 [--open-mic] [--backend trio]

`anyrealtime serve` in a process of its own, on one core; the clients in another. Each client
speaks for two seconds as a microphone does (24 kHz PCM, 100 ms an event), is heard by turn
detection, asks for an answer and gets it spoken, a word or 200 ms of sound every
200 ms; and so on. With --open-mic it sends the silence between its turns, too. The CPU is the
server's, between the first turn and the last. The clients' own process is busy, and that is in
their times; one more client in a process of its own asks for next to nothing all the time, and
what it waits for is the server. A session that is not answered to the end has
failed, and so has the benchmark. Linux: /proc tells the CPU, and the core is bound.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Final, Literal, cast

import anyio

from anyrealtime import Connection, open_realtime
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    InputAudioBufferAppend,
    InputAudioBufferCommitted,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ServerVad,
    Session,
)
from anyrealtime.simulator import speak

CHUNK_SECONDS: Final = 0.1
CHUNK_BYTES: Final = 4_800
PACE_SECONDS: Final = 0.2
SPOKEN_SECONDS: Final = 2.0
PROBE_SECONDS: Final = 0.02
DELTAS: Final = (ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta)
SILENCE_SECONDS: Final = 0.7  # more than turn detection waits for


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of the benchmark. `ramp` in seconds."""

    sessions: int
    turns: int
    open_mic: bool
    ramp: float


@dataclass(slots=True)
class Outcome:
    """What the clients saw: times in seconds, how late each piece of an answer was, failures."""

    created: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])
    late: list[float] = field(default_factory=list[float])
    events: int = 0
    done: int = 0
    failures: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU that two processes burnt."""

    server: float
    clients: float


class Caller:
    """One client: a microphone, and somebody who takes turns."""

    def __init__(self, url: str, plan: Plan, outcome: Outcome, random: Random) -> None:
        self._url = url
        self._plan = plan
        self._outcome = outcome
        self._random = random
        self._speech: list[bytes] = []

    async def call(self) -> None:
        """Hold one conversation, and note what went wrong in it."""
        vad = ServerVad(create_response=False, interrupt_response=False)
        session = Session(audio=AudioConfig(input=AudioInput(turn_detection=vad)))
        try:
            await anyio.sleep(self._random.uniform(0, self._plan.ramp))
            async with (
                open_realtime(
                    url=self._url, session=session, max_events=0, connect_timeout=60
                ) as connection,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(self._microphone, connection)
                for _ in range(self._plan.turns):
                    await self._turn(connection)
                tasks.cancel_scope.cancel()
        except Exception as error:
            self._outcome.failures.append(repr(error))

    async def _microphone(self, connection: Connection) -> None:
        silence = bytes(CHUNK_BYTES)
        due = anyio.current_time() + self._random.uniform(0, CHUNK_SECONDS)
        while True:
            await anyio.sleep_until(due)
            due += CHUNK_SECONDS
            if self._speech:
                await connection.send(InputAudioBufferAppend(audio=self._speech.pop()))
            elif self._plan.open_mic:
                await connection.send(InputAudioBufferAppend(audio=silence))

    async def _turn(self, connection: Connection) -> None:
        wanted = (InputAudioBufferCommitted, ResponseCreated, *DELTAS, ResponseDone)
        async with connection.subscribe(*wanted) as events:
            self._speech = list(said_backwards())
            asked_at = last = 0.0
            async for event in events:
                now = anyio.current_time()
                self._outcome.events += 1
                match event:
                    case InputAudioBufferCommitted():
                        asked_at = now
                        await connection.send(ResponseCreate())
                    case ResponseCreated():
                        self._outcome.created.append(now - asked_at)
                    case ResponseOutputAudioDelta() | ResponseOutputAudioTranscriptDelta():
                        if last:
                            self._outcome.late.append(now - last - PACE_SECONDS)
                        else:
                            self._outcome.first.append(now - asked_at)
                        last = now
                    case ResponseDone():
                        self._outcome.done += 1
                        return


@cache
def said_backwards() -> Sequence[bytes]:
    """A turn of the caller in the events of a microphone, the last one first."""
    sound = speak("Good morning! Is there anybody who can hear me? I have been waiting for long.")
    spoken = sound[: int(SPOKEN_SECONDS * 48_000)]
    whole = spoken + bytes(int(SILENCE_SECONDS * 48_000))
    return [whole[start : start + CHUNK_BYTES] for start in range(0, len(whole), CHUNK_BYTES)][::-1]


@contextmanager
def served(backend: str, core: int) -> Generator[tuple[str, int]]:
    """The server, bound to one core: its URL and its process."""
    command = [sys.executable, "-m", "anyrealtime", "serve", "--pace", str(PACE_SECONDS)]
    with subprocess.Popen(
        [*command, "--backend", backend],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            os.sched_setaffinity(process.pid, {core})
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process.pid
            process.send_signal(signal.SIGINT)
            if process.wait(30) != 0:
                raise SystemExit("the server failed")
        finally:
            process.kill()


def cpu_seconds(pid: int) -> float:
    """What a process has burnt, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int) -> int:
    """What a process has held at most."""
    [line] = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return int(line.split()[1]) * 1024


async def all_of_them(url: str, plan: Plan, outcome: Outcome) -> float:
    """Hold all conversations; return how long they took, in seconds."""
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for number in range(plan.sessions):
            tasks.start_soon(Caller(url, plan, outcome, Random(number)).call)
    return anyio.current_time() - began


async def probe(url: str) -> None:
    """Ask for next to nothing again and again until SIGTERM; print how long each answer took."""
    times: list[float] = []

    async def ask(scope: anyio.CancelScope) -> None:
        with scope:
            async with open_realtime(url=url, connect_timeout=60, max_events=0) as connection:
                while True:
                    began = anyio.current_time()
                    await connection.input_audio_buffer.clear(timeout=60)
                    times.append(anyio.current_time() - began)
                    await anyio.sleep(PROBE_SECONDS)

    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            tasks.start_soon(ask, scope)
            await anext(signals)
            scope.cancel()
    print(json.dumps(times), flush=True)


@contextmanager
def probed(url: str, times: list[float]) -> Generator[None]:
    """One more client, in a process that is not busy: what it waits for is the server."""
    command = [sys.executable, __file__, "--probe", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield
            process.terminate()
            times += cast("list[float]", json.loads(process.communicate(timeout=60)[0]))
        finally:
            process.kill()


def facts(
    plan: Plan, outcome: Outcome, bystander: Sequence[float], *, wall: float, cpu: Cpu, memory: int
) -> Mapping[str, object]:
    """All figures of a run. Seconds, bytes, and CPU as a share of the core."""
    return {
        "sessions": plan.sessions,
        "turns": outcome.done,
        "failed": len(outcome.failures),
        "wall": wall,
        "core": cpu.server / wall,
        "clients": cpu.clients / wall,
        "memory_per_session": memory // max(1, plan.sessions),
        "created": percentiles(outcome.created),
        "first": percentiles(outcome.first),
        "late": percentiles(outcome.late),
        "bystander": percentiles(bystander),
    }


def percentiles(values: Sequence[float]) -> Mapping[str, float]:
    """The middle, the bad ones and the worst."""
    if len(values) < 2:
        return {}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": max(values)}


def as_text(found: Mapping[str, object]) -> str:
    """The figures for people, times in milliseconds."""
    core, clients = (100 * cast(float, found[name]) for name in ("core", "clients"))
    memory = cast(int, found["memory_per_session"]) / 1024
    lines = [
        f"{found['sessions']} sessions, {found['turns']} turns, {found['failed']} failed",
        f"server: {core:.0f}% of a core, {memory:.0f} KiB a session; clients: {clients:.0f}%",
        "",
        f"{'ms':26}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}",
    ]
    names = {
        "created": "asked -> response.created",
        "first": "asked -> first delta",
        "late": "delta later than its pace",
        "bystander": "a bystander's command",
    }
    for key, name in names.items():
        values = cast(Mapping[str, float], found[key])
        lines.append(f"{name:26}" + "".join(f"{1000 * value:8.1f}" for value in values.values()))
    return "\n".join(lines)


def main() -> None:
    """Run, print, and fail if any session did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--turns", type=int, default=3, help="of each session")
    parser.add_argument("--open-mic", action="store_true", help="silence is sent, too")
    parser.add_argument("--ramp", type=float, default=12.0, help="seconds in which they all come")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--probe", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.probe:
        anyio.run(probe, cast(str, given.probe))
        return
    plan = Plan(given.sessions, given.turns, given.open_mic, given.ramp)
    backend = cast(Literal["asyncio", "trio"], given.backend)
    cores = sorted(os.sched_getaffinity(0))
    outcome, bystander = Outcome(), list[float]()
    with served(backend, cores[-1]) as (url, pid):
        os.sched_setaffinity(0, {cores[0]})
        before, own = cpu_seconds(pid), cpu_seconds(os.getpid())
        with probed(url, bystander):
            wall = anyio.run(all_of_them, url, plan, outcome)
        cpu = Cpu(cpu_seconds(pid) - before, cpu_seconds(os.getpid()) - own)
        memory = memory_bytes(pid)
    found = facts(plan, outcome, bystander, wall=wall, cpu=cpu, memory=memory)
    print(json.dumps(found) if given.json else as_text(found))
    for failure in sorted(set(outcome.failures)):
        print(failure, file=sys.stderr)
    raise SystemExit(1 if outcome.failures or outcome.done < plan.sessions * plan.turns else 0)


if __name__ == "__main__":
    main()
