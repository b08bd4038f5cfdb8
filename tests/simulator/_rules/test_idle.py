"""The wait for somebody to speak, rung by the test instead of a clock."""

from __future__ import annotations

from anyrealtime.simulator._rules._effects import Alarm
from anyrealtime.simulator._rules._idle import IdleTimer


def test_it_waits_for_the_answer_to_be_played_and_then_for_the_timeout() -> None:
    idle = IdleTimer()
    assert idle.answered(1_200, 6_000) == [Alarm(1_200)]
    assert idle.ring(3_000) == (None, [Alarm(6_000)])
    assert idle.ring(9_000) == (3_000, [])
    assert idle.ring(15_000) == (None, [])


def test_another_answer_begins_it_anew() -> None:
    idle = IdleTimer()
    idle.answered(100, 6_000)
    idle.ring(1_000)
    assert idle.answered(200, 6_000) == [Alarm(200)]
    assert idle.ring(2_000) == (None, [Alarm(6_000)])
    assert idle.ring(8_000) == (2_000, [])


def test_speech_stops_it() -> None:
    idle = IdleTimer()
    idle.answered(100, 6_000)
    idle.stop()
    assert idle.ring(1_000) == (None, [])
    assert idle.change(7_000) == []


def test_without_a_timeout_it_waits_for_one() -> None:
    idle = IdleTimer()
    assert idle.change(6_000) == []
    assert idle.answered(100, None) == []
    assert idle.change(None) == []
    assert idle.change(6_000) == [Alarm(0)]
    assert idle.change(6_000) == []
    assert idle.ring(500) == (None, [Alarm(6_000)])
    assert idle.change(None) == []
    assert idle.ring(500) == (None, [])
