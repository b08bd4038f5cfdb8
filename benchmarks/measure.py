"""A peer's side of the bargain: where to dial, when the clock runs, and the one line it reports.

Runs inside the process that is measured, so it imports next to nothing. CPU is the process's
own (user and system, all threads, no children); what the server and the harness burn is not in it.
"""

from __future__ import annotations

import argparse
import json
import resource
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeAlias, cast

__all__ = ["Job", "Meter", "Runner", "Sample", "peer_main"]


@dataclass(frozen=True, slots=True)
class Job:
    """What a peer is told to do.

    Attributes:
        url: up to and with `/v1`, scheme ws or wss.
        authority: the PEM file that vouches for the server; "" without TLS.
        events: how many are measured.
        warmup: how many come first and are not.
        interval: seconds between two sends; 0 is as fast as possible.
        seconds: of CPU that a sample of receiving takes at least.
    """

    url: str
    authority: str
    events: int
    warmup: int
    interval: float
    seconds: float

    @property
    def endpoint(self) -> str:
        """The whole address of the session."""
        return f"{self.url}/realtime?model=gpt-realtime"

    @property
    def tls(self) -> ssl.SSLContext | None:
        """A client's context that trusts the server, or None without TLS."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured run: events seen, and seconds of CPU and of wall clock between its ends."""

    events: int
    cpu: float
    wall: float


class Meter:
    """The two ends of what is measured.

    Attributes:
        least_seconds: of CPU that a sample should take.
    """

    def __init__(self, least_seconds: float) -> None:
        self.least_seconds = least_seconds
        self._cpu = self._wall = 0.0
        self.sample: Sample | None = None

    def start(self) -> None:
        """The warm-up is over."""
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    @property
    def lasted(self) -> bool:
        """Whether the sample has taken as much CPU as it should."""
        return _cpu_seconds() - self._cpu >= self.least_seconds

    def stop(self, events: int) -> None:
        """The last event was seen; `events` were counted since the start."""
        cpu, wall = _cpu_seconds() - self._cpu, time.perf_counter() - self._wall
        self.sample = Sample(events, cpu, wall)


Runner: TypeAlias = Callable[[Job, Meter], None]


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peer_main(runners: Mapping[str, Runner]) -> None:
    """Run the peer named on the command line and print its sample as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=sorted(runners))
    parser.add_argument("--url", required=True)
    parser.add_argument("--authority", default="")
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--interval", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    given = parser.parse_args()
    job = Job(
        url=cast(str, given.url),
        authority=cast(str, given.authority),
        events=cast(int, given.events),
        warmup=cast(int, given.warmup),
        interval=cast(float, given.interval),
        seconds=cast(float, given.seconds),
    )
    meter = Meter(job.seconds)
    runners[cast(str, given.peer)](job, meter)
    if meter.sample is None:
        raise SystemExit("the peer ended before its last event")
    print(json.dumps(asdict(meter.sample)), flush=True)
