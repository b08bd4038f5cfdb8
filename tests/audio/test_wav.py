"""WAV files, against the standard library's reader and writer and against damage."""

from __future__ import annotations

import io
import os
import struct
import threading
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime.audio import Wav, WavWriter, read_wav, write_wav
from anyrealtime.audio.wav import _UNKNOWN_BYTES
from anyrealtime.errors import ConfigurationError, ProtocolViolation

PCM = struct.pack("<4h", 0, 1, -1, -32_768)
PCM_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def wav(data: bytes, *, channels: int = 1, bits: int = 16, rate: int = 24_000) -> bytes:
    """A file as the standard library writes it."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(data)
    return target.getvalue()


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def header(tag: int = 1, channels: int = 1, rate: int = 24_000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)


# Reading


def test_paths_contents_and_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    contents = wav(PCM, rate=44_100)
    path.write_bytes(contents)
    with path.open("rb") as file:
        for source in (path, str(path), contents, bytearray(contents), memoryview(contents), file):
            assert read_wav(source) == Wav(pcm=PCM, rate_hz=44_100)


@pytest.mark.parametrize(
    ("bits", "data", "samples"),
    [
        (8, b"\x80\xff\x00", (0, 0x7F00, -0x8000)),
        (16, b"\x01\x00\xff\xff", (1, -1)),
        (24, b"\xff\x01\x00\x00\xff\xff", (1, -1)),
        (32, b"\xff\xff\x01\x00\x00\x00\xff\xff", (1, -1)),
    ],
)
def test_widths(bits: int, data: bytes, samples: tuple[int, ...]) -> None:
    assert read_wav(wav(data, bits=bits)).pcm == struct.pack(f"<{len(samples)}h", *samples)


def test_channels_are_mixed_down() -> None:
    stereo = struct.pack("<6h", 100, 300, -32_768, -32_768, 32_767, 32_767)
    assert read_wav(wav(stereo, channels=2)).pcm == struct.pack("<3h", 200, -32_768, 32_767)
    assert read_wav(wav(b"\x80\x80\xff\x81", channels=4, bits=8)).pcm == struct.pack("<h", 0x2000)
    assert read_wav(wav(b"", channels=2)).pcm == b""


@given(
    st.sampled_from([8, 16, 24, 32]),
    st.integers(1, 6),
    st.lists(st.integers(-32_768, 32_767), max_size=50),
)
def test_equal_channels_change_nothing(bits: int, channels: int, samples: list[int]) -> None:
    width = bits // 8
    kept = [sample >> 8 << 8 if bits == 8 else sample for sample in samples]
    wide = [(sample << bits >> 16) + (128 if bits == 8 else 0) for sample in samples]
    data = b"".join(
        sample.to_bytes(width, "little", signed=bits != 8) * channels for sample in wide
    )
    found = read_wav(wav(data, channels=channels, bits=bits))
    assert found.pcm == struct.pack(f"<{len(kept)}h", *kept)


def test_the_extensible_header_of_24_bit_files() -> None:
    form = header(tag=0xFFFE, bits=24) + struct.pack("<HHI", 22, 24, 4)
    data = (b"data", b"\xff\x01\x00")
    pcm, floating = (struct.pack("<H", tag) + PCM_GUID_TAIL for tag in (1, 3))
    assert read_wav(riff((b"fmt ", form + pcm), data)).pcm == b"\x01\x00"
    with pytest.raises(ConfigurationError, match="format 3, 24 bits"):
        read_wav(riff((b"fmt ", form + floating), data))
    with pytest.raises(ConfigurationError, match="format 65534"):
        read_wav(riff((b"fmt ", form), data))


def test_other_chunks_are_passed_over() -> None:
    odd = (b"LIST", b"abc")
    found = read_wav(riff(odd, (b"fmt ", header()), odd, (b"data", PCM), odd))
    assert found == Wav(PCM, 24_000)


@pytest.mark.parametrize("declared", [0xFFFF_FFFF, 0x7FFF_FFFE, len(PCM) + 2])
def test_a_file_that_ends_early(declared: int) -> None:
    start = riff((b"fmt ", header())) + b"data" + struct.pack("<I", declared)
    assert read_wav(start + PCM).pcm == PCM
    assert read_wav(start + PCM[:-1]).pcm == PCM[:-2]


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04" + bytes(40), "not a WAV file"),
        (b"RIFF\x04\x00\x00\x00AVI ", "not a WAV file"),
        (riff(), "lacks its format or its data"),
        (riff((b"fmt ", header())), "lacks its format or its data"),
        (riff((b"data", PCM)), "lacks its format or its data"),
        (riff((b"fmt ", header()[:14]), (b"data", PCM)), "lacks its format or its data"),
        (riff((b"fmt ", header(tag=3, bits=32)), (b"data", PCM)), "format 3, 32 bits"),
        (riff((b"fmt ", header(tag=7, bits=8)), (b"data", PCM)), "format 7, 8 bits"),
        (riff((b"fmt ", header(bits=12)), (b"data", PCM)), "12 bits"),
        (riff((b"fmt ", header(channels=0)), (b"data", PCM)), "0 channels"),
        (riff((b"fmt ", header(rate=0)), (b"data", PCM)), "0 Hz"),
    ],
)
def test_what_is_not_read(contents: bytes, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^source: .*{reason}"):
        read_wav(contents)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damage_is_refused_or_read(noise: bytes, place: int) -> None:
    contents = bytearray(wav(PCM, channels=2))
    contents[place : place + len(noise)] = noise
    try:
        found = read_wav(contents)
    except ConfigurationError:
        return
    assert len(found.pcm) % 2 == 0
    assert found.rate_hz > 0


def test_a_rate_that_is_asked_for() -> None:
    assert read_wav(wav(PCM), rate_hz=24_000).rate_hz == 24_000
    with pytest.raises(ConfigurationError, match=r"^rate_hz: .* 44100 Hz and 24000 Hz .*resample"):
        read_wav(wav(PCM, rate=44_100), rate_hz=24_000)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "a.wav")


# Writing


@given(st.binary(max_size=200), st.integers(8_000, 48_000))
def test_what_is_written_is_read(pcm: bytes, rate: int) -> None:
    whole = pcm[: len(pcm) // 2 * 2]
    target = io.BytesIO()
    write_wav(target, pcm, rate_hz=rate)
    assert target.getvalue() == wav(whole, rate=rate)
    assert read_wav(target.getvalue(), rate_hz=rate).pcm == whole


def test_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for target in (path, str(path)):
        path.write_bytes(bytes(1_000))
        write_wav(target, PCM)
        assert path.read_bytes() == wav(PCM)


def test_chunks_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with WavWriter(path) as file:
        for byte in PCM:
            file.write(bytes([byte]))
    assert path.read_bytes() == wav(PCM)


def test_closed_early_by_an_exception(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(KeyError), WavWriter(path) as file:
        file.write(PCM[:3])
        raise KeyError
    assert path.read_bytes() == wav(PCM[:2])
    file.close()
    with pytest.raises(ProtocolViolation, match="closed"):
        file.write(PCM)
    assert path.read_bytes() == wav(PCM[:2])


def test_never_closed() -> None:
    target = io.BytesIO()
    WavWriter(target).write(PCM)
    assert read_wav(target.getvalue()).pcm == PCM
    assert target.getvalue()[40:44] == struct.pack("<I", _UNKNOWN_BYTES)


def test_a_file_of_the_callers_is_left_open_at_its_end() -> None:
    target = io.BytesIO(b"before")
    target.seek(6)
    write_wav(target, PCM)
    target.write(b"after")
    assert target.getvalue() == b"before" + wav(PCM) + b"after"


def test_a_pipe() -> None:
    reader, writer = os.pipe()
    found: list[Wav] = []

    def read() -> None:
        with open(reader, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found.append(read_wav(file))

    thread = threading.Thread(target=read)
    thread.start()
    with open(writer, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        write_wav(file, PCM)
    thread.join(5)
    assert found == [Wav(PCM, 24_000)]


def test_a_length_the_header_cannot_hold() -> None:
    target = io.BytesIO()
    with WavWriter(target) as file:
        file.write(PCM)
        file._data_bytes = 2**32 - 8  # a day's sound
    assert struct.unpack_from("<I", target.getvalue(), 4) == (_UNKNOWN_BYTES,)
    assert struct.unpack_from("<I", target.getvalue(), 40) == (2**32 - 8,)
    assert read_wav(target.getvalue()).pcm == PCM


def test_a_rate_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sample_rate_hz: 96000"):
        WavWriter(tmp_path / "a.wav", rate_hz=96_000)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_still_closes_the_file() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    file = WavWriter(full)
    with pytest.raises(OSError, match="No space left"):
        file.write(bytes(1_000_000))
    with pytest.raises(OSError, match="No space left"):
        file.close()
    assert file._file.closed
