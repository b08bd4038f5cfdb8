"""The room's public face."""

from __future__ import annotations

import inspect

from anyrealtime import audio


def test_every_exported_function_and_class_is_documented() -> None:
    exported = [getattr(audio, name) for name in audio.__all__]
    documented = [
        thing for thing in exported if inspect.isfunction(thing) or inspect.isclass(thing)
    ]
    assert len(documented) == len(audio.__all__) - 4  # three formats and an alias
    assert all(inspect.getdoc(thing) for thing in documented)


def test_the_formats_are_named_by_their_wire_names() -> None:
    formats = (audio.PCM16_24K, audio.PCMU, audio.PCMA)
    assert [form.name for form in formats] == ["audio/pcm", "audio/pcmu", "audio/pcma"]
