"""Who may come in, and as what: the request of a WebSocket upgrade, read as the service does.

A wrong key or model is told after the upgrade, as an `error` followed by CLOSE: that is
the real order, and clients have to cope with it. Pure; keys never reach a message.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from anyrealtime.simulator._rules._errors import Refusal
from anyrealtime.simulator._rules._session import Kind

Dialect: TypeAlias = Literal["auto", "ga", "beta"]

DEFAULT_MODEL: Final = "gpt-realtime"
DEFAULT_TRANSLATION_MODEL: Final = "gpt-realtime-translate"
SUBPROTOCOL: Final = "realtime"
AUTHENTICATION_CLOSE: Final = 3000
SHAPE_CLOSE: Final = 4000
_BETA_SUBPROTOCOL: Final = "openai-beta.realtime-v1"
_TRANSLATIONS: Final = "/realtime/translations"
_KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """The request of an upgrade: `headers` under lower-case names, `query` without repeats."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    subprotocols: Sequence[str]

    @property
    def is_realtime(self) -> bool:
        """Whether it asks for what is served here at all."""
        return self.path.rstrip("/").endswith(("/realtime", _TRANSLATIONS))


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Why a visitor has to leave after the upgrade."""

    refusal: Refusal
    close_code: int


def visit(target: str, headers: Sequence[tuple[str, str]]) -> Visit:
    """Read the target and the headers of a request."""
    parts = urlsplit(target)
    known: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        known[key] = f"{known[key]}, {value}" if key in known else value
    offered = known.get("sec-websocket-protocol", "")
    return Visit(
        path=parts.path,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=known,
        subprotocols=[name.strip() for name in offered.split(",") if name.strip()],
    )


@dataclass(frozen=True, slots=True, repr=False)
class Door:
    """The rules for coming in.

    Attributes:
        api_key: the one key that opens, None if none is needed.
        models: the models there are, None if every name is one.
        dialect: "auto" goes by what the visitor asks for.
    """

    api_key: str | None
    models: Collection[str] | None
    dialect: Dialect

    def speaks_beta(self, visitor: Visit) -> bool:
        """Whether the beta dialect is spoken: as asked, or as Azure's preview addresses imply."""
        if asked_kind(visitor) == "translation":
            return False  # beta has no such sessions
        if self.dialect == "auto":
            return _asks_for_beta(visitor) or "api-version" in visitor.query
        return self.dialect == "beta"

    def turn_away(self, visitor: Visit) -> TurnedAway | None:
        """Return why `visitor` may not stay, None if it may."""
        if self.dialect == "ga" and _asks_for_beta(visitor):
            return TurnedAway(
                Refusal(
                    "beta_api_shape_disabled",
                    "The Realtime Beta API is not supported here. Use the GA API.",
                ),
                SHAPE_CLOSE,
            )
        if self.api_key is not None and (wrong := _wrong_key(visitor, self.api_key)):
            return TurnedAway(wrong, AUTHENTICATION_CLOSE)
        if self.models is not None and (wrong := _wrong_model(visitor, self.models)):
            return TurnedAway(wrong, SHAPE_CLOSE)
        return None


def asked_model(visitor: Visit) -> str | None:
    """Return the model or, on Azure, the deployment that is asked for."""
    return visitor.query.get("model") or visitor.query.get("deployment")


def default_model(kind: Kind) -> str:
    """Return the model of a visitor that asks for none, where none need be asked for."""
    return DEFAULT_TRANSLATION_MODEL if kind == "translation" else DEFAULT_MODEL


def asked_kind(visitor: Visit) -> Kind:
    """Return what the session is to be for: translations have their path, the rest an intent."""
    if visitor.path.rstrip("/").endswith(_TRANSLATIONS):
        return "translation"
    if visitor.query.get("intent") == "transcription":
        return "transcription"
    return "conversation"


def is_sideband(visitor: Visit) -> bool:
    """Whether it joins a call that goes on elsewhere."""
    return "call_id" in visitor.query


def _asks_for_beta(visitor: Visit) -> bool:
    return (
        "realtime=v1" in visitor.headers.get("openai-beta", "")
        or _BETA_SUBPROTOCOL in visitor.subprotocols
    )


def _wrong_key(visitor: Visit, api_key: str) -> Refusal | None:
    given = _given_key(visitor)
    if given is None:
        return Refusal(None, "Missing bearer or basic authentication in header")
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        return Refusal("invalid_api_key", "Incorrect API key provided.")
    return None


def _given_key(visitor: Visit) -> str | None:
    scheme, _, bearer = visitor.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    if "api-key" in visitor.headers:
        return visitor.headers["api-key"]
    for name in visitor.subprotocols:
        if name.startswith(_KEY_SUBPROTOCOL):
            return name.removeprefix(_KEY_SUBPROTOCOL)
    return None


def _wrong_model(visitor: Visit, models: Collection[str]) -> Refusal | None:
    if is_sideband(visitor) or asked_kind(visitor) == "transcription":
        return None
    model = asked_model(visitor)
    if model is None:
        return Refusal("missing_model", "You must provide a model parameter.")
    if model not in models:
        return Refusal("invalid_model", f'Model "{model}" is not supported in realtime mode.')
    return None
