"""What a type checker must see: pyright and mypy, both strict, read this file, and pytest runs it."""

from __future__ import annotations

from typing import assert_type

import pytest
from msgspec import UNSET, UnsetType

from anyrealtime.events import (
    SERVER_EVENTS,
    AnySession,
    BetaSession,
    ClientEvent,
    ContentPart,
    ErrorEvent,
    Event,
    FunctionCall,
    InputAudioBufferAppend,
    InputText,
    InvalidEvent,
    Item,
    Message,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputTextDelta,
    ResponseTextDelta,
    ServerEvent,
    ServerVad,
    Session,
    SessionCreated,
    UnknownEvent,
    UnknownObject,
    Usage,
    decode_client,
    decode_server,
    encode,
)


def read_server(event: ServerEvent) -> str:
    match event:
        case ResponseOutputTextDelta(delta=text):
            assert_type(text, str)
            return text
        case ResponseOutputAudioDelta(delta=audio, item_id=item_id):
            assert_type(audio, bytes)
            assert_type(item_id, str | None)
            return audio.hex()
        case ResponseFunctionCallArgumentsDone(call_id=call_id, arguments=arguments):
            assert_type((call_id, arguments), tuple[str, str])
            return arguments
        case ResponseDone(response=response):
            assert_type(response.usage, Usage | None)
            assert_type(response.output, list[Item])
            return " ".join(map(read_item, response.output))
        case SessionCreated(session=session):
            assert_type(session, AnySession)
            return read_session(session)
        case ErrorEvent(error=error):
            assert_type(error.code, str | None)
            return error.code or ""
        case UnknownEvent(type=tag, raw=raw) | InvalidEvent(type=tag, raw=raw):
            assert_type((tag, raw), tuple[str, bytes])
            return tag
        case _:
            assert_type(event.type, str)
            assert_type(event.event_id, str | None)
            return event.type


def read_client(event: ClientEvent) -> str:
    match event:
        case InputAudioBufferAppend(audio=audio):
            assert_type(audio, bytes)
            return audio.hex()
        case ResponseCreate(response=response):
            assert_type(response, ResponseCreateParams | None)
            return "response"
        case _:
            return event.type


def read_item(item: Item) -> str:
    match item:
        case Message(content=content):
            assert_type(content, list[ContentPart])
            return " ".join(part.text for part in content if isinstance(part, InputText))
        case FunctionCall(name=name):
            assert_type(name, str)
            return name
        case UnknownObject():
            assert_type(item.type, str | None)
            return item.type or "?"
        case _:
            assert_type(item.type, str)
            return item.type


def read_session(session: AnySession) -> str:
    match session:
        case Session(instructions=instructions):
            assert_type(instructions, str | UnsetType | None)
            return instructions or ""
        case BetaSession(turn_detection=ServerVad(threshold=threshold)):
            assert_type(threshold, float | UnsetType | None)
            return str(threshold)
        case _:
            return "?"


@pytest.mark.parametrize(
    ("frame", "read"),
    [
        (b'{"type":"response.output_text.delta","delta":"a"}', "a"),
        (b'{"type":"response.text.delta","delta":"a"}', "a"),
        (b'{"type":"response.output_audio.delta","delta":"AAE="}', "0001"),
        (b'{"type":"response.function_call_arguments.done","arguments":"{}"}', "{}"),
        (b'{"type":"response.done","response":{"output":[{"type":"smell"}]}}', "smell"),
        (
            b"""{"type": "response.done", "response": {"output": [
                {"type": "message", "content": [{"type": "input_text", "text": "a"}]},
                {"type": "function_call", "name": "n"},
                {"type": "item_reference", "id": "i"}
            ]}}""",
            "a n item_reference",
        ),
        (b'{"type":"session.created","session":{"type":"realtime","instructions":"b"}}', "b"),
        (b'{"type":"session.created","session":{"turn_detection":{"type":"server_vad"}}}', "UNSET"),
        (b'{"type":"session.created","session":{}}', "?"),
        (b'{"type":"error","error":{"code":"c"}}', "c"),
        (b'{"type":"ping"}', "ping"),
        (b'{"type":"response.done"}', "response.done"),
        (b'{"type":"input_audio_buffer.cleared"}', "input_audio_buffer.cleared"),
    ],
)
def test_server(frame: bytes, read: str) -> None:
    assert read_server(decode_server(frame)) == read


@pytest.mark.parametrize(
    ("frame", "read"),
    [
        (b'{"type":"input_audio_buffer.append","audio":"AAE="}', "0001"),
        (b'{"type":"response.create"}', "response"),
        (b'{"type":"response.cancel"}', "response.cancel"),
    ],
)
def test_client(frame: bytes, read: str) -> None:
    assert read_client(decode_client(frame)) == read


def test_the_rest() -> None:
    assert_type(SERVER_EVENTS["response.text.delta"], type[Event])
    assert SERVER_EVENTS["response.text.delta"] is ResponseTextDelta
    assert_type(encode(ResponseCreate()), bytes)
    assert Session().audio is UNSET
