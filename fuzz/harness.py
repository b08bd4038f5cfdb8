"""What the fuzzing targets share: how one is run, and how a good frame is made a strange one.

A target is a function of bytes that raises when it finds a mistake. Seeds, and what fuzzing
adds to them, are in `.corpus` beside this file; so is the input of a crash.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

atheris: Any = import_module("atheris")

CORPUS: Final = Path(__file__).parent / ".corpus"
SAMPLES: Final = Path(__file__).parents[1] / "tests" / "events" / "samples"

Tree: TypeAlias = dict[str, object]
Place: TypeAlias = tuple[dict[str, object], str] | tuple[list[object], int]

# What servers and clients put where something else was promised, as JSON.
_ODD: Final = (
    "null", "true", "false", "0", "-1", "1.5", "1e308", "9223372036854775808", '""', '"inf"',
    '"auto"', '"item_1"', '"\\ud800"', '"AAAA"', '"A"', '"[]"', "[]", "[[]]", "{}", '{"type": "message"}',
    '{"type": null}', '{"id": 7}', "[null]", '["audio"]',
)  # fmt: skip


def fuzz(name: str, target: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Run `target` until it fails or libFuzzer's options in the command line say stop."""
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [*sys.argv, f"-artifact_prefix={corpus}.crash-", str(corpus)]
    atheris.Setup(options, target)
    atheris.Fuzz()


def samples(*names: str) -> list[bytes]:
    """The frames in files of the project's own samples."""
    lines: list[str] = []
    for name in names:
        lines += (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [line.encode() for line in lines]


class Choices:
    """Decisions taken from bytes, one after another; the first of each when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def number(self, below: int) -> int:
        """A number from 0 on."""
        return next(self._data, 0) * below // 256

    def rest(self) -> bytes:
        """The bytes that were not used."""
        return bytes(self._data)


def strange(frame: bytes, choices: Choices) -> bytes:
    """`frame` with a few of its values, or its keys, replaced by ones that do not belong there."""
    tree = cast("Tree", json.loads(frame))
    for _ in range(choices.number(4)):
        places = list(_places(tree))
        if not places:
            break
        held, key = places[choices.number(len(places))]
        odd: object = json.loads(_ODD[choices.number(len(_ODD))])
        if choices.number(8) == 0 and isinstance(held, dict):
            del held[cast("str", key)]
        elif isinstance(held, dict):
            held[cast("str", key)] = odd
        else:
            held[cast("int", key)] = odd
    return json.dumps(tree).encode()


def _places(value: object) -> Iterator[Place]:
    """Where something stands in a tree: the container and the key."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        for name, member in members.items():
            yield members, name
            yield from _places(member)
    elif isinstance(value, list):
        entries = cast("list[object]", value)
        for index, entry in enumerate(entries):
            yield entries, index
            yield from _places(entry)
