"""G.711, compared with what telephones and CPython's audioop make of every value."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.audio import decode_pcma, decode_pcmu, encode_pcma, encode_pcmu
from anyrealtime.errors import ConfigurationError

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = struct.pack("<65536h", *range(-32_768, 32_768))
LAWS = pytest.mark.parametrize(
    ("encode", "decode"), [(encode_pcmu, decode_pcmu), (encode_pcma, decode_pcma)]
)

Coder = Callable[[bytes | bytearray | memoryview], bytes]


def numbers(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def test_every_value_is_audioops() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop", reason="Python 3.13 removed it")
    assert encode_pcmu(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE, 2)
    assert encode_pcma(EVERY_SAMPLE) == audioop.lin2alaw(EVERY_SAMPLE, 2)
    assert decode_pcmu(EVERY_CODE) == audioop.ulaw2lin(EVERY_CODE, 2)
    assert decode_pcma(EVERY_CODE) == audioop.alaw2lin(EVERY_CODE, 2)


def test_every_value_on_pythons_without_audioop() -> None:
    # Checksums of what audioop made on Python 3.11.
    assert zlib.crc32(encode_pcmu(EVERY_SAMPLE)) == 0x3B7C3A3E
    assert zlib.crc32(encode_pcma(EVERY_SAMPLE)) == 0x9133796E
    assert zlib.crc32(decode_pcmu(EVERY_CODE)) == 0x0C847A9F
    assert zlib.crc32(decode_pcma(EVERY_CODE)) == 0x9D764657


def test_the_ends_of_the_recommendations_tables() -> None:
    # ITU-T G.711, tables 1 and 2: ±8031 of 14 bits and ±4032 of 13 bits, and silence.
    assert numbers(decode_pcmu(b"\x80\x00\xff\x7f")) == (4 * 8031, -4 * 8031, 0, 0)
    assert numbers(decode_pcma(b"\xaa\x2a\xd5\x55")) == (8 * 4032, -8 * 4032, 8, -8)
    assert encode_pcmu(bytes(2)) == b"\xff"
    assert encode_pcma(bytes(2)) == b"\xd5"


@LAWS
def test_a_code_comes_back(encode: Coder, decode: Coder) -> None:
    again = encode(decode(EVERY_CODE))
    # Mu-law has two zeros; a sample has one, and it is the positive.
    changed = [code for code in EVERY_CODE if again[code] != code]
    assert changed == ([0x7F] if encode is encode_pcmu else [])


@LAWS
@given(st.lists(st.integers(-32_768, 32_767)))
def test_a_sample_comes_back_nearly(encode: Coder, decode: Coder, samples: list[int]) -> None:
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    coded = encode(pcm)
    assert len(coded) == len(samples)
    for before, after in zip(samples, numbers(decode(coded)), strict=True):
        # Four bits of mantissa: half a step is a 32nd of the sample with mu-law's bias, 132.
        assert abs(before - after) <= (abs(before) + 132) / 32 + 4


@LAWS
def test_buffers_of_all_kinds(encode: Coder, decode: Coder) -> None:
    assert encode(b"") == decode(b"") == b""
    pcm = EVERY_SAMPLE[:200]
    assert encode(bytearray(pcm)) == encode(memoryview(pcm)) == encode(pcm)
    assert decode(bytearray(b"ab")) == decode(memoryview(b"ab")) == decode(b"ab")


@LAWS
def test_a_cut_sample(encode: Coder, decode: Coder) -> None:
    with pytest.raises(ConfigurationError, match="pcm: 1 bytes end within a sample"):
        encode(b"a")
    assert len(decode(b"a")) == 2
