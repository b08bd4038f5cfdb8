"""Frames in, events out, and back: what is known, what is not, and that nothing raises."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrealtime.events import (
    CLIENT_EVENTS,
    SERVER_EVENTS,
    ClientEvent,
    ConversationItemAdded,
    InputAudioBufferAppend,
    InvalidEvent,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputTextDelta,
    ServerEvent,
    SessionUpdate,
    UnknownEvent,
    codec,
    decode_client,
    decode_server,
    encode,
)

Decode: TypeAlias = Callable[[bytes | str], ClientEvent | ServerEvent]

DELTA = b'{"type":"response.output_text.delta","event_id":"e","delta":"hi"}'


def test_a_known_event() -> None:
    assert decode_server(DELTA) == ResponseOutputTextDelta(event_id="e", delta="hi")


@pytest.mark.parametrize("frame", [DELTA.decode(), bytearray(DELTA), memoryview(DELTA)])
def test_any_kind_of_frame(frame: str | bytearray | memoryview) -> None:
    assert decode_server(frame) == decode_server(DELTA)


def test_the_type_may_come_last() -> None:
    assert decode_server(b'{"delta":"hi","event_id":"e","type":"response.output_text.delta"}') == (
        decode_server(DELTA)
    )


def test_fields_nobody_knows_are_ignored() -> None:
    assert decode_server(DELTA[:-1] + b',"colour":{"a":[1]}}') == decode_server(DELTA)


@pytest.mark.parametrize("decode", [decode_client, decode_server])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_an_unknown_type_keeps_the_frame(decode: Decode, kind: Callable[[bytes], bytes]) -> None:
    frame = b'{"type":"no.such.event","event_id":"e1","x":[1,2]}'
    event = decode(kind(frame))
    assert isinstance(event, UnknownEvent)
    assert event == UnknownEvent("no.such.event", frame, "e1")
    assert type(event.raw) is bytes
    assert encode(event) == frame


def test_the_two_directions_are_told_apart() -> None:
    assert isinstance(decode_client(DELTA), UnknownEvent)
    assert isinstance(decode_server(b'{"type":"response.create"}'), UnknownEvent)


@pytest.mark.parametrize(
    ("frame", "where"),
    [
        (b'{"type":"response.output_text.delta","event_id":"e1","delta":5}', "$.delta"),
        (b'{"type":"response.output_text.delta","event_id":"e1"}', "delta"),
        (b'{"type":"response.done","event_id":"e1","response":[]}', "$.response"),
        (b'{"type":"response.done","event_id":"e1","response":{"id":5}}', "$.response.id"),
        (b'{"type":"rate_limits.updated","event_id":"e1","rate_limits":"many"}', "$.rate_limits"),
        (b'{"type":"session.created","event_id":"e1","session":"mine"}', "object"),
        (b'{"type":"response.output_audio.delta","event_id":"e1","delta":"%%%%"}', "$.delta"),
    ],
)
def test_a_known_type_that_drifted(frame: bytes, where: str) -> None:
    event = decode_server(frame)
    assert isinstance(event, InvalidEvent)
    assert event.type == json.loads(frame)["type"]
    assert event.raw == frame
    assert where in event.error
    assert event.event_id == "e1"
    assert encode(event) == frame


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b" ",
        b"null",
        b"1e999",
        b'"text"',
        b"[]",
        b'[{"type":"error"}]',
        b"{",
        b'{"type":"response.done",',
        b"\x00",
        b'\x00{"type":"error"}',
        b'{"type":"error"}\x00',
        b"{}",
        b'{"type":null}',
        b'{"type":5}',
        b'{"type":["error"]}',
        b'{"no":"type"}',
        b'{"type":"error",' + b'"a":[' * 100_000,
        b"\xff\xfe",
        "",
        "\ud800",
        "{",
    ],
    ids=lambda frame: repr(frame[:24]),
)
@pytest.mark.parametrize("decode", [decode_client, decode_server])
def test_what_is_no_event_at_all(decode: Decode, frame: bytes | str) -> None:
    event = decode(frame)
    assert isinstance(event, InvalidEvent)
    assert event.type == ""
    assert event.raw == (
        frame if isinstance(frame, bytes) else frame.encode(errors="surrogatepass")
    )
    assert event.error


@pytest.mark.parametrize(
    "frame",
    [
        rb'{"type":"response.output_text.delta","delta":"\ud83d"}',
        '{"type":"response.output_text.delta","delta":"\ud83d"}',
        b'{"type":"response.output_text.delta","delta":"\xff"}',
        b'{"type":"response.output_text.delta","delta":NaN}',
    ],
)
def test_half_a_character_does_not_hide_the_type(frame: bytes | str) -> None:
    event = decode_server(frame)
    assert isinstance(event, InvalidEvent)
    assert event.type == "response.output_text.delta"


def test_an_event_id_of_another_kind_counts_as_none() -> None:
    assert decode_server(b'{"type":"x","event_id":7}').event_id is None
    assert decode_server(b'{"event_id":"e1"}').event_id == "e1"


def test_a_null_without_a_meaning_counts_as_absent() -> None:
    event = decode_server(b'{"type":"response.created","response":{"id":"r","output":null}}')
    assert isinstance(event, ResponseCreated)
    assert event.response.output == []
    event = decode_server(
        b'{"type":"conversation.item.added","item":{"type":"message","id":"i","content":null}}'
    )
    assert isinstance(event, ConversationItemAdded)
    assert event.item.type == "message"


@pytest.mark.parametrize(
    ("text", "audio"),
    [
        ("AAEC", b"\x00\x01\x02"),
        ("AAECAw", b"\x00\x01\x02\x03"),
        ("AAECAwQ", b"\x00\x01\x02\x03\x04"),
        ("AAECB", b"\x00\x01\x02"),
        ("", b""),
    ],
)
def test_base64_that_was_cut_short(text: str, audio: bytes) -> None:
    event = decode_server(json.dumps({"type": "response.output_audio.delta", "delta": text}))
    assert event == ResponseOutputAudioDelta(delta=audio)
    appended = decode_client(json.dumps({"type": "input_audio_buffer.append", "audio": text}))
    assert appended == InputAudioBufferAppend(audio=audio)


def test_text_is_never_mended_as_if_it_were_base64() -> None:
    frame = b'{"type":"conversation.item.input_audio_transcription.delta","delta":"a","item_id":5}'
    assert isinstance(decode_server(frame), InvalidEvent)
    frame = (
        b'{"type":"conversation.item.input_audio_transcription.segment","text":"a","start":null}'
    )
    assert json.loads(encode(decode_server(frame)))["text"] == "a"


def test_encode_leaves_nothing_to_guess() -> None:
    frame = encode(InputAudioBufferAppend(audio=b"\x00\x01\x02"))
    assert frame == b'{"type":"input_audio_buffer.append","audio":"AAEC"}'


def test_the_maps_name_every_class_once() -> None:
    for known in (CLIENT_EVENTS, SERVER_EVENTS):
        assert len(set(known.values())) == len(known)
        for tag, kind in known.items():
            assert kind.__struct_config__.tag == tag
    assert not set(CLIENT_EVENTS) & set(SERVER_EVENTS)
    assert len(CLIENT_EVENTS) == 11 + 1 + 2  # GA, beta, translation
    assert len(SERVER_EVENTS) == 46 + 8 + 4 + 1  # GA, beta, translation, xAI


def test_decoders_are_made_at_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_read_server", codec._first_read_server)
    monkeypatch.setattr(codec, "_read_client", codec._first_read_client)
    assert isinstance(decode_server(DELTA), ResponseOutputTextDelta)
    assert isinstance(decode_client(b'{"type":"session.update","session":{}}'), SessionUpdate)
    for read in (codec._read_server, codec._read_client):
        assert type(read).__name__ == "builtin_function_or_method"  # straight into msgspec
    made = codec._read_server, codec._read_client
    codec._first_read_server(DELTA)  # somebody had it in hand before there was another
    codec._first_read_client(b'{"type":"response.create"}')
    assert (codec._read_server, codec._read_client) == made


def test_all_frames_of_a_read_build_one_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[object] = []

    def build(*args: object, **options: object) -> object:
        built.append(args)
        return decoder(*args, **options)

    decoder: Callable[..., object] = msgspec.json.Decoder
    monkeypatch.setattr(msgspec.json, "Decoder", build)
    monkeypatch.setattr(codec, "_read_server", codec._first_read_server)
    assert codec.decode_server_frames([DELTA] * 3) == [decode_server(DELTA)] * 3
    assert len(built) == 1


# --- whatever comes --------------------------------------------------------------------------

texts = st.text(st.characters(), max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
tags = st.sampled_from(sorted({*CLIENT_EVENTS, *SERVER_EVENTS})) | st.text(max_size=5)
names = st.sampled_from(
    ["event_id", "item", "session", "response", "delta", "audio", "part", "error", "rate_limits"]
)
inner_tags = st.sampled_from(["message", "function_call", "input_text", "realtime", "server_vad"])
objects = st.fixed_dictionaries(
    {"type": inner_tags},
    optional={"content": trees, "id": trees, "audio": trees, "tools": trees, "output": trees},
)
fields = st.dictionaries(
    names, trees | objects | st.fixed_dictionaries({"output": st.lists(objects)})
)


@st.composite
def tagged(draw: st.DrawFn) -> dict[str, object]:
    return {**draw(fields), "type": draw(tags)}


almost_events = tagged()


@given(st.binary() | texts | trees.map(json.dumps) | almost_events.map(json.dumps))
def test_nothing_raises(frame: bytes | str) -> None:
    for decode in (decode_client, decode_server):
        event = decode(frame)
        if isinstance(event, UnknownEvent | InvalidEvent):
            raw = frame if isinstance(frame, bytes) else frame.encode(errors="surrogatepass")
            assert event.raw == raw == encode(event)
        else:
            again = decode(encode(event))
            assert type(again) is type(event)


@settings(max_examples=30)  # each of up to four frames, which other tests try one by one
@given(
    st.lists(st.binary() | almost_events.map(lambda tree: json.dumps(tree).encode()), max_size=4)
)
def test_the_frames_of_a_read_are_decoded_one_by_one(frames: list[bytes]) -> None:
    assert repr(codec.decode_server_frames(frames)) == repr([*map(decode_server, frames)])


@given(almost_events.map(json.dumps))
def test_what_decodes_comes_back_equal(frame: str) -> None:
    for decode in (decode_client, decode_server):
        event = decode(frame)
        if not isinstance(event, UnknownEvent | InvalidEvent):
            assert decode(encode(event)) == event


def test_depth_costs_the_frame_and_not_the_program() -> None:
    deep = b"[" * (sys.getrecursionlimit() // 2) + b"]" * (sys.getrecursionlimit() // 2)
    frame = b'{"type":"response.done","response":{"metadata":{"a":' + deep + b"}}}"
    event = decode_server(frame)
    assert isinstance(event, ResponseDone | InvalidEvent)
