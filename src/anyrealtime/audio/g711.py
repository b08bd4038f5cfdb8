"""G.711: 16-bit little-endian PCM to mu-law ("audio/pcmu") and A-law ("audio/pcma") and back.

Both laws take a sign, an exponent of three bits and a mantissa of four. They are applied once,
to build tables when first needed (some milliseconds); sound only goes through tables. The rate
is not changed: G.711 on the wire is 8 kHz, and so must be the PCM.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Final

from anyrealtime.audio._samples import Data, to_pcm, to_samples

_BIAS: Final = 33  # makes every mu-law segment begin at a power of two
_MU_LIMIT: Final = 0x1FFF
_STEP: Final = 4  # neither law looks at a sample's last two bits


def encode_pcmu(pcm: Data) -> bytes:
    """Return PCM as mu-law, a byte a sample.

    Raises:
        ConfigurationError: `pcm` ends within a sample.
    """
    return _encode(pcm, _mu_code)


def decode_pcmu(data: Data) -> bytes:
    """Return mu-law as PCM."""
    return _decode(data, _mu_sample)


def encode_pcma(pcm: Data) -> bytes:
    """Return PCM as A-law, a byte a sample.

    Raises:
        ConfigurationError: `pcm` ends within a sample.
    """
    return _encode(pcm, _a_code)


def decode_pcma(data: Data) -> bytes:
    """Return A-law as PCM."""
    return _decode(data, _a_sample)


def _encode(pcm: Data, law: Callable[[int], int]) -> bytes:
    return bytes(map(_codes(law).__getitem__, to_samples(pcm)))


def _decode(data: Data, law: Callable[[int], int]) -> bytes:
    low, high = _samples(law)
    coded = bytes(data)
    pcm = bytearray(2 * len(coded))
    pcm[0::2] = coded.translate(low)
    pcm[1::2] = coded.translate(high)
    return bytes(pcm)


@cache
def _codes(law: Callable[[int], int]) -> bytes:
    """The code of every sample; a negative sample finds its own counted from the end."""
    samples = chain(range(0, 0x8000, _STEP), range(-0x8000, 0, _STEP))
    codes = bytes(map(law, samples))
    table = bytearray(0x10000)
    for rest in range(_STEP):
        table[rest::_STEP] = codes
    return bytes(table)


@cache
def _samples(law: Callable[[int], int]) -> tuple[bytes, bytes]:
    """The low and the high byte of the sample of every code."""
    pcm = to_pcm(map(law, range(0x100)))
    return pcm[0::2], pcm[1::2]


def _mu_code(sample: int) -> int:
    # Cut to 14 bits before the sign is taken, as Sun's reference and CPython's audioop do. ITU's
    # sample code (G.191) takes the sign first: 508 of the 65,536 values get the code beside.
    size = sample >> 2
    biased = min(abs(size) + _BIAS, _MU_LIMIT)
    exponent = biased.bit_length() - 6
    code = exponent << 4 | biased >> (exponent + 1) & 0x0F
    return code ^ (0xFF if size >= 0 else 0x7F)


def _mu_sample(code: int) -> int:
    code ^= 0xFF
    size = ((code & 0x0F) * 2 + _BIAS << (code >> 4 & 7)) - _BIAS
    return -4 * size if code & 0x80 else 4 * size


def _a_code(sample: int) -> int:
    size = sample >> 3 if sample >= 0 else ~sample >> 3
    exponent = max(size.bit_length() - 5, 0)
    code = exponent << 4 | size >> max(exponent, 1) & 0x0F
    return code ^ (0xD5 if sample >= 0 else 0x55)


def _a_sample(code: int) -> int:
    code ^= 0x55
    exponent = code >> 4 & 7
    size = (code & 0x0F) * 2 + 1 + (32 if exponent else 0) << max(exponent - 1, 0)
    return 8 * size if code & 0x80 else -8 * size
