"""The pytest plugin, in runs of pytest of its own: with each plugin for async tests, with none."""

from __future__ import annotations

import pytest

TESTS = """
import socket

from anyrealtime import open_realtime
from anyrealtime.events import ConversationItemCreate


def script(request):
    return f"You said: {request.text}"


@MARK
@pytest.mark.realtime(model=script)
async def test_over_the_network(realtime_simulator):
    async with open_realtime(url=realtime_simulator.url, proxy=False) as connection:
        assert await connection.ask("Hello!") == "You said: Hello!"
        created = await realtime_simulator.connections[0].wait_received(ConversationItemCreate)
        assert created.item.content[0].text == "Hello!"


@MARK
@pytest.mark.realtime(model=script)
async def test_in_memory(memory_realtime, realtime_recorder):
    async with (
        memory_realtime() as simulator,
        open_realtime(transport=simulator.connect(), tap=realtime_recorder) as connection,
    ):
        assert await connection.ask("Hello!") == "You said: Hello!"
    assert "You said:" in realtime_recorder.path.read_text()


def test_without_a_loop(realtime_simulator):
    with socket.create_connection(("127.0.0.1", realtime_simulator.port)):
        assert realtime_simulator.url.startswith("ws://127.0.0.1:")
"""

RUNNERS: dict[str, tuple[str, list[str], int]] = {
    "anyio": ("@pytest.mark.anyio", [], 5),
    "anyio-auto": ("", ["-o", "anyio_mode=auto"], 5),
    "asyncio-strict": ("@pytest.mark.asyncio", [], 3),
    "asyncio-auto": ("", ["-o", "asyncio_mode=auto"], 3),
    "trio": ("@pytest.mark.trio", [], 3),
    "trio-mode": ("", ["-o", "trio_mode=true"], 3),
}


@pytest.mark.parametrize("runner", RUNNERS)
def test_async_tests_of_every_kind(pytester: pytest.Pytester, runner: str) -> None:
    mark, options, passed = RUNNERS[runner]
    pytester.makepyfile("import pytest\n" + TESTS.replace("@MARK", mark))
    result = pytester.runpytest_subprocess("--strict-markers", *options)
    result.assert_outcomes(passed=passed)


def test_a_failure_of_the_simulator_is_the_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from anyrealtime import ResponseFailed, open_realtime

        pytestmark = [pytest.mark.anyio, pytest.mark.realtime(model=lambda request: 1 / 0)]

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def drive(connection):
            with pytest.raises(ResponseFailed):
                await connection.ask("?")

        async def test_alone(realtime_simulator):
            async with open_realtime(url=realtime_simulator.url, proxy=False) as connection:
                await drive(connection)

        async def test_with_the_tests_own(realtime_simulator):
            async with open_realtime(url=realtime_simulator.url, proxy=False) as connection:
                await drive(connection)
            raise KeyError("the test's own")

        async def test_in_memory(memory_realtime):
            async with (
                memory_realtime() as simulator,
                open_realtime(transport=simulator.connect()) as connection,
            ):
                await drive(connection)

        async def test_expected(realtime_simulator):
            async with open_realtime(url=realtime_simulator.url, proxy=False) as connection:
                await drive(connection)
            with pytest.raises(ZeroDivisionError):
                realtime_simulator.check()
    """)
    result = pytester.runpytest_subprocess("-rA")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "E   ZeroDivisionError: division by zero",
            'E       KeyError: "the test\'s own"',
            "E       also, in the simulator:",
            "E       ZeroDivisionError: division by zero",
            "E   ZeroDivisionError: division by zero",
            "PASSED *::test_expected",
        ]
    )


def test_a_script_has_to_be_played_to_its_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from anyrealtime import open_realtime
        from anyrealtime.simulator import Scripted

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.parametrize("turns", [1, 2])
        async def test_over_the_network(realtime_simulator, turns):
            realtime_simulator.model = Scripted(["Hello!"] * turns)
            async with open_realtime(url=realtime_simulator.url, proxy=False) as connection:
                await connection.ask("?")

        @pytest.mark.parametrize("turns", [1, 2])
        async def test_in_memory(memory_realtime, turns):
            async with (
                memory_realtime(model=Scripted(["Hello!"] * turns)) as simulator,
                open_realtime(transport=simulator.connect()) as connection,
            ):
                await connection.ask("?")
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["E *ScriptMismatch: 1 of 2 turns were not asked for:"] * 2)


def test_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        pytestmark = pytest.mark.realtime(model=lambda _: "module", pace=0.5)

        def test_of_the_module(realtime_simulator):
            assert realtime_simulator.model(None) == "module"

        @pytest.mark.realtime(model=lambda _: "test")
        def test_the_closest_counts(realtime_simulator):
            assert realtime_simulator.model(None) == "test"

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_what_is_passed_counts_most(memory_realtime):
            async with memory_realtime() as simulator:
                assert simulator.model(None) == "module"
            async with memory_realtime(model=lambda _: "passed") as simulator:
                assert simulator.model(None) == "passed"

        @pytest.mark.realtime(modle=1)
        def test_misspelt(realtime_simulator):
            pass

        @pytest.mark.realtime("model", 1)
        def test_not_by_name(realtime_simulator):
            pass
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        ["*'modle' is no option here; the options are model, *", "*takes options by name*"]
    )


def test_the_report_lists_what_was_recorded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import anyio
        from anyrealtime import open_realtime

        async def ask(url, recorder):
            async with open_realtime(url=url, tap=recorder, proxy=False) as connection:
                await connection.ask("Hello!")

        def test_good(realtime_simulator, realtime_recorder):
            anyio.run(ask, realtime_simulator.url, realtime_recorder)

        def test_bad(realtime_simulator, realtime_recorder):
            anyio.run(ask, realtime_simulator.url, realtime_recorder)
            assert not "well"
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*realtime recording*",
            "*test_bad0/realtime.jsonl",
            "* received session.created",
            "* sent     response.create",
            "* closed   1000 by the client",
        ]
    )
    result.stdout.no_fnmatch_line("*test_good0/realtime.jsonl")


def test_nothing_is_imported_before_it_is_needed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_without():
            assert "anyrealtime" not in sys.modules

        def test_with(realtime_simulator):
            assert "anyrealtime.simulator" in sys.modules
    """)
    others = [option for name in ("anyio", "asyncio", "trio") for option in ("-p", f"no:{name}")]
    pytester.runpytest_subprocess(*others, "-W", "error").assert_outcomes(passed=2)


def test_it_tells_of_itself_and_goes_when_told(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.realtime(*"])
    shown = pytester.runpytest_subprocess("--fixtures").stdout
    shown.fnmatch_lines(["memory_realtime -- *"])
    shown.fnmatch_lines(["realtime_simulator -- *"])
    shown.fnmatch_lines(["realtime_recorder -- *"])
    without = pytester.runpytest_subprocess("--markers", "-p", "no:anyrealtime").stdout
    without.no_fnmatch_line("@pytest.mark.realtime*")
