"""The interpreter that is there: a word for each frame, and the sound back."""

from __future__ import annotations

from anyrealtime.simulator import Translation, TranslationFrame, default_interpreter


def frame(audio: bytes, elapsed_ms: int) -> TranslationFrame:
    return TranslationFrame(audio=audio, elapsed_ms=elapsed_ms, language="es")


def test_words_are_numbered_by_where_they_are() -> None:
    sound = bytes([1, 0]) * 4_800
    assert default_interpreter(frame(sound, 200)) == Translation(
        heard=" word1", text=" es-word1", audio=sound
    )
    assert default_interpreter(frame(sound, 1_000)).text == " es-word5"


def test_silence_is_no_word() -> None:
    assert default_interpreter(frame(bytes(9_600), 200)) == Translation()
