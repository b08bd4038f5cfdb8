"""Installs what others wrote, by name, from PyPI and npm, into `.cache` beside this file.

Nothing of theirs is committed or imported here. Each set of packages has a directory of its
own, made once; what an installation leaves half done is thrown away by the next one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

CACHE: Final = Path(__file__).parent / ".cache"
INSTALL_SECONDS: Final = 400.0
_DONE: Final = ".complete"
_UNAVAILABLE: Final[dict[Path, str]] = {}
"""What could not be made in this run, and why: every test asks, one tries."""


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment that has these packages; skips where pip cannot make it."""

    def make(place: Path) -> None:
        _run(sys.executable, "-m", "venv", str(place))
        _run(str(_interpreter(place)), "-m", "pip", "install", "--quiet", *requirements)

    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return _interpreter(_installed([version, *requirements], make))


def node_modules_with(*packages: str) -> Path:
    """A directory whose `node_modules` has these packages; skips where npm cannot make it."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")

    def make(place: Path) -> None:
        place.mkdir()
        _run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), *packages)

    return _installed(["node", *packages], make)


def patched_copy(source: Path, name: str, file: str, old: str, new: str) -> Path:
    """A copy of `source` called `name`, where `old` reads `new` in the file with that path."""

    def make(place: Path) -> None:
        shutil.copytree(source, place, symlinks=True, ignore=shutil.ignore_patterns(_DONE))
        target = place / file
        text = target.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{target} is not what the patch is for"
        target.write_text(text.replace(old, new), encoding="utf-8")

    return _installed([source.name, name], make)


def _installed(names: Sequence[str], make: Callable[[Path], None]) -> Path:
    place = CACHE / re.sub(r"[^\w.=]+", "-", "-".join(names))
    if place in _UNAVAILABLE:
        pytest.skip(_UNAVAILABLE[place])
    if not (place / _DONE).exists():
        shutil.rmtree(place, ignore_errors=True)
        CACHE.mkdir(exist_ok=True)
        try:
            make(place)
        except pytest.skip.Exception as reason:
            _UNAVAILABLE[place] = str(reason)
            raise
        (place / _DONE).touch()
    return place


def _interpreter(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"not done within {INSTALL_SECONDS:g} s: {' '.join(command)}")
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip().splitlines() or ["nothing was said"]
        pytest.skip(f"cannot install: {' '.join(command)}: {said[-1]}")
