"""Frames for the tests of this room: the project's own samples, and how to compare trees.

The folder beside the repository that holds the protocol's tables and recordings is only
named here; every test that needs it is skipped where it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias, TypeGuard, cast

import msgspec
import pytest

from anyrealtime.events import ClientEvent, ServerEvent, UnknownObject

Tree: TypeAlias = dict[str, object]

SAMPLES = Path(__file__).parent / "samples"
PROTOCOL = Path(__file__).parents[3] / "shared" / "protocol"

needs_protocol = pytest.mark.skipif(not PROTOCOL.is_dir(), reason="needs ../shared/protocol")


def sample_frames(name: str) -> list[Tree]:
    """The frames of one file of samples."""
    lines = (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [cast("Tree", json.loads(line)) for line in lines]


def load(path: Path) -> Tree:
    """One JSON object."""
    return cast("Tree", json.loads(path.read_text(encoding="utf-8")))


def frame(tree: object) -> bytes:
    """What a peer would send for `tree`."""
    return json.dumps(tree).encode()


def is_struct(value: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether something a module exports is one of its classes."""
    return isinstance(value, type) and issubclass(value, msgspec.Struct)


def parts(value: object) -> Iterator[object]:
    """An event and everything in it."""
    yield value
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from parts(getattr(value, name))
    elif isinstance(value, list | dict):
        held = cast("dict[str, object] | list[object]", value)
        for part in held.values() if isinstance(held, dict) else held:
            yield from parts(part)


def structs(event: object) -> Iterator[msgspec.Struct]:
    """An event and every struct in it."""
    return (part for part in parts(event) if isinstance(part, msgspec.Struct))


def unknown_objects(event: object) -> Iterator[UnknownObject]:
    """Every object in an event that no class could read."""
    return (part for part in parts(event) if isinstance(part, UnknownObject))


def lost(sent: Tree, event: ClientEvent | ServerEvent, again: Tree) -> list[str]:
    """Where `again`, which `event` was written as, does not say what `sent` said.

    Only what the classes know counts; a null may be left away where the class does so.
    """
    return list(_lost(sent, event, again, ""))


def _lost(sent: object, read: object, again: object, path: str) -> Iterator[str]:
    if isinstance(read, msgspec.Struct) and isinstance(sent, dict) and isinstance(again, dict):
        yield from _lost_fields(cast("Tree", sent), read, cast("Tree", again), path)
    elif isinstance(read, list) and isinstance(sent, list) and isinstance(again, list):
        rows = zip(
            cast("list[object]", sent),
            cast("list[object]", read),
            cast("list[object]", again),
            strict=True,
        )
        for one_sent, one_read, one_again in rows:
            yield from _lost(one_sent, one_read, one_again, f"{path}[]")
    elif isinstance(read, dict) and isinstance(sent, dict) and isinstance(again, dict):
        held, told = cast("Tree", cast("object", read)), cast("Tree", again)
        for key, value in cast("Tree", sent).items():
            yield from _lost(value, held[key], told[key], f"{path}.{key}")
    elif sent != again:
        yield f"{path}: {sent!r:.40} became {again!r:.40}"


def _lost_fields(sent: Tree, read: msgspec.Struct, again: Tree, path: str) -> Iterator[str]:
    for name in (*read.__struct_fields__, *(["type"] if read.__struct_config__.tag else [])):
        if name not in sent:
            continue
        if name in again:
            yield from _lost(sent[name], getattr(read, name), again[name], f"{path}.{name}")
        elif sent[name] is not None or not read.__struct_config__.omit_defaults:
            yield f"{path}.{name}: {sent[name]!r:.40} lost"
