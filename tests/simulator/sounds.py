"""Sound for the tests of turn detection: 24 kHz PCM, the same every time."""

from __future__ import annotations

import math
import random
import struct

SAMPLES_PER_MS = 24


def silence(ms: int) -> bytes:
    """Nothing at all."""
    return bytes(2 * SAMPLES_PER_MS * ms)


def tone(ms: int, *, loud: int = 6_000, hz: float = 220.0) -> bytes:
    """A tone; its mean level is 64% of `loud`."""
    turn = 2 * math.pi * hz / (1000 * SAMPLES_PER_MS)
    return _pcm([round(loud * math.sin(turn * place)) for place in range(SAMPLES_PER_MS * ms)])


def noise(ms: int, *, loud: int, seed: int = 1) -> bytes:
    """White noise; its mean level is half of `loud`."""
    chance = random.Random(seed)
    return _pcm([chance.randint(-loud, loud) for _ in range(SAMPLES_PER_MS * ms)])


def mixed(first: bytes, second: bytes) -> bytes:
    """Both at once; the shorter one ends in silence."""
    size = max(len(first), len(second))
    pairs = zip(
        _samples(first.ljust(size, b"\0")), _samples(second.ljust(size, b"\0")), strict=True
    )
    return _pcm([max(-32_768, min(32_767, one + other)) for one, other in pairs])


def _samples(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def _pcm(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)
