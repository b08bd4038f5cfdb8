"""What requests and sessions say about responses."""

from __future__ import annotations

from anyrealtime._protocol._run import answers_turns, writes
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    BetaSession,
    ResponseCreateParams,
    ServerVad,
    Session,
)


def test_what_sessions_say_of_turns() -> None:
    no = ServerVad(create_response=False)
    assert answers_turns(None)
    assert answers_turns(Session())
    assert answers_turns(BetaSession(turn_detection=ServerVad()))
    assert not answers_turns(BetaSession(turn_detection=no))
    assert not answers_turns(Session(audio=AudioConfig(input=AudioInput(turn_detection=no))))


def test_which_requests_write() -> None:
    assert writes(ResponseCreateParams())
    assert writes(ResponseCreateParams(conversation="auto"))
    assert not writes(ResponseCreateParams(conversation="none"))
