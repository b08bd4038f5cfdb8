"""PCM bytes as numbers and back: the one place that knows this machine's byte order."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from typing import TypeAlias

from anyrealtime.errors import ConfigurationError

Data: TypeAlias = bytes | bytearray | memoryview


def to_samples(pcm: Data) -> array[int]:
    """The samples of 16-bit little-endian PCM.

    Raises:
        ConfigurationError: the last one is cut.
    """
    data = bytes(pcm)
    if len(data) % 2:
        raise ConfigurationError(f"pcm: {len(data)} bytes end within a sample")
    return _swapped_if_big(array("h", data))


def to_pcm(samples: Iterable[int]) -> bytes:
    """`samples` as 16-bit little-endian PCM."""
    return _swapped_if_big(array("h", samples)).tobytes()


def _swapped_if_big(samples: array[int]) -> array[int]:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples
