"""What a slow tool costs everybody else: responses that go on while two tools take their time.

    python benchmarks/bench_tools.py --seconds 10 [--backend trio] [--transport trio-websocket]

One tool blocks its thread for that long, another sleeps, a third answers at once; meanwhile the
connection is asked for small responses beside, and gives a silent server up after 1.5 s. Fails if
a tool was not answered in its time, or one of those responses took a tenth of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Literal, cast

import anyio

from anyrealtime import Connection, open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator
from anyrealtime.tools import Tool, ToolCallFinished, tool

__all__ = ["main"]

ASKED = 'Call block thread and sleep and answer with name "x"'
PAUSE = 0.05  # seconds between two of the small responses


class Meanwhile:
    """What happens beside the calls: when each is answered, and how long responses take."""

    def __init__(self) -> None:
        self.answered: dict[str, float] = {}
        self.waits: list[float] = []
        self._began = time.perf_counter()

    async def note_calls(self, connection: Connection) -> None:
        """Write down when each call is answered."""
        self._began = time.perf_counter()
        async with connection.subscribe(ToolCallFinished) as finished:
            async for call in finished:
                self.answered[call.name or ""] = time.perf_counter() - self._began

    async def ask(self, connection: Connection) -> None:
        """Ask for one small response after the other."""
        while True:
            began = time.perf_counter()
            async with connection.respond(conversation="none", input="hi") as response:
                await response.result()
            self.waits.append(time.perf_counter() - began)
            await anyio.sleep(PAUSE)


def tools_of(seconds: float) -> list[Tool[..., Any]]:
    """Three tools: one blocks a thread, one sleeps, one does neither."""

    @tool
    def block_thread(name: str) -> str:
        """Block a thread."""
        time.sleep(seconds)
        return name

    @tool
    async def sleep(name: str) -> str:
        """Sleep."""
        await anyio.sleep(seconds)
        return name

    @tool
    async def answer(name: str) -> str:
        """Answer at once."""
        return name

    return [block_thread, sleep, answer]


async def measure(seconds: float, transport: Literal["anyio", "trio-websocket"]) -> int:
    """Run, print, and return how many promises were not kept."""
    meanwhile = Meanwhile()
    async with (
        open_simulator() as simulator,
        open_realtime(
            url=simulator.url,
            session=Session(output_modalities=["text"]),
            tools=tools_of(seconds),
            transport=transport,
            ping_interval=0.5,
            ping_timeout=1.0,
        ) as connection,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(meanwhile.note_calls, connection)
        tasks.start_soon(meanwhile.ask, connection)
        await connection.ask(ASKED)
        tasks.cancel_scope.cancel()
    for name, at in meanwhile.answered.items():
        print(f"{name:14} answered after {at:5.2f} s")
    slowest = max(meanwhile.waits)
    print(f"{len(meanwhile.waits)} other responses meanwhile, the slowest {1e3 * slowest:.0f} ms")
    late = [name for name, at in meanwhile.answered.items() if at > 1.1 * seconds]
    missing = {"block_thread", "sleep", "answer"} - set(meanwhile.answered)
    quick = meanwhile.answered.get("answer", seconds) < seconds / 10
    return len(late) + len(missing) + (not quick) + (slowest > seconds / 10)


def main() -> None:
    """Measure, and fail where somebody had to wait."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long the slow tools take")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    parser.add_argument("--transport", choices=["anyio", "trio-websocket"], default="anyio")
    given = parser.parse_args()
    transport = cast("Literal['anyio', 'trio-websocket']", given.transport)
    missed = anyio.run(
        measure, cast(float, given.seconds), transport, backend=cast(str, given.backend)
    )
    if missed:
        print(f"FAILED: {missed} promises were not kept", file=sys.stderr)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
