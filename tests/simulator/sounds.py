"""Sound for the tests of turn detection: 24 kHz PCM, the same every time."""

from __future__ import annotations

import math
import random
import struct
from functools import cache

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


# A voice, near enough for detectors that know voices: pulses of air through three resonances.
_VOWELS = (
    (730, 1_090, 2_440),
    (270, 2_290, 3_010),
    (300, 870, 2_240),
    (530, 1_840, 2_480),
    (570, 840, 2_410),
)
_BANDWIDTHS = (80, 90, 120)


@cache
def voice(syllables: int, seed: int = 3) -> bytes:
    """Say nonsense: a hiss and a vowel a syllable, some 220 ms each."""
    chance = random.Random(seed)
    said: list[float] = []
    for syllable in range(syllables):
        said += [chance.gauss(0, 900) for _ in range(40 * SAMPLES_PER_MS)]
        said += _vowel(syllable, chance.randint(110, 190), chance.randint(105, 140))
        said += [0.0] * (30 * SAMPLES_PER_MS)
    return _pcm([max(-32_768, min(32_767, round(sample))) for sample in said])


def _vowel(which: int, ms: int, pitch_hz: int) -> list[float]:
    size = ms * SAMPLES_PER_MS
    air = [0.0] * size
    at, pulse = 0.0, 0
    while at < size:
        air[int(at)] = 1.0
        at += 24_000 / (pitch_hz * (1 + 0.06 * math.sin(pulse / 5)))
        pulse += 1
    for hz, bandwidth in zip(_VOWELS[which % len(_VOWELS)], _BANDWIDTHS, strict=True):
        air = _resonance(air, hz, bandwidth)
    loudest = max(map(abs, air))
    edge = 20 * SAMPLES_PER_MS
    return [
        9_000 * sample / loudest * min(1, place / edge, (size - place) / edge)
        for place, sample in enumerate(air)
    ]


def _resonance(air: list[float], hz: int, bandwidth_hz: int) -> list[float]:
    radius = math.exp(-math.pi * bandwidth_hz / 24_000)
    first = 2 * radius * math.cos(2 * math.pi * hz / 24_000)
    second = -radius * radius
    before = last = 0.0
    heard: list[float] = []
    for sample in air:
        before, last = last, (1 - first - second) * sample + first * last + second * before
        heard.append(last)
    return heard
