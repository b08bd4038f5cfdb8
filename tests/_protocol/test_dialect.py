"""The beta's words: every field is translated or refused, and none is left away silently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from anyrealtime import ConfigurationError
from anyrealtime._protocol._dialect import lower
from anyrealtime.events import (
    CLIENT_EVENTS,
    Audio,
    AudioConfig,
    AudioFormat,
    AudioInput,
    AudioOutput,
    AudioTranscription,
    BetaSession,
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputAudio,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InputImage,
    InputText,
    Item,
    ItemReference,
    McpApprovalResponse,
    McpCall,
    McpListTools,
    McpTool,
    Message,
    NoiseReduction,
    OutputAudio,
    OutputAudioBufferClear,
    OutputText,
    Prompt,
    Reasoning,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    ServerVad,
    Session,
    SessionClose,
    SessionInputAudioBufferAppend,
    SessionUpdate,
    TranscriptionSession,
    TranscriptionSessionUpdate,
    TranslationSession,
    UnknownEvent,
    UnknownObject,
    encode,
)


def said(event: ClientEvent) -> dict[str, Any]:
    """What is sent for `event` in the beta."""
    tree: dict[str, Any] = json.loads(encode(lower(event)))
    return tree


def session(given: Any) -> dict[str, Any]:
    tree: dict[str, Any] = said(SessionUpdate(event_id="e", session=given))["session"]
    return {name: value for name, value in tree.items() if name != "type"}


# Sessions


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Session(), {}),
        (Session(output_modalities=["audio"]), {"modalities": ["text", "audio"]}),
        (Session(output_modalities=["text"]), {"modalities": ["text"]}),
        (Session(output_modalities=["text", "audio"]), {"modalities": ["text", "audio"]}),
        (Session(output_modalities=[]), {"modalities": []}),
        (Session(model="m", instructions="i"), {"model": "m", "instructions": "i"}),
        (Session(instructions=None), {"instructions": None}),
        (Session(max_output_tokens="inf"), {"max_response_output_tokens": "inf"}),
        (Session(max_output_tokens=7), {"max_response_output_tokens": 7}),
        (Session(tool_choice="none", tracing="auto"), {"tool_choice": "none", "tracing": "auto"}),
        (Session(include=["x"]), {"include": ["x"]}),
        (Session(tools=[]), {"tools": []}),
    ],
)
def test_a_session(given: Session, expected: dict[str, Any]) -> None:
    assert session(given) == expected


def test_a_sessions_audio() -> None:
    given = Session(
        audio=AudioConfig(
            input=AudioInput(
                format=AudioFormat(type="audio/pcmu"),
                noise_reduction=NoiseReduction(type="near_field"),
                transcription=AudioTranscription(model="whisper-1"),
                turn_detection=ServerVad(threshold=0.5),
            ),
            output=AudioOutput(format=AudioFormat(rate=24_000), voice="verse", speed=1.5),
        )
    )
    assert session(given) == {
        "input_audio_format": "g711_ulaw",
        "input_audio_noise_reduction": {"type": "near_field"},
        "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": {"type": "server_vad", "threshold": 0.5},
        "output_audio_format": "pcm16",
        "voice": "verse",
        "speed": 1.5,
    }


def test_null_still_turns_off() -> None:
    given = Session(
        tools=None,
        audio=AudioConfig(input=AudioInput(turn_detection=None, transcription=None, format=None)),
    )
    assert session(given) == {
        "tools": None,
        "turn_detection": None,
        "input_audio_transcription": None,
        "input_audio_format": None,
    }


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (AudioFormat(type="audio/pcm"), "pcm16"),
        (AudioFormat(type="audio/pcm", rate=24_000), "pcm16"),
        (AudioFormat(type="audio/pcmu", rate=8_000), "g711_ulaw"),
        (AudioFormat(type="audio/pcma"), "g711_alaw"),
        ("pcm16", "pcm16"),
        ("vendor_format", "vendor_format"),
    ],
)
def test_audio_formats(given: AudioFormat | str, name: str) -> None:
    audio = AudioConfig(input=AudioInput(format=given))
    assert session(Session(audio=audio)) == {"input_audio_format": name}


@pytest.mark.parametrize(
    "given",
    [
        AudioFormat(type="audio/opus"),
        AudioFormat(type="audio/pcm", rate=16_000),
        AudioFormat(type="audio/pcmu", rate=24_000),
    ],
)
def test_audio_formats_the_beta_has_not(given: AudioFormat) -> None:
    with pytest.raises(ConfigurationError, match=given.type):
        session(Session(audio=AudioConfig(output=AudioOutput(format=given))))


def test_a_transcription_session_has_an_event_of_its_own() -> None:
    given = TranscriptionSession(
        include=["item.input_audio_transcription.logprobs"],
        audio=AudioConfig(input=AudioInput(transcription=AudioTranscription(model="whisper-1"))),
    )
    tree = said(SessionUpdate(event_id="e", session=given))
    assert tree["type"] == "transcription_session.update"
    assert tree["event_id"] == "e"
    assert tree["session"]["input_audio_transcription"] == {"model": "whisper-1"}
    assert tree["session"]["include"] == ["item.input_audio_transcription.logprobs"]


def test_the_betas_own_session_passes_unchanged() -> None:
    own = BetaSession(modalities=["text"], temperature=0.7)
    for event in (SessionUpdate(session=own), TranscriptionSessionUpdate(session=own)):
        assert lower(event) is event


def test_no_translation() -> None:
    for event in (
        SessionUpdate(session=TranslationSession()),
        SessionInputAudioBufferAppend(audio=b""),
        SessionClose(),
    ):
        with pytest.raises(ConfigurationError, match="translation"):
            lower(event)


# No field is lost: each is refused, or makes a difference

SAMPLES: dict[str, Any] = {
    "audio": AudioConfig(input=AudioInput(format=AudioFormat()), output=AudioOutput(voice="verse")),
    "conversation": "none",
    "format": AudioFormat(),
    "include": ["x"],
    "input": [ItemReference(id="i")],
    "max_output_tokens": 7,
    "max_response_output_tokens": 7,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "noise_reduction": None,
    "output_modalities": ["text"],
    "prompt": Prompt(id="p"),
    "reasoning": Reasoning(effort="low"),
    "speed": 1.5,
    "temperature": 0.7,
    "tools": [FunctionTool(name="f")],
    "transcription": None,
    "turn_detection": None,
}
FROM_THE_SERVER = {"id", "object", "expires_at"}


def _fields(kind: Any) -> list[Any]:
    names = [name for name in kind.__struct_fields__ if name not in FROM_THE_SERVER]
    return [pytest.param(kind, name, id=f"{kind.__name__}.{name}") for name in names]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *_fields(Session),
        *_fields(TranscriptionSession),
        *_fields(AudioInput),
        *_fields(AudioOutput),
        *_fields(ResponseCreateParams),
    ],
)
def test_every_field_is_said_or_refused(kind: Any, name: str) -> None:
    def event(**given: Any) -> ClientEvent:
        made = kind(**given)
        if kind is ResponseCreateParams:
            return ResponseCreate(response=made)
        if kind is AudioInput:
            made = Session(audio=AudioConfig(input=made))
        elif kind is AudioOutput:
            made = Session(audio=AudioConfig(output=made))
        return SessionUpdate(session=made)

    try:
        tree = said(event(**{name: SAMPLES.get(name, "auto")}))
    except ConfigurationError as error:
        assert name in str(error)  # noqa: PT017 - either is right
    else:
        assert tree != said(event())


@pytest.mark.parametrize("name", AudioOutput.__struct_fields__)
def test_every_field_of_a_responses_voice_is_said_or_refused(name: str) -> None:
    given = AudioOutput(**{name: SAMPLES.get(name, "auto")})
    event = ResponseCreate(response=ResponseCreateParams(audio=AudioConfig(output=given)))
    try:
        tree = said(event)
    except ConfigurationError as error:
        assert name in str(error)  # noqa: PT017 - either is right
    else:
        assert tree != said(ResponseCreate(response=ResponseCreateParams()))


# Responses


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ResponseCreateParams(), {}),
        (ResponseCreateParams(output_modalities=["audio"]), {"modalities": ["text", "audio"]}),
        (ResponseCreateParams(max_output_tokens=7), {"max_response_output_tokens": 7}),
        (
            ResponseCreateParams(modalities=["text"], voice="ash"),
            {"modalities": ["text"], "voice": "ash"},
        ),
        (
            ResponseCreateParams(
                audio=AudioConfig(output=AudioOutput(voice="verse", format=AudioFormat()))
            ),
            {"voice": "verse", "output_audio_format": "pcm16"},
        ),
        (
            ResponseCreateParams(conversation="none", metadata={"a": "b"}, instructions="i"),
            {"conversation": "none", "metadata": {"a": "b"}, "instructions": "i"},
        ),
        (
            ResponseCreateParams(input=[Message(role="assistant", content=[OutputText(text="t")])]),
            {
                "input": [
                    {
                        "type": "message",
                        "role": "assistant",
                        "content": [{"type": "text", "text": "t"}],
                    }
                ]
            },
        ),
        (ResponseCreateParams(input=[]), {"input": []}),
    ],
)
def test_a_response(given: ResponseCreateParams, expected: dict[str, Any]) -> None:
    assert said(ResponseCreate(response=given))["response"] == expected


@pytest.mark.parametrize(
    "given",
    [
        ResponseCreateParams(prompt=Prompt(id="p")),
        ResponseCreateParams(parallel_tool_calls=True),
        ResponseCreateParams(tools=[McpTool(server_label="s")]),
        ResponseCreateParams(audio=AudioConfig(input=AudioInput())),
        ResponseCreateParams(input=[McpListTools(server_label="s", tools=[])]),
    ],
)
def test_a_response_the_beta_cannot_say(given: ResponseCreateParams) -> None:
    with pytest.raises(ConfigurationError, match="beta"):
        lower(ResponseCreate(response=given))


# Items


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OutputText(text="t"), {"type": "text", "text": "t"}),
        (OutputAudio(transcript="t"), {"type": "audio", "transcript": "t"}),
        (InputText(text="t"), {"type": "input_text", "text": "t"}),
        (InputAudio(audio=b"\0"), {"type": "input_audio", "audio": "AA=="}),
        (Audio(transcript="t"), {"type": "audio", "transcript": "t"}),
        (UnknownObject(type="vendor", x=1), {"type": "vendor", "x": 1}),
    ],
)
def test_a_part(given: Any, expected: dict[str, Any]) -> None:
    item = Message(role="user", content=[given])
    assert said(ConversationItemCreate(item=item))["item"]["content"] == [expected]


@pytest.mark.parametrize(
    "item",
    [
        Message(role="user", content=[]),
        FunctionCall(name="f", arguments="{}"),
        FunctionCallOutput(call_id="c", output="o"),
        ItemReference(id="i"),
        UnknownObject(type="vendor_item"),
    ],
)
def test_items_that_pass_unchanged(item: Item) -> None:
    event = ConversationItemCreate(item=item, previous_item_id="root", event_id="e")
    assert lower(event) == event


@pytest.mark.parametrize(
    "item",
    [
        McpListTools(server_label="s", tools=[]),
        McpApprovalResponse(approval_request_id="a", approve=True),
        McpCall(server_label="s", name="n", arguments="{}"),
        Message(role="user", content=[InputImage(image_url="data:")]),
    ],
)
def test_items_the_beta_has_not(item: Item) -> None:
    with pytest.raises(ConfigurationError, match="beta"):
        lower(ConversationItemCreate(item=item))


# Everything else


OTHERS: list[ClientEvent] = [
    InputAudioBufferAppend(audio=b"\0"),
    InputAudioBufferCommit(),
    InputAudioBufferClear(),
    OutputAudioBufferClear(),
    ConversationItemRetrieve(item_id="i"),
    ConversationItemTruncate(item_id="i", content_index=0, audio_end_ms=1),
    ConversationItemDelete(item_id="i"),
    ResponseCreate(),
    ResponseCancel(),
    UnknownEvent("vendor", b"{}"),
]


@pytest.mark.parametrize("event", OTHERS, ids=lambda event: event.type)
def test_events_that_are_the_same_in_both(event: ClientEvent) -> None:
    assert lower(event) is event


def test_every_event_was_looked_at() -> None:
    translated = {SessionUpdate, TranscriptionSessionUpdate, ConversationItemCreate, ResponseCreate}
    refused = {SessionInputAudioBufferAppend, SessionClose}
    same = {type(event) for event in OTHERS} - {UnknownEvent}
    assert translated | refused | same == set(CLIENT_EVENTS.values())


def test_what_was_given_is_not_changed() -> None:
    given = Session(output_modalities=["audio"], audio=AudioConfig(output=AudioOutput(voice="v")))
    event = SessionUpdate(session=given)
    assert lower(event) is not event
    assert event.session is given
    assert given == replace(given)
    assert given.include is UNSET
