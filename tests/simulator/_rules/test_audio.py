"""Sound in bytes: durations, the client's buffer, G.711."""

from __future__ import annotations

import struct

import pytest

from anyrealtime.simulator._rules._audio import InputBuffer, Sound, decoded, encoded
from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._grammar import Format, Pcm, Pcma, Pcmu


@pytest.mark.parametrize(("form", "size"), [(Pcm(), 48_000), (Pcmu(), 8_000), (Pcma(), 8_000)])
def test_a_second(form: Format, size: int) -> None:
    sound = Sound(form, bytearray(size))
    assert sound.duration_ms == 1_000
    sound.cut(250)
    assert sound.duration_ms == 250
    assert len(encoded(bytes(48_000), form)) == size


def test_g711_of_known_samples() -> None:
    samples = [0, 0, 0, 32_767, 0, 0, -32_768, 0, 0, 1_000, 0, 0, -1_000]
    pcm = struct.pack(f"<{len(samples)}h", *samples)
    assert encoded(pcm, Pcmu()).hex() == "ff8000ce4e"
    assert encoded(pcm, Pcma()).hex() == "d5aa2afa7a"


@pytest.mark.parametrize("form", [Pcm(), Pcmu(), Pcma()])
def test_back_to_pcm(form: Format) -> None:
    heard = bytes(range(256))
    pcm = decoded(heard, form)
    assert len(pcm) == 256 if isinstance(form, Pcm) else 256 * 6
    # A code of G.711 stands for one value, but for the two zeros of mu-law.
    assert encoded(pcm, form) == (heard.replace(b"\x7f", b"\xff") if form == Pcmu() else heard)
    assert Sound(form, bytearray(heard)).pcm == pcm


def test_a_commit_empties_the_buffer() -> None:
    buffer = InputBuffer()
    buffer.reformat(Pcmu())
    buffer.append(bytes(800))
    assert buffer.commit().duration_ms == 100
    with pytest.raises(Refusal, match=r"only has 0\.00ms"):
        buffer.commit()


def test_milliseconds_count_the_whole_session() -> None:
    buffer = InputBuffer()
    buffer.append(bytes(48 * 1_000))
    buffer.forget_before(300)
    assert (buffer.start_ms, buffer.end_ms) == (300, 1_000)
    assert buffer.take_until(800).duration_ms == 500
    buffer.append(bytes(48 * 200))
    assert (buffer.start_ms, buffer.end_ms) == (800, 1_200)
    buffer.commit()
    buffer.append(bytes(48 * 50))
    buffer.clear()
    assert (buffer.start_ms, buffer.end_ms) == (1_250, 1_250)


def test_what_is_not_there_cannot_be_taken() -> None:
    buffer = InputBuffer()
    buffer.append(bytes(48 * 100))
    buffer.forget_before(40)
    buffer.forget_before(20)
    assert buffer.start_ms == 40
    assert buffer.take_until(30).duration_ms == 0
    assert buffer.take_until(5_000).duration_ms == 60


def test_another_format_begins_where_the_first_one_ended() -> None:
    buffer = InputBuffer()
    buffer.append(bytes(48 * 100))
    buffer.reformat(Pcm())
    assert buffer.start_ms == 0
    buffer.reformat(Pcma())
    assert (buffer.start_ms, buffer.end_ms) == (100, 100)
    buffer.append(bytes(8 * 150))
    assert buffer.end_ms == 250
    assert buffer.commit() == Sound(Pcma(), bytearray(8 * 150))


def test_half_a_sample_waits_for_its_other_half() -> None:
    buffer = InputBuffer()
    samples = bytes(range(256)) * 40
    buffer.append(samples[:5_001])
    assert buffer.commit().data == samples[:5_000]
    buffer.append(samples[5_001:])
    assert buffer.commit().data == samples[5_000:]
    buffer.append(b"\1")
    buffer.clear()
    buffer.append(samples)
    assert buffer.commit().data == samples
