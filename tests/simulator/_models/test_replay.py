"""A recording is said again: its pieces, its failures, and what its caller said."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import anyio
import pytest

from anyrealtime import ResponseFailed, open_realtime
from anyrealtime.audio import encode_pcmu
from anyrealtime.errors import ConfigurationError
from anyrealtime.events import AudioConfig, AudioInput, Session
from anyrealtime.simulator import (
    ContentFiltered,
    FunctionCallRequest,
    ModelFailure,
    NewMessage,
    Replay,
    Transcript,
    open_simulator,
)
from tests.simulator.schemas import PROTOCOL, Json

RECORDINGS = PROTOCOL / "recordings"


def recorded(path: Path, *events: Json) -> Path:
    """A recording of what a server sent."""
    lines = [{"direction": "received", "data": event} for event in events]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", "utf-8")
    return path


def created(response_id: str) -> Json:
    return {"type": "response.created", "response": {"id": response_id, "output": []}}


def done(response_id: str, *output: Json, **fields: object) -> Json:
    response = {"id": response_id, "status": "completed", "output": list(output), **fields}
    return {"type": "response.done", "response": response}


def within(kind: str, response_id: str, item_id: str, **fields: object) -> Json:
    place = {"response_id": response_id, "item_id": item_id, "output_index": 0}
    return {"type": f"response.{kind}", **place, "content_index": 0, **fields}


def message(item_id: str, *content: Json, **fields: object) -> Json:
    return {"id": item_id, "type": "message", "role": "assistant", "content": content, **fields}


def test_pieces_are_kept(tmp_path: Path) -> None:
    call = {"id": "i2", "type": "function_call", "call_id": "c1", "name": "f", "arguments": ""}
    added = {"type": "response.output_item.added", "response_id": "r1", "output_index": 0}
    [turn] = Replay(
        recorded(
            tmp_path / "r.jsonl",
            created("r1"),
            {**added, "item": message("i1", phase="commentary")},
            within("output_text.delta", "r1", "i1", delta="Let me "),
            {**added, "item": call},
            within("function_call_arguments.delta", "r1", "i2", call_id="c1", delta='{"a":'),
            within("output_text.delta", "r1", "i1", delta="see."),
            within("function_call_arguments.delta", "r1", "i2", call_id="c1", delta="1}"),
            {**added, "type": "response.output_item.done", "item": message("i1")},
            {**added, "item": message("i3")},
            within("text.delta", "r1", "i3", delta="So."),
            done("r1"),
        )
    ).turns
    assert turn.says == [
        NewMessage("commentary"),
        "Let me ",
        FunctionCallRequest("f", ('{"a":', "1}"), "c1", alongside=True),
        "see.",
        NewMessage(),
        "So.",
    ]


def test_what_came_whole_is_said_whole(tmp_path: Path) -> None:
    call = {"id": "i2", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    late = {"call_id": "c2", "name": "g", "arguments": "[]"}
    [turn] = Replay(
        recorded(
            tmp_path / "r.jsonl",
            created("r1"),
            within("function_call_arguments.done", "r1", "i4", **late),
            done(
                "r1",
                message("i1", {"type": "output_text", "text": "One."}),
                call,
                message("i3", {"type": "output_audio", "transcript": "Two."}),
            ),
        )
    ).turns
    assert turn.says == [
        FunctionCallRequest("g", ("[]",), "c2"),
        "One.",
        FunctionCallRequest("f", ("{}",), "c1", alongside=True),
        NewMessage(),
        "Two.",  # there is no sound of it: the voice has to speak it
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"audio": {"output": {"format": {"type": "audio/pcmu"}}}},
        {"output_audio_format": "g711_ulaw"},
    ],
)
def test_sound_is_kept_in_one_format(tmp_path: Path, told: Json) -> None:
    pcm = b"\x84\x04" * 160
    sound = base64.b64encode(encode_pcmu(pcm)).decode()
    [turn] = Replay(
        recorded(
            tmp_path / "r.jsonl",
            {"type": "session.created", "session": {"id": "s", "type": "realtime", **told}},
            created("r1"),
            within("output_audio_transcript.delta", "r1", "i1", delta="Hm."),
            within("output_audio.delta", "r1", "i1", delta=sound),
            done("r1"),
        )
    ).turns
    assert isinstance(turn.says, list)
    words, heard = turn.says
    assert words == Transcript("Hm.")
    assert isinstance(heard, bytes)
    assert len(heard) == 3 * len(pcm)


def test_sound_at_another_rate(tmp_path: Path) -> None:
    form = {"type": "audio/pcm", "rate": 16_000}
    session = {"id": "s", "type": "realtime", "audio": {"output": {"format": form}}}
    sound = base64.b64encode(b"\1\0" * 160).decode()
    [turn] = Replay(
        recorded(
            tmp_path / "r.jsonl",
            {"type": "session.created", "session": session},
            created("r1"),
            within("output_audio.delta", "r1", "i1", delta=sound),
        )
    ).turns
    assert isinstance(turn.says, list)
    [heard] = turn.says
    assert isinstance(heard, bytes)
    assert abs(len(heard) - 480) <= 2


def test_what_the_caller_said_though_it_came_late(tmp_path: Path) -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    first, second = Replay(
        recorded(
            tmp_path / "r.jsonl",
            {"type": "input_audio_buffer.committed", "item_id": "u1"},
            {"type": "input_audio_buffer.committed", "item_id": "u2"},
            created("r1"),
            done("r1"),
            {"type": kind, "item_id": "u2", "transcript": "there?\n"},
            {"type": kind, "item_id": "u1", "transcript": "Who is"},
            created("r2"),
            done("r2"),
        )
    ).turns
    assert (first.heard, second.heard) == ("Who is there?", None)


def test_a_failure_fails_again(tmp_path: Path) -> None:
    error = {"type": "invalid_request_error", "code": "insufficient_quota", "message": "No."}
    filtered = {"type": "incomplete", "reason": "content_filter"}
    first, second, third = Replay(
        recorded(
            tmp_path / "r.jsonl",
            created("r1"),
            done("r1", status="failed", status_details={"type": "failed", "error": error}),
            created("r2"),
            done("r2", status="failed"),
            created("r3"),
            done("r3", status="incomplete", status_details=filtered),
        )
    ).turns
    assert isinstance(first.fails, ModelFailure)
    assert (first.fails.type, first.fails.code, first.fails.message) == tuple(error.values())
    assert isinstance(second.fails, ModelFailure)
    assert isinstance(third.fails, ContentFiltered)


def test_a_recording_without_a_response(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r.jsonl", {"type": "input_audio_buffer.cleared"})
    with pytest.raises(ConfigurationError, match="no response in"):
        Replay(path)


async def test_over_a_real_socket(anyio_backend: str, tmp_path: Path) -> None:
    sound = bytes(range(200)) * 2
    path = recorded(
        tmp_path / "r.jsonl",
        created("r1"),
        within("output_audio_transcript.delta", "r1", "i1", delta="Hm, "),
        within("output_audio.delta", "r1", "i1", delta=base64.b64encode(sound).decode()),
        within("output_audio_transcript.delta", "r1", "i1", delta="hm."),
        done("r1"),
        created("r2"),
        done("r2", status="failed"),
    )
    session = Session(audio=AudioConfig(input=AudioInput(turn_detection=None)))
    with anyio.fail_after(10):
        async with (
            open_simulator(model=Replay(path)) as simulator,
            open_realtime(url=simulator.url, session=session) as connection,
        ):
            async with connection.respond() as response:
                audio = b"".join([chunk async for chunk in response.audio])
                words = "".join([piece async for piece in response.transcript])
            assert (audio, words) == (sound, "Hm, hm.")
            with pytest.raises(ResponseFailed, match="The response failed"):
                await connection.ask("And now?")


@pytest.mark.skipif(not RECORDINGS.exists(), reason="no recordings at hand")
async def test_a_real_round_of_functions(anyio_backend: str) -> None:
    replay = Replay(RECORDINGS / "test_openai_ws__test_tool_call_round.jsonl")
    with anyio.fail_after(10):
        async with (
            open_simulator(model=replay) as simulator,
            open_realtime(
                url=simulator.url, session=Session(output_modalities=["text"])
            ) as connection,
        ):
            async with connection.respond() as response:
                [call] = [call async for call in response.function_calls]
            assert call.name == "get_weather"
            assert json.loads(call.arguments) == {"city": "London"}
            assert "12" in await connection.ask("So?")
    replay.check_finished()
