"""Who comes in, and as what: read from a request without a socket."""

from __future__ import annotations

import pytest

from anyrealtime.simulator._rules._admission import (
    Dialect,
    Door,
    asked_kind,
    asked_model,
    is_sideband,
    visit,
)

BETA = [("OpenAI-Beta", "realtime=v1")]


def test_a_request_is_taken_apart() -> None:
    visitor = visit(
        "/openai/v1/realtime?model=a%20b&intent=",
        [
            ("Host", "x"),
            ("Sec-WebSocket-Protocol", "realtime, one"),
            ("SEC-WEBSOCKET-PROTOCOL", "two"),
        ],
    )
    assert visitor.path == "/openai/v1/realtime"
    assert visitor.query == {"model": "a b", "intent": ""}
    assert visitor.headers["host"] == "x"
    assert visitor.subprotocols == ["realtime", "one", "two"]
    assert visitor.is_realtime


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/realtime", True),
        ("/v1/realtime/", True),
        ("/realtime?x=1", True),
        ("/voice-live/realtime", True),
        ("/v1/realtime/translations", True),
        ("/v1/notrealtime", False),
        ("/", False),
    ],
)
def test_what_is_served(target: str, *, expected: bool) -> None:
    assert visit(target, []).is_realtime is expected


@pytest.mark.parametrize(
    ("dialect", "target", "headers", "beta"),
    [
        ("auto", "/realtime", [], False),
        ("auto", "/realtime", BETA, True),
        ("auto", "/realtime", [("Sec-WebSocket-Protocol", "openai-beta.realtime-v1")], True),
        ("auto", "/realtime?api-version=2025", [], True),
        ("beta", "/realtime", [], True),
        ("ga", "/realtime?api-version=2025", [], False),
    ],
)
def test_dialect(
    dialect: Dialect, target: str, headers: list[tuple[str, str]], *, beta: bool
) -> None:
    assert Door(None, None, dialect).speaks_beta(visit(target, headers)) is beta


def test_kinds_of_visit() -> None:
    assert asked_model(visit("/realtime?model=a&deployment=b", [])) == "a"
    assert asked_model(visit("/realtime?deployment=b", [])) == "b"
    assert asked_model(visit("/realtime", [])) is None
    assert asked_kind(visit("/realtime?intent=transcription", [])) == "transcription"
    assert asked_kind(visit("/realtime?intent=realtime", [])) == "conversation"
    assert asked_kind(visit("/v1/realtime/translations/?model=m", [])) == "translation"
    assert is_sideband(visit("/realtime?call_id=rtc_1", []))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], None),
        ([("Authorization", "Basic c2VjcmV0")], None),
        ([("Authorization", "Bearer ")], None),
        ([("Authorization", "Bearer other")], "invalid_api_key"),
        ([("Authorization", "Bearer sécret")], "invalid_api_key"),
        ([("Api-Key", "other")], "invalid_api_key"),
    ],
)
def test_wrong_keys(headers: list[tuple[str, str]], code: str | None) -> None:
    turned_away = Door("secret", None, "auto").turn_away(visit("/realtime", headers))
    assert turned_away is not None
    assert turned_away.refusal.code == code
    assert turned_away.close_code == 3000


def test_the_model_is_not_asked_for_where_there_is_none() -> None:
    door = Door(None, {"mine"}, "auto")
    for query in ("call_id=rtc_1", "intent=transcription", "model=mine"):
        assert door.turn_away(visit(f"/realtime?{query}", [])) is None
    assert door.turn_away(visit("/realtime", [])) is not None
