"""Session objects: three states a field, and four shapes told apart."""

from __future__ import annotations

import json

import pytest
from msgspec import UNSET

from anyrealtime.events import (
    AnySession,
    AudioConfig,
    AudioFormat,
    AudioInput,
    AudioOutput,
    BetaSession,
    NoiseReduction,
    RetentionRatio,
    SemanticVad,
    ServerVad,
    Session,
    SessionCreated,
    SessionUpdate,
    TranscriptionSession,
    TranslationSession,
    VoiceId,
    decode_client,
    decode_server,
    encode,
)


def written(session: AnySession) -> object:
    frame = encode(SessionUpdate(session=session))
    assert decode_client(frame) == SessionUpdate(session=session)
    return json.loads(frame)["session"]


@pytest.mark.parametrize(
    ("session", "tree"),
    [
        (Session(), {"type": "realtime"}),
        (TranscriptionSession(), {"type": "transcription"}),
        (TranslationSession(), {"type": "translation"}),
        (BetaSession(), {}),
    ],
)
def test_only_the_type_is_written_of_itself(session: AnySession, tree: object) -> None:
    assert written(session) == tree


def test_absent_null_and_a_value() -> None:
    def audio(given: AudioInput) -> object:
        update = SessionUpdate(session=Session(audio=AudioConfig(input=given)))
        tree: object = json.loads(encode(update))["session"]["audio"]["input"]
        return tree

    assert audio(AudioInput()) == {}
    assert audio(AudioInput(turn_detection=None, noise_reduction=None)) == {
        "turn_detection": None,
        "noise_reduction": None,
    }
    assert audio(
        AudioInput(
            turn_detection=ServerVad(idle_timeout_ms=None),
            noise_reduction=NoiseReduction(type="far_field"),
        )
    ) == {
        "turn_detection": {"type": "server_vad", "idle_timeout_ms": None},
        "noise_reduction": {"type": "far_field"},
    }


def test_the_type_of_a_nested_object_is_always_written() -> None:
    output = AudioOutput(format=AudioFormat(), voice=VoiceId(id="v"))
    assert written(Session(audio=AudioConfig(output=output))) == {
        "type": "realtime",
        "audio": {"output": {"format": {"type": "audio/pcm"}, "voice": {"id": "v"}}},
    }
    assert written(Session(truncation=RetentionRatio(retention_ratio=0.8))) == {
        "type": "realtime",
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    }
    assert written(BetaSession(turn_detection=SemanticVad())) == {
        "turn_detection": {"type": "semantic_vad"}
    }


@pytest.mark.parametrize("form", ["pcm16", {"type": "audio/pcm", "rate": 24000}, None])
def test_a_format_is_an_object_a_word_or_null(form: object) -> None:
    frame = json.dumps(
        {
            "type": "session.created",
            "session": {"type": "realtime", "audio": {"input": {"format": form}}},
        }
    )
    event = decode_server(frame)
    assert isinstance(event, SessionCreated)
    assert json.loads(encode(event))["session"] == json.loads(frame)["session"]


def test_what_a_server_did_not_say_is_unset() -> None:
    event = decode_server(b'{"type":"session.created","session":{"type":"realtime","prompt":null}}')
    assert isinstance(event, SessionCreated)
    assert isinstance(event.session, Session)
    assert event.session.prompt is None
    assert event.session.expires_at is UNSET
