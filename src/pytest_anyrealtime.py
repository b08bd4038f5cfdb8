"""The pytest plugin: fixtures by which a test has a Realtime server.

Pytest loads it in every run of whoever has anyrealtime installed, before coverage begins to
measure. So it stands beside the package and imports it only in the fixtures; what they give is
made in `anyrealtime.testing`. The fixtures are sync ones: they serve tests of every kind
(AnyIO's, pytest-asyncio's, pytest-trio's, those without a loop) alike.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import pytest

if TYPE_CHECKING:
    from anyrealtime.simulator import Model, SimulatorOptions
    from anyrealtime.testing import MemoryRealtime, MemorySimulator, Recorder, ThreadedSimulator

_RECORDER = pytest.StashKey["Recorder"]()
_SIMULATOR = pytest.StashKey["ThreadedSimulator"]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "realtime(**options): options of the simulators that realtime_simulator and "
        "memory_realtime open for this test; see anyrealtime.simulator.open_simulator",
    )


@pytest.fixture
def realtime_simulator(request: pytest.FixtureRequest) -> Iterator[ThreadedSimulator]:
    """A Realtime server on a loopback port, in a thread of its own.

    Point a client at its `url` (or, for SDKs, `base_url`); look at its `connections`; set its
    `model`. What goes wrong in it fails the test.
    """
    from anyrealtime.testing import open_threaded_simulator

    with open_threaded_simulator(**_options(request.node)) as simulator:
        request.node.stash[_SIMULATOR] = simulator
        yield simulator


@pytest.fixture
def memory_realtime(request: pytest.FixtureRequest) -> MemoryRealtime:
    """Opens a simulator without sockets, in the test's own event loop.

    `async with memory_realtime() as simulator`, then give `simulator.connect()` to
    `open_realtime(transport=...)`.
    """
    from anyrealtime.testing import open_memory_simulator

    marked = _options(request.node)

    @asynccontextmanager
    async def open_marked(
        **options: Unpack[SimulatorOptions],
    ) -> AsyncGenerator[MemorySimulator, None]:
        async with open_memory_simulator(**(marked | options)) as simulator:
            yield simulator
        _check_finished(simulator.model)

    return open_marked


@pytest.fixture
def realtime_recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recorder]:
    """Records connections that are opened with `open_realtime(tap=realtime_recorder)`.

    The file (its `path`) is below `tmp_path`, without keys, and can be replayed. The report of
    a test that fails lists what crossed.
    """
    from anyrealtime.testing import record_to

    with record_to(tmp_path / "realtime.jsonl") as recorder:
        request.node.stash[_RECORDER] = recorder
        yield recorder


def _options(node: pytest.Item) -> SimulatorOptions:
    """What the markers say; the one that is closest to the test has the last word."""
    options: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("realtime"))):
        if mark.args:
            raise pytest.UsageError("pytest.mark.realtime takes options by name, as model=...")
        options |= mark.kwargs
    return cast("SimulatorOptions", options)


def _check_finished(model: Model) -> None:
    """Let a script that was not played to its end fail the test."""
    from anyrealtime.simulator import Scripted

    if isinstance(model, Scripted):
        model.check_finished()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a failure of the simulator be the test's, not its teardown's; list the recording."""
    simulator = item.stash.get(_SIMULATOR, None)
    recorder = item.stash.get(_RECORDER, None)
    try:
        result = yield
        if simulator is not None:
            simulator.check()
            _check_finished(simulator.model)
    except BaseException as error:
        if simulator is not None:
            simulator.explain(error)
        if recorder is not None:
            from anyrealtime.testing._listing import listing

            item.add_report_section("call", "realtime recording", listing(recorder.path))
        raise
    return result
