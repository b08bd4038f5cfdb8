"""Screens and the WAV file, without a process."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest
from rich.console import Console

from anyrealtime.cli import _output as output
from anyrealtime.cli._exit import CommandError, ExitCode


def test_plain_text_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    screen = output.PlainScreen()
    for delta in ("", "One ", "[bold]\x1b[1m"):
        screen.show(delta)
    screen.end()
    screen.show("Two\n")
    screen.end()
    screen.end()
    assert capsys.readouterr().out == "One [bold]\x1b[1m\nTwo\n"


def test_plain_text_in_a_poor_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    screen = output.PlainScreen()
    screen.show("“Zoë”")
    screen.end()
    assert written.getvalue() == b"?Zo??\n"


def live() -> tuple[output.LiveScreen, io.StringIO]:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=20, height=5, _environ={})
    return output.LiveScreen(console), written


def test_live_text_is_broken_between_words() -> None:
    screen, written = live()
    for delta in ("The quick", " brown fox", " jumps", " over the", " lazy dog"):
        screen.show(delta)
    screen.end()
    final = written.getvalue().rpartition("\x1b[2K")[2]
    lines = [line.strip() for line in final.replace("\x1b[?25h", "").splitlines()]
    assert [line for line in lines if line] == ["The quick brown fox", "jumps over the lazy", "dog"]


def test_finished_lines_are_written_once() -> None:
    screen, written = live()
    for delta in ("First\n", "\nSec", "ond\nThi", "rd"):
        screen.show(delta)
    screen.end()
    assert written.getvalue().count("First") == 1
    assert written.getvalue().endswith("Third\n\x1b[?25h")
    screen.show("Fourth")
    screen.end()
    assert written.getvalue().endswith("Fourth\n\x1b[?25h")


def test_live_text_is_harmless() -> None:
    screen, written = live()
    screen.show("a\x1b]0;title\x07b [bold]c")
    screen.end()
    assert "a]0;titleb [bold]c" in written.getvalue()


def test_choice_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    assert isinstance(output.choose_screen(), output.PlainScreen)
    monkeypatch.setattr("sys.stdout", Tty(io.BytesIO()))
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(output.choose_screen(), output.LiveScreen)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(output.choose_screen(), output.PlainScreen)


def test_a_frame_is_one_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.write_frame(b'{\r\n  "type": "pi\\nng"\n}')
    assert capfdbinary.readouterr().out == b'{    "type": "pi\\nng" }\n'


def test_wav(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with output.WavFile(path) as file:
        assert not path.exists()
        file.write(b"\x01\x00" * 3)
        file.write(b"\x02\x00")
    with wave.open(str(path)) as read:
        assert (read.getframerate(), read.getsampwidth(), read.getnchannels()) == (24_000, 2, 1)
        assert read.readframes(10) == b"\x01\x00" * 3 + b"\x02\x00"


@pytest.mark.parametrize("name", [".", "missing/a.wav"])
def test_wav_where_none_can_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        output.WavFile(tmp_path / name)
    assert caught.value.code == ExitCode.USAGE


def test_wav_on_a_full_disk() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(CommandError, match="cannot write /dev/full: "):
        with output.WavFile(full) as file:
            file.write(bytes(100_000))
