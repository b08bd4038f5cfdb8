"""The voices that have a name; those that need a program or a package run where it is there."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable
from functools import partial
from typing import Any, cast

import anyio
import pytest

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import VoiceName, speak
from anyrealtime.simulator._sound import _voices
from anyrealtime.simulator._sound._voices import named_voice

SENTENCE = "What is the weather in Paris?"


def nothing(_: str) -> None:
    """What is found where nothing is installed."""


def test_tones_and_ones_own() -> None:
    def silent(text: str, voice: str, speed: float, /) -> bytes:
        return b""

    assert named_voice("tones") is speak
    assert named_voice(silent) is silent


def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_voices, "which", nothing)
    monkeypatch.setattr(_voices, "find_spec", nothing)
    assert named_voice("auto") is speak
    with pytest.raises(ConfigurationError, match="voice: the program espeak-ng"):
        named_voice("espeak-ng")
    with pytest.raises(ConfigurationError, match="voice: the package hibari-tts"):
        named_voice("hibari")
    with pytest.raises(ConfigurationError, match="voice: 'tenor' is none of 'tones'"):
        named_voice(cast("Any", "tenor"))


@pytest.fixture(params=["espeak-ng", "hibari"])
def name(request: pytest.FixtureRequest) -> VoiceName:
    if request.param == "hibari":
        pytest.importorskip("hibari")
    elif shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    return cast("VoiceName", request.param)


async def test_a_voice_speaks(anyio_backend: str, name: VoiceName) -> None:
    voice = named_voice(name)

    async def seconds(text: str, speed: float = 1.0) -> float:
        pcm = await cast("Awaitable[bytes]", voice(text, "alloy", speed))
        assert len(pcm) % 2 == 0
        assert any(pcm) or not text.strip()
        return len(pcm) / 48_000

    with anyio.fail_after(30):
        assert 1 < await seconds(SENTENCE) < 4
        assert await seconds(SENTENCE, 1.5) < await seconds(SENTENCE) < await seconds(SENTENCE, 0.5)
        assert await seconds(" \n") < 0.3
        assert await seconds("--help") > 0.1


def test_the_best_voice_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"espeak-ng", "hibari"}

    def find(name: str) -> str | None:
        return name if name in installed else None

    monkeypatch.setattr(_voices, "which", find)
    monkeypatch.setattr(_voices, "find_spec", find)
    assert isinstance(named_voice("auto"), _voices.Hibari)
    installed.remove("hibari")
    assert isinstance(named_voice("auto"), partial)
    installed.clear()
    assert named_voice("auto") is speak


async def test_espeak_has_several_voices(anyio_backend: str) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    voice = named_voice("espeak-ng")
    with anyio.fail_after(30):
        sounds = {await cast("Awaitable[bytes]", voice("Hi", who, 1.0)) for who in ("alloy", "ash")}
    assert len(sounds) == 2
