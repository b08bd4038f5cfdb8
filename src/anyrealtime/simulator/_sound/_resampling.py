"""Sound at another rate: by soxr where it is installed, otherwise by straight lines. Pure.

Straight lines fold what is above half of the lower rate back into what is heard; for speech
that is a hiss, and good enough for whoever did not install the extra `audio`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from anyrealtime.audio._samples import to_pcm, to_samples


def resampled(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """Return 16-bit little-endian mono PCM of `from_hz` at `to_hz`."""
    if from_hz == to_hz:
        return pcm
    if find_spec("soxr") is not None:
        return _by_soxr(pcm, from_hz, to_hz)
    return _by_lines(pcm, from_hz, to_hz)


def _by_soxr(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    numpy, soxr = import_module("numpy"), import_module("soxr")
    samples = numpy.frombuffer(pcm, dtype="<i2")
    converted: bytes = soxr.resample(samples, from_hz, to_hz).astype("<i2").tobytes()
    return converted


def _by_lines(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    samples = to_samples(pcm)
    if not samples:
        return b""
    last = len(samples) - 1
    return to_pcm(
        _between(samples[at // to_hz], samples[min(at // to_hz + 1, last)], at % to_hz, to_hz)
        for at in range(0, len(samples) * to_hz, from_hz)
    )


def _between(here: int, there: int, part: int, whole: int) -> int:
    return here + (there - here) * part // whole
