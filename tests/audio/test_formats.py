"""Formats: names, durations, cutting, whole samples."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.audio import PCM16_24K, PCMA, PCMU, Format, FormatName, SampleAligner
from anyrealtime.errors import ConfigurationError

FORMATS = st.one_of(
    st.sampled_from([PCM16_24K, PCMU, PCMA]),
    st.builds(Format, st.just("audio/pcm"), st.integers(8_000, 48_000)),
)


@pytest.mark.parametrize(
    ("form", "beta_name", "sample_bytes", "second_bytes"),
    [
        (PCM16_24K, "pcm16", 2, 48_000),
        (PCMU, "g711_ulaw", 1, 8_000),
        (PCMA, "g711_alaw", 1, 8_000),
        (Format("audio/pcm", 11_025), "pcm16", 2, 22_050),
    ],
)
def test_a_second(form: Format, beta_name: str, sample_bytes: int, second_bytes: int) -> None:
    assert (form.beta_name, form.bytes_per_sample) == (beta_name, sample_bytes)
    assert form.ms_to_bytes(1_000) == second_bytes
    assert form.bytes_to_ms(second_bytes) == 1_000


@pytest.mark.parametrize("form", [PCM16_24K, PCMU, PCMA])
def test_both_dialects_name_it(form: Format) -> None:
    assert Format.named(form.name) == Format.named(form.beta_name) == form


def test_the_rate_of_another_server() -> None:
    assert Format.named("pcm16", 16_000) == Format("audio/pcm", 16_000)
    assert Format.named("g711_ulaw", 8_000) == PCMU


def test_an_unknown_name() -> None:
    with pytest.raises(ConfigurationError, match=r"^name: .*'opus', only audio/pcm, pcm16, "):
        Format.named("opus")
    beta: FormatName = "pcm16"  # type: ignore[assignment] # pyright: ignore[reportAssignmentType]
    with pytest.raises(ConfigurationError, match=r"^name: .*'pcm16', only audio/pcm, audio/pcmu"):
        Format(beta, 24_000)


@pytest.mark.parametrize(
    ("name", "rate", "reason"),
    [
        ("pcm16", 7_999, "not within 8000 and 48000"),
        ("audio/pcm", 48_001, "not within 8000 and 48000"),
        ("audio/pcmu", 16_000, "audio/pcmu has 8000, not 16000"),
        ("g711_alaw", 24_000, "audio/pcma has 8000, not 24000"),
    ],
)
def test_a_rate_there_is_not(name: str, rate: int, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^sample_rate_hz: .*{reason}"):
        Format.named(name, rate)


def test_durations_are_rounded_down() -> None:
    assert PCM16_24K.bytes_to_ms(4_799) == 99
    assert PCM16_24K.bytes_to_ms(49) == 1
    assert PCM16_24K.ms_to_bytes(0.99) == 46
    assert Format("audio/pcm", 11_025).ms_to_bytes(1) == 22


def test_what_is_no_duration() -> None:
    with pytest.raises(ConfigurationError, match="n_bytes: -1"):
        PCM16_24K.bytes_to_ms(-1)
    for ms in (-0.5, math.inf, math.nan):
        with pytest.raises(ConfigurationError, match=r"^ms: .* is not a duration"):
            PCM16_24K.ms_to_bytes(ms)


@given(FORMATS, st.integers(0, 10**10))
def test_a_duration_never_passes_the_end(form: Format, n_bytes: int) -> None:
    ms = form.bytes_to_ms(n_bytes)
    assert 0 <= form.ms_to_bytes(ms) <= n_bytes
    assert form.ms_to_bytes(ms + 1) + form.bytes_per_sample > n_bytes


@given(st.sampled_from([8_000, 16_000, 24_000, 48_000]), st.integers(0, 10**8))
def test_whole_milliseconds_come_back(rate: int, ms: int) -> None:
    form = Format("audio/pcm", rate)
    assert form.bytes_to_ms(form.ms_to_bytes(ms)) == ms


@given(FORMATS, st.binary(max_size=2_000), st.floats(0.2, 30))
def test_chunks_are_the_audio_in_whole_samples(form: Format, audio: bytes, chunk_ms: float) -> None:
    audio = audio[: len(audio) // 2 * 2]
    chunks = list(form.split(audio, chunk_ms))
    assert b"".join(chunks) == audio
    assert {len(chunk) for chunk in chunks[:-1]} <= {form.ms_to_bytes(chunk_ms)}
    assert all(chunk and len(chunk) % form.bytes_per_sample == 0 for chunk in chunks)


def test_chunks_of_other_buffers() -> None:
    samples = memoryview(array("h", [1, 1, 1]))
    assert list(PCM16_24K.split(samples, 1)) == [samples.tobytes()]
    assert list(PCMU.split(bytearray(b"abcdefghi"), 1)) == [b"abcdefgh", b"i"]


def test_what_cannot_be_split() -> None:
    # Refused by the call and not by the first chunk, where nobody would look.
    with pytest.raises(ConfigurationError, match="audio: 3 bytes end within a sample"):
        PCM16_24K.split(b"abc", 20)
    with pytest.raises(ConfigurationError, match=r"chunk_ms: 0\.04 is shorter than a sample"):
        PCM16_24K.split(b"ab", 0.04)


@given(FORMATS, st.lists(st.binary(max_size=9)))
def test_aligned_chunks_are_the_same_stream(form: Format, chunks: list[bytes]) -> None:
    aligner = SampleAligner(form)
    fed = [aligner.feed(chunk) for chunk in chunks]
    assert all(len(chunk) % form.bytes_per_sample == 0 for chunk in fed)
    assert b"".join(fed) + aligner.held == b"".join(chunks)
    assert len(aligner.held) < form.bytes_per_sample


def test_feeding_again_what_was_not_sent() -> None:
    aligner = SampleAligner(PCM16_24K)
    assert aligner.feed(b"abc") == b"ab"
    before = aligner.held
    assert aligner.feed(bytearray(b"de")) == b"cd"
    aligner.held = before
    assert aligner.feed(memoryview(b"de")) == b"cd"
    assert aligner.held == b"e"
