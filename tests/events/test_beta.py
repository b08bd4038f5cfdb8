"""The beta's events: subclasses of what GA made of them."""

from __future__ import annotations

import pytest

from anyrealtime.events import (
    BetaSession,
    ConversationItemAdded,
    ConversationItemCreated,
    Event,
    ResponseAudioDelta,
    ResponseAudioDone,
    ResponseAudioTranscriptDelta,
    ResponseAudioTranscriptDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseTextDelta,
    ResponseTextDone,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    TranscriptionSessionCreated,
    TranscriptionSessionUpdate,
    TranscriptionSessionUpdated,
    decode_server,
    encode,
)

SUCCESSORS: list[tuple[type[Event], type[Event]]] = [
    (ConversationItemCreated, ConversationItemAdded),
    (ResponseTextDelta, ResponseOutputTextDelta),
    (ResponseTextDone, ResponseOutputTextDone),
    (ResponseAudioDelta, ResponseOutputAudioDelta),
    (ResponseAudioDone, ResponseOutputAudioDone),
    (ResponseAudioTranscriptDelta, ResponseOutputAudioTranscriptDelta),
    (ResponseAudioTranscriptDone, ResponseOutputAudioTranscriptDone),
    (TranscriptionSessionCreated, SessionCreated),
    (TranscriptionSessionUpdate, SessionUpdate),
    (TranscriptionSessionUpdated, SessionUpdated),
]


@pytest.mark.parametrize(("beta", "ga"), SUCCESSORS)
def test_a_beta_event_is_its_successor(beta: type[Event], ga: type[Event]) -> None:
    assert issubclass(beta, ga)
    assert beta.__struct_fields__ == ga.__struct_fields__
    assert beta.__struct_config__.tag != ga.__struct_config__.tag


def test_one_match_serves_both() -> None:
    heard: list[str] = []
    for tag in ("response.text.delta", "response.output_text.delta"):
        match decode_server(f'{{"type":"{tag}","delta":"a"}}'):
            case ResponseOutputTextDelta(delta=text) as event:
                heard.append(f"{event.type} {text}")
            case other:
                pytest.fail(f"{other} is no text")
    assert heard == ["response.text.delta a", "response.output_text.delta a"]


def test_it_is_written_under_its_own_name() -> None:
    update = TranscriptionSessionUpdate(session=BetaSession(input_audio_format="pcm16"))
    assert encode(update) == (
        b'{"type":"transcription_session.update","session":{"input_audio_format":"pcm16"}}'
    )
