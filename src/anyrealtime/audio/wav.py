"""WAV files to mono 16-bit PCM and back. Everything here blocks.

The header is read here and not by the standard library, whose `wave` refuses before Python 3.12
what most programs write for 24 bits (WAVE_FORMAT_EXTENSIBLE). Nothing is resampled.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, TypeAlias

from anyrealtime.audio._samples import Data, to_pcm, to_samples
from anyrealtime.audio.formats import Format, SampleAligner
from anyrealtime.errors import ConfigurationError, ProtocolViolation

_Path: TypeAlias = str | os.PathLike[str]

_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_UNKNOWN_BYTES: Final = 0xFFFF_FFFF  # a length that every reader takes for "to the end"
_FLIP_SIGN: Final = bytes(code ^ 0x80 for code in range(0x100))


class Wav(NamedTuple):
    """The sound of a WAV file: mono PCM of 16 bits, little-endian."""

    pcm: bytes
    rate_hz: int


def read_wav(source: _Path | Data | IO[bytes], *, rate_hz: int | None = None) -> Wav:
    """Read integer PCM of 8, 16, 24 or 32 bits; several channels are mixed down to one.

    A file that ends early, or that was written to a pipe and does not know its length, gives
    what it has.

    Args:
        source: a path, the contents, or a file open for reading bytes.
        rate_hz: the only sample rate to accept; without it the file's own is taken and told.

    Raises:
        ConfigurationError: it is no such WAV file, or has another rate than `rate_hz`.
        OSError: it cannot be read.
    """
    chunks = dict(_chunks(_contents(source)))
    header, data = chunks.get(b"fmt "), chunks.get(b"data")
    if header is None or len(header) < 16 or data is None:
        raise ConfigurationError("source: this WAV file lacks its format or its data")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if tag == _EXTENSIBLE and len(header) >= 26:
        (tag,) = struct.unpack_from("<H", header, 24)
    if tag != _PCM or bits not in {8, 16, 24, 32} or not channels or not rate:
        raise ConfigurationError(
            "source: only integer PCM of 8, 16, 24 or 32 bits is read, and this WAV file has "
            f"format {tag}, {bits} bits, {channels} channels, {rate} Hz"
        )
    if rate_hz is not None and rate != rate_hz:
        raise ConfigurationError(
            f"rate_hz: this WAV file has {rate} Hz and {rate_hz} Hz are asked for; resample it first"
        )
    width = bits // 8
    whole = len(data) - len(data) % (width * channels)
    return Wav(_mixed_down(_to_16_bits(bytes(data[:whole]), width), channels), rate)


def _contents(source: _Path | Data | IO[bytes]) -> bytes:
    if isinstance(source, str | os.PathLike):
        return Path(source).read_bytes()
    return bytes(source) if isinstance(source, Data) else source.read()


def _chunks(contents: bytes) -> Iterator[tuple[bytes, memoryview]]:
    if contents[:4] != b"RIFF" or contents[8:12] != b"WAVE":
        raise ConfigurationError("source: this is not a WAV file")
    view, start = memoryview(contents), 12
    while start + 8 <= len(contents):
        name, size = struct.unpack_from("<4sI", contents, start)
        yield name, view[start + 8 : start + 8 + size]
        start += 8 + size + size % 2


def _to_16_bits(data: bytes, width: int) -> bytes:
    """The two high bytes of every sample; 8 bits are unsigned in WAV and become the high byte."""
    if width == 2:
        return data
    pcm = bytearray(len(data) // width * 2)
    if width == 1:
        pcm[1::2] = data.translate(_FLIP_SIGN)
    else:
        pcm[0::2], pcm[1::2] = data[width - 2 :: width], data[width - 1 :: width]
    return bytes(pcm)


def _mixed_down(pcm: bytes, channels: int) -> bytes:
    if channels == 1:
        return pcm
    samples = to_samples(pcm)
    frames = zip(*(samples[channel::channels] for channel in range(channels)), strict=True)
    return to_pcm(total // channels for total in map(sum, frames))


class WavWriter:
    """Writes mono 16-bit PCM to a WAV file as it comes.

    Closing it at any point, which leaving a `with` block does, leaves a valid file with what was
    written. Until then, and for good in a pipe, the header says that the length is not known,
    which players take for "to the end".

    Args:
        target: a path, which is made or emptied at once; or a file open for writing bytes, which
            is written from its present position on and not closed.
        rate_hz: samples a second, 8,000 to 48,000.

    Raises:
        ConfigurationError: there is no such rate; nothing was opened.
        OSError: the file cannot be written; any method may raise it.
    """

    def __init__(self, target: _Path | IO[bytes], *, rate_hz: int = 24_000) -> None:
        self._format = Format("audio/pcm", rate_hz)
        self._aligner = SampleAligner(self._format)
        self._data_bytes = 0
        self._closed = False
        self._owned = isinstance(target, str | os.PathLike)
        self._file = (
            Path(target).open("wb")  # noqa: SIM115 - closed by `close`
            if isinstance(target, str | os.PathLike)
            else target
        )
        self._start = self._file.tell() if self._file.seekable() else None
        self._file.write(self._header(_UNKNOWN_BYTES))

    def write(self, pcm: Data) -> None:
        """Add samples. Half a sample waits for its other half in the next call.

        Raises:
            ProtocolViolation: the writer is closed.
        """
        if self._closed:
            raise ProtocolViolation("this WAV writer is closed")
        whole = self._aligner.feed(pcm)
        self._file.write(whole)
        self._data_bytes += len(whole)

    def close(self) -> None:
        """Put the length in the header, where the file can seek. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._start is not None:
                end = self._file.tell()
                self._file.seek(self._start)
                self._file.write(self._header(self._data_bytes))
                self._file.seek(end)
        finally:
            if self._owned:
                self._file.close()

    def _header(self, data_bytes: int) -> bytes:
        rate, width = self._format.sample_rate_hz, self._format.bytes_per_sample
        riff_bytes = min(data_bytes + _HEADER.size - 8, _UNKNOWN_BYTES)
        return _HEADER.pack(
            *(b"RIFF", riff_bytes, b"WAVE"),
            *(b"fmt ", 16, _PCM, 1, rate, rate * width, width, 8 * width),
            *(b"data", min(data_bytes, _UNKNOWN_BYTES)),
        )

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def write_wav(target: _Path | IO[bytes], pcm: Data, *, rate_hz: int = 24_000) -> None:
    """Write mono 16-bit PCM as a WAV file; arguments and errors are those of WavWriter."""
    with WavWriter(target, rate_hz=rate_hz) as file:
        file.write(pcm)
