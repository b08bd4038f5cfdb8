"""Where events hold audio, and what stands for audio that was left out."""

from __future__ import annotations

import pytest

from anyrealtime.events._audio_fields import Json, audio_fields, elided, elided_bytes


def test_the_audio_of_deltas_appends_and_items() -> None:
    item: Json = {"type": "message", "content": [{"type": "input_audio", "audio": "AAAA"}]}
    events: list[Json] = [
        {"type": "response.output_audio.delta", "delta": "AAAA"},
        {"type": "response.audio.delta", "delta": "AAAA"},
        {"type": "session.output_audio.delta", "delta": elided(3)},
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "conversation.item.retrieved", "item": item},
    ]
    for event in events:
        [(part, key)] = audio_fields(event)
        assert part[key] in ("AAAA", elided(3))


def test_no_audio_where_it_only_looks_like_it() -> None:
    session: Json = {"type": "session.updated", "session": {"audio": {"output": {"voice": "a"}}}}
    text: Json = {"type": "response.output_text.delta", "delta": "AAAA"}
    said: Json = {"type": "response.output_audio_transcript.delta", "delta": "AAAA"}
    for event in (session, text, said):
        assert not list(audio_fields(event))


def test_what_stands_for_audio() -> None:
    assert elided_bytes(elided(480)) == elided_bytes(elided(480, "hash")) == 480
    assert elided(2, "hash") == {"$audio": {"bytes": 2, "sha256": "hash"}}


@pytest.mark.parametrize(
    "value", ["AAAA", None, 3, {}, {"$audio": 3}, {"$audio": {"bytes": "3"}}, elided(-1)]
)
def test_what_stands_for_none(value: object) -> None:
    assert elided_bytes(value) is None
