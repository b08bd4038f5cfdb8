"""Translation sessions: their own events, and the common ones with their own session."""

from __future__ import annotations

import json

from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    AudioOutput,
    AudioTranscription,
    BetaSession,
    SessionClose,
    SessionCreated,
    SessionInputAudioBufferAppend,
    SessionOutputAudioDelta,
    SessionUpdate,
    TranslationSession,
    decode_client,
    decode_server,
    encode,
)

AUDIO = AudioConfig(
    input=AudioInput(
        transcription=AudioTranscription(model="gpt-realtime-whisper"), noise_reduction=None
    ),
    output=AudioOutput(language="sv"),
)
TREE = {
    "input": {"transcription": {"model": "gpt-realtime-whisper"}, "noise_reduction": None},
    "output": {"language": "sv"},
}


def test_its_session() -> None:
    frame = json.dumps(
        {"type": "session.created", "session": {"type": "translation", "audio": TREE}}
    )
    assert decode_server(frame) == SessionCreated(session=TranslationSession(audio=AUDIO))


def test_its_update_names_the_type_or_not() -> None:
    """The specification's update has no `type`; a session object without one is a BetaSession."""
    named = SessionUpdate(session=TranslationSession(audio=AUDIO))
    assert json.loads(encode(named))["session"] == {"type": "translation", "audio": TREE}
    bare = SessionUpdate(session=BetaSession(audio=AUDIO))
    assert json.loads(encode(bare))["session"] == {"audio": TREE}
    assert decode_client(encode(bare)) == bare


def test_audio_both_ways() -> None:
    append = SessionInputAudioBufferAppend(audio=b"\x00\x01\x02")
    assert encode(append) == b'{"type":"session.input_audio_buffer.append","audio":"AAEC"}'
    assert encode(SessionClose()) == b'{"type":"session.close"}'
    delta = decode_server(b'{"type":"session.output_audio.delta","delta":"AAEC","channels":1}')
    assert delta == SessionOutputAudioDelta(delta=b"\x00\x01\x02", channels=1)
