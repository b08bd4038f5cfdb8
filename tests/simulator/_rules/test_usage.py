"""Tokens and allowances: invented, but they add up."""

from __future__ import annotations

from anyrealtime.simulator._rules._audio import Sound
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._grammar import Pcm
from anyrealtime.simulator._rules._usage import (
    RateLimits,
    Tokens,
    count_tokens,
    input_tokens,
    spoken_tokens,
    usage,
)


def test_tokens_of_text_and_speech() -> None:
    assert count_tokens("") == 0
    assert count_tokens("Hello there, world!") == 5
    assert [spoken_tokens(ms) for ms in (0, 1, 50, 51)] == [0, 1, 1, 2]


def test_what_is_read() -> None:
    content = [
        {"type": "input_text", "text": "one two"},
        {"type": "input_image", "image_url": "x"},
        {"type": "input_audio", "transcript": None},
    ]
    message = Entry({"id": "a", "content": content}, {2: Sound(Pcm(), bytearray(48_000))})
    call = Entry({"id": "b", "name": "f", "arguments": "{}"})
    assert input_tokens("Be brief.", [message, call]) == Tokens(
        text=3 + 3 + 2 + 3 + 1 + 2, audio=10, image=85
    )


def test_the_parts_make_the_totals() -> None:
    spent = usage(Tokens(100, 20, 3), Tokens(64), Tokens(7, 5), None)
    assert spent["total_tokens"] == 135
    assert spent["input_tokens"] == 123
    assert spent["output_tokens"] == 12


def test_only_whole_steps_are_cached() -> None:
    assert Tokens(200, 70).cached_after(Tokens(130, 63)) == Tokens(128, 0)


def test_allowances_end_at_nothing() -> None:
    limits = RateLimits(None, lambda: 0.0)
    limits.spend(10**9)
    assert limits.tokens() == {
        "name": "tokens",
        "limit": 15_000_000,
        "remaining": 0,
        "reset_seconds": 4_000.0,
    }
    assert limits.requests()["remaining"] == 19_999


def test_what_was_spent_comes_back() -> None:
    now = 100.0
    limits = RateLimits(600, lambda: now)
    limits.spend(900)
    assert limits.exhausted
    assert limits.tokens()["reset_seconds"] == 90.0
    now += 30
    assert limits.exhausted
    now += 1
    assert not limits.exhausted
    assert limits.tokens() == {
        "name": "tokens",
        "limit": 600,
        "remaining": 10,
        "reset_seconds": 59.0,
    }
    now += 3_600
    assert limits.tokens()["remaining"] == 600


def test_an_allowance_of_the_service_refuses_nothing() -> None:
    limits = RateLimits(None, lambda: 0.0)
    limits.spend(10**9)
    assert not limits.exhausted
