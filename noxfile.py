"""The project's checks, each in an environment of its own.

`nox` runs lint, types and tests. The others: `pythons` (every supported Python, oldest and
newest dependencies), `examples`, `interop` (real counterparts), `fuzz`, `bench`, `build`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "venv"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
ROOT = Path(__file__).parent
# All of them, but for branches that depend on timing; CONTRIBUTING.md lists the gaps.
FULLY_COVERED = ("audio", "events", "_protocol", "_transport", "tools")

# flake8-async reads no configuration file. What is left out: timeouts are arguments, as in AnyIO
# itself (109); the simulator's models are async generators (900); checkpoints that do not schedule
# are not seen (910 to 913), and both backends test them.
ASYNC_RULES = ["--anyio", "--disable=ASYNC109,ASYNC900,ASYNC910,ASYNC911,ASYNC912,ASYNC913"]


def dependencies(group: str) -> list[str]:
    """The packages of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, group))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, async rules, and who may import whom."""
    session.install("-e", ".", *dependencies("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("flake8-async", *ASYNC_RULES, *map(str, sorted(ROOT.glob("src/**/*.py"))))
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Both type checkers, strict, and the completeness of the public types."""
    session.install("-e", ".[cli,socks]", *dependencies("types"))
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "anyrealtime", "--ignoreexternal")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite on both backends, with branch coverage."""
    session.install("-e", ".[cli,socks,vad]", *dependencies("tests"))
    session.run("coverage", "erase")
    # Two at a time: most tests wait for something. A file's tests stay in order, in one process.
    session.run(
        "coverage", "run", "-m", "pytest", "-n", "2", "--dist", "loadfile", *session.posargs
    )
    session.run("coverage", "combine", "--quiet")
    if not session.posargs:
        session.run("coverage", "report")
        for room in FULLY_COVERED:
            session.run(
                "coverage", "report", f"--include=src/anyrealtime/{room}/*", "--fail-under=99"
            )


@nox.session(python=PYTHONS)
@nox.parametrize("resolution", ["lowest", "newest"])
def pythons(session: nox.Session, resolution: str) -> None:
    """The suite on every supported Python, with the oldest and the newest dependencies."""
    session.install("-e", ".[cli,socks,vad]", *dependencies("tests"))
    if resolution == "lowest":
        floors = [name.replace(">=", "==") for name in PROJECT["project"]["dependencies"]]
        session.install(*floors)
    session.run("pytest", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Every example against the simulator, on both backends."""
    session.install("-e", ".[cli]", *dependencies("tests"))
    session.run("pytest", "tests/examples", "examples", *session.posargs)


@nox.session
def interop(session: nox.Session) -> None:
    """Clients, servers and a conformance suite that others wrote; docs/interop.md's table."""
    session.install("-e", ".", *dependencies("tests"))
    session.run("pytest", "interop", *(session.posargs or ["--write-table"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Coverage-guided fuzzing of the codec, the frame reader and the simulator, a minute each."""
    session.install("-e", ".", *dependencies("fuzz"))
    for target in sorted((ROOT / "fuzz").glob("fuzz_*.py")):
        session.run("python", "-m", f"fuzz.{target.stem}", "-max_total_time=60", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The tables of README and docs/benchmarks.md, against the peers, in one environment."""
    session.install("-e", ".[cli]", *dependencies("bench"))
    install = ["--install-node"] if shutil.which("npm") else []
    session.run("python", "benchmarks/bench_receive.py", *install, *session.posargs)
    session.run("python", "benchmarks/bench_receive.py", "--mix", "small", *session.posargs)
    session.run("python", "benchmarks/bench_receive.py", "--tls", *session.posargs)
    session.run("python", "benchmarks/bench_send.py")
    session.run("python", "benchmarks/bench_import.py")
    session.run("python", "benchmarks/bench_sessions.py")
    session.run("python", "benchmarks/bench_turns.py")
    session.run("python", "benchmarks/bench_tools.py")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and run the suite against it, away from the sources."""
    session.install("build", *dependencies("tests"))
    dist = Path(session.virtualenv.location) / "dist"  # not create_tmp: it moves TMPDIR in here
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist))
    (wheel,) = dist.glob("*.whl")
    session.install(f"{wheel}[cli,socks,vad]")
    session.run("python", "-P", "-m", "pytest", *session.posargs)
