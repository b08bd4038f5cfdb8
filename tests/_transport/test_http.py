"""Heads of HTTP responses, and the errors made of refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._http import Head, parse_head, quotable, refusal

ENDPOINT = Endpoint("wss://h.example/v1", (("Authorization", "Bearer sk-secret"),))


def test_a_head() -> None:
    head = parse_head(b"HTTP/1.1 407 Proxy  Auth\r\nX-A: b : c\r\nx-a:  last \r\nNo-Colon")
    assert head == Head(407, "Proxy Auth", {"x-a": "last", "no-colon": ""})


@pytest.mark.parametrize("phrase", [b"", b" "])
def test_a_head_without_a_phrase(phrase: bytes) -> None:
    assert parse_head(b"HTTP/1.0 200" + phrase) == Head(200, "", {})


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/2 200 OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 999 No", b"ICY 200 OK", b"\x16\x03"],
)
def test_what_is_no_head(data: bytes) -> None:
    assert parse_head(data) is None


@given(st.binary())
def test_any_bytes_are_a_head_or_none(data: bytes) -> None:
    head = parse_head(data)
    assert head is None or 100 <= head.status <= 599


def test_a_refusal_says_what_the_server_said() -> None:
    error = refusal(ENDPOINT, 401, '{"error":\n {"message": "bad sk-secret"}}', "2.5")
    assert str(error) == (
        "h.example:443 refused the WebSocket handshake with HTTP 401: "
        '{"error": {"message": "bad ***"}}'
    )
    assert (error.status, error.retry_after) == (401, 2.5)
    assert error.body == '{"error":\n {"message": "bad ***"}}'


def test_a_refusal_without_words() -> None:
    error = refusal(ENDPOINT, 503)
    assert str(error).endswith("HTTP 503")
    assert (error.body, error.retry_after) == ("", None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 00:00:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert refusal(ENDPOINT, 429, "", value).retry_after == seconds


def test_a_long_body_is_kept_longer_than_it_is_quoted() -> None:
    error = refusal(ENDPOINT, 500, "x" * 100_000)
    assert len(str(error)) < 1000 < len(error.body) < 10_000


@given(st.text())
def test_what_is_quoted_is_one_printable_line(text: str) -> None:
    line = quotable(text * 20)
    assert line.isprintable()
    assert len(line) <= 500
