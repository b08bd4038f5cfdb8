"""Where an event holds audio, for those who write events down and read them again.

Works on events as JSON: a recording may hold what no class could read. What stands for audio
that was left out is said here, once for the writer and the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias, cast

Json: TypeAlias = dict[str, object]

_ELIDED: Final = "$audio"


def audio_fields(event: Json) -> Iterator[tuple[Json, str]]:
    """Every object in an event that holds audio, as base64 or left out, and the key it is under."""
    kind = event.get("type")
    if isinstance(kind, str) and kind.endswith("audio.delta") and _is_audio(event.get("delta")):
        yield event, "delta"
    for part in _objects(event):
        if _is_audio(part.get("audio")):
            yield part, "audio"


def elided(n_bytes: int, sha256: str | None = None) -> Json:
    """What is written in the place of so many bytes of audio, with their hash or without."""
    return {_ELIDED: {"bytes": n_bytes} if sha256 is None else {"bytes": n_bytes, "sha256": sha256}}


def elided_bytes(value: object) -> int | None:
    """How many bytes of audio a value stands for; None if it is no such stand-in."""
    inner = cast("Json", value).get(_ELIDED) if isinstance(value, dict) else None
    n_bytes = cast("Json", inner).get("bytes") if isinstance(inner, dict) else None
    return n_bytes if isinstance(n_bytes, int) and n_bytes >= 0 else None


def _is_audio(value: object) -> bool:
    return isinstance(value, str) or elided_bytes(value) is not None


def _objects(value: object) -> Iterator[Json]:
    """Every JSON object in a value, from the outside in."""
    if isinstance(value, dict):
        tree = cast("Json", value)
        yield tree
        for inner in tree.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _objects(inner)
