"""What an error means: the tables, and the exceptions made of errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anyrealtime import RequestError, ServerError
from anyrealtime._protocol._verdict import (
    BENIGN_CODES,
    FATAL_CODES,
    FATAL_TYPES,
    request_error,
    server_error,
    verdict,
)
from anyrealtime.events import ErrorDetail


@pytest.mark.parametrize("code", sorted(BENIGN_CODES))
def test_races_are_benign_whatever_their_type(code: str) -> None:
    for kind in (None, "invalid_request_error", "server_error", *FATAL_TYPES):
        assert verdict(ErrorDetail(type=kind, code=code)) == "benign"


@pytest.mark.parametrize("code", sorted(FATAL_CODES))
def test_fatal_codes_wait_for_a_close(code: str) -> None:
    assert verdict(ErrorDetail(type="invalid_request_error", code=code)) == "raise_if_not_closed"


@pytest.mark.parametrize("kind", sorted(FATAL_TYPES))
def test_fatal_types_do_where_the_code_has_changed(kind: str) -> None:
    for code in (None, "something_new"):
        assert verdict(ErrorDetail(type=kind, code=code)) == "raise_if_not_closed"


@pytest.mark.parametrize(
    "detail",
    [
        ErrorDetail(),
        ErrorDetail(type="server_error"),
        ErrorDetail(type="invalid_request_error", code="invalid_value"),
        ErrorDetail(code="insufficient_quota"),
        ErrorDetail(code="rate_limit_exceeded"),
        ErrorDetail(code="something_new"),
        ErrorDetail(message="response_cancel_not_active"),  # a message is not a code
    ],
)
def test_everything_else_is_raised(detail: ErrorDetail) -> None:
    assert verdict(detail) == "raise"


def test_no_code_is_in_two_tables() -> None:
    assert not BENIGN_CODES & FATAL_CODES


def test_the_named_races_are_known() -> None:
    """PROTOCOL.md 6.3, and the design's page."""
    assert {
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "conversation_already_has_active_response",
        "item_truncate_invalid_item_id",
    } <= BENIGN_CODES
    assert {"session_expired", "invalid_api_key", "beta_api_shape_disabled"} <= FATAL_CODES


Make = Callable[[ErrorDetail], ServerError | RequestError]
MAKERS = pytest.mark.parametrize(
    ("make", "kind"), [(server_error, ServerError), (request_error, RequestError)]
)


@MAKERS
def test_exceptions_carry_what_the_server_said(make: Make, kind: type[Exception]) -> None:
    error = make(ErrorDetail(type="t", code="c", message="No.", param="p", event_id="e"))
    assert type(error) is kind
    assert (error.type, error.code, error.param) == ("t", "c", "p")
    assert (error.message, error.event_id) == ("No.", "e")
    assert str(error) == "No. (code=c param=p)"


@MAKERS
@pytest.mark.parametrize("detail", [ErrorDetail(), ErrorDetail(message="", code="")])
def test_an_error_that_says_nothing(make: Make, kind: type[Exception], detail: ErrorDetail) -> None:
    assert "without a message" in str(make(detail))
    assert isinstance(make(detail), kind)


@MAKERS
def test_the_code_where_there_is_no_message(make: Make, kind: type[Exception]) -> None:
    error = make(ErrorDetail(code="insufficient_quota"))
    assert error.message == "insufficient_quota"
    assert isinstance(error, kind)
