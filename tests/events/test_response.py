"""Responses: what is asked, what came, what it cost."""

from __future__ import annotations

import json

from msgspec import UNSET

from anyrealtime.events import (
    InputTokenDetails,
    Response,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    ResponseError,
    ResponseStatusDetails,
    TranscriptionUsage,
    Usage,
    decode_client,
    decode_server,
    encode,
)


def test_only_what_was_given_is_asked() -> None:
    assert encode(ResponseCreate()) == b'{"type":"response.create"}'
    asked = ResponseCreate(
        response=ResponseCreateParams(conversation="none", tools=[], metadata={"token": "t"})
    )
    assert json.loads(encode(asked)) == {
        "type": "response.create",
        "response": {"conversation": "none", "tools": [], "metadata": {"token": "t"}},
    }
    assert decode_client(encode(asked)) == asked
    assert encode(ResponseCreate(response=ResponseCreateParams())) == (
        b'{"type":"response.create","response":{}}'
    )


def test_a_response_is_written_with_its_nulls() -> None:
    tree = json.loads(encode(ResponseDone(response=Response(id="r", status="completed"))))
    assert tree["response"] == {
        "id": "r",
        "object": "realtime.response",
        "status": "completed",
        "status_details": None,
        "output": [],
        "conversation_id": None,
        "max_output_tokens": None,
        "usage": None,
        "metadata": None,
    }


def test_why_it_failed() -> None:
    event = decode_server(
        b"""{"type": "response.done", "response": {"status": "failed", "status_details":
        {"type": "failed", "error": {"type": "server_error", "code": "insufficient_quota"}}}}"""
    )
    assert isinstance(event, ResponseDone)
    assert event.response.status_details == ResponseStatusDetails(
        type="failed", error=ResponseError(type="server_error", code="insufficient_quota")
    )


def test_usage_may_say_nothing() -> None:
    event = decode_server(b'{"type":"response.done","response":{"usage":{}}}')
    assert isinstance(event, ResponseDone)
    assert event.response.usage == Usage()
    assert event.usage is UNSET


def test_a_transcription_costs_tokens_or_seconds() -> None:
    frame = b"""{"type": "conversation.item.input_audio_transcription.completed", "usage": %s}"""
    for tree, usage in (
        (b'{"type":"duration","seconds":3}', TranscriptionUsage(type="duration", seconds=3)),
        (
            b'{"type":"tokens","total_tokens":3,"input_token_details":{"audio_tokens":3}}',
            TranscriptionUsage(
                type="tokens",
                total_tokens=3,
                input_token_details=InputTokenDetails(audio_tokens=3),
            ),
        ),
    ):
        assert getattr(decode_server(frame % tree), "usage", None) == usage
