"""The arguments of `open_realtime`, and what is wrong with them.

Nothing is opened here. Every refusal names the argument and says what would be right.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from anyrealtime._protocol._dialect import Dialect, lower
from anyrealtime._transport import check_transport
from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._endpoint import DEFAULT_BASE_URL, Endpoint, same_origin
from anyrealtime._transport._tap import Tap
from anyrealtime.errors import ConfigurationError
from anyrealtime.events import AnySession, SessionUpdate

if TYPE_CHECKING:
    from anyrealtime._transport import TransportChoice

ApiKey: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A key, or a function (sync or async) that gives one."""

Auth: TypeAlias = Literal["header", "subprotocol", "api-key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One `open_realtime`, as its arguments have it.

    Attributes:
        make_endpoint: lacks the key only; None where the transport is open already.
        announced: whether the server begins with `session.created`.
    """

    make_endpoint: partial[Endpoint] | None
    api_key: ApiKey | None
    transport: TransportChoice
    options: TransportOptions
    session: AnySession | None
    announced: bool
    dialect: Dialect
    errors: str
    connect_timeout: float
    ack_timeout: float
    max_events: int
    max_bytes: int
    keep_audio_bytes: int
    expiry_notice: float
    tap: Tap | None

    def check(self) -> None:
        """Raise ConfigurationError for the first argument that is wrong."""
        check_transport(self.transport)
        if self.dialect not in ("ga", "beta"):
            raise ConfigurationError(f'dialect= must be "ga" or "beta", not {self.dialect!r}')
        if self.errors not in ("raise", "deliver"):
            raise ConfigurationError(f'errors= must be "raise" or "deliver", not {self.errors!r}')
        if self.session is not None and not isinstance(self.session, AnySession):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "session= must be a Session, TranscriptionSession, TranslationSession or "
                f"BetaSession, not {type(self.session).__name__}"
            )
        if self.session is not None and self.dialect == "beta":
            lower(SessionUpdate(session=self.session))
        options = self.options
        _check_seconds("connect_timeout", self.connect_timeout)
        _check_seconds("ack_timeout", self.ack_timeout)
        _check_seconds("close_timeout", options.close_timeout, least=0.0)
        _check_seconds("ping_interval", options.ping_interval)
        _check_seconds("ping_timeout", options.ping_timeout)
        _check_seconds("expiry_notice", self.expiry_notice, least=0.0)
        check_count("max_message_bytes", options.max_message_bytes, least=1)
        check_count("max_events", self.max_events, least=0)
        check_count("max_bytes", self.max_bytes, least=1)
        check_count("keep_audio_bytes", self.keep_audio_bytes, least=0)
        self._check_proxy()
        if self.tap is not None and not callable(getattr(self.tap, "opened", None)):
            raise ConfigurationError(
                f"tap= must be a recorder or another object with `opened`, not {self.tap!r}"
            )
        if options.ssl_context is not None:
            _check_ssl_context(options.ssl_context)
        if self.make_endpoint is not None:
            for name, value in self.make_endpoint.keywords.items():
                _check_text(name, value)
            self._check_key()
            known = self.api_key if self.api_key is None or isinstance(self.api_key, str) else "key"
            _check_credentials(self.make_endpoint(api_key=known), self.api_key)

    def _check_proxy(self) -> None:
        proxy = self.options.proxy
        if proxy is not None and proxy is not False and not isinstance(proxy, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(f"proxy= must be a URL, None or False, not {proxy!r}")

    def _check_key(self) -> None:
        key = self.api_key
        if isinstance(key, str):
            if not key.strip():
                raise ConfigurationError("api_key= is empty")
        elif key is not None and not callable(key):
            raise ConfigurationError(
                f"api_key= must be a str or a function that gives one, not {type(key).__name__}"
            )


async def resolve_key(api_key: ApiKey | None) -> str | None:
    """The key itself, asked for if it is a function.

    Raises:
        ConfigurationError: the function gave no text.
    """
    if api_key is None or isinstance(api_key, str):
        return api_key
    key = api_key()
    if inspect.isawaitable(key):
        key = await key
    if not isinstance(key, str) or not key.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("the function passed as api_key= gave no key")
    return key


def _check_credentials(endpoint: Endpoint, api_key: ApiKey | None) -> None:
    """Refuse to ask OpenAI without a key; other servers may need none."""
    if (
        api_key is None
        and same_origin(endpoint.url, DEFAULT_BASE_URL)
        and not any(name.lower() == "authorization" for name, _ in endpoint.headers)
    ):
        raise ConfigurationError("api_key= is missing: give it, or set OPENAI_API_KEY")


def _check_text(name: str, value: object) -> None:
    """Refuse an argument of the endpoint for its type. It is not quoted: it may be a secret."""
    texts: list[object] = [] if value is None else [value]
    if name in ("headers", "query") and value is not None:
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{name}= must be a mapping, not {type(value).__name__}")
        given = cast("Mapping[object, object]", value)
        texts = [*given.keys(), *given.values()]
    for text in texts:
        if not isinstance(text, str):
            raise ConfigurationError(f"{name}= must be text, not {type(text).__name__}")


def _check_ssl_context(context: object) -> None:
    import ssl  # late: most of what importing this package costs comes from such modules

    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError("ssl_context= must be an ssl.SSLContext or None")


def _check_seconds(name: str, value: float | None, *, least: float = math.ulp(0.0)) -> None:
    if value is None and name.startswith("ping_"):
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        kind = "a positive" if least else "zero or a positive"
        raise ConfigurationError(f"{name}= must be {kind} number of seconds, not {value!r}")


def check_count(name: str, value: int, *, least: int) -> None:
    """Raise ConfigurationError for what is no integer of `least` or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name}= must be an integer of {least} or more, not {value!r}")


def check_bounds(max_events: int, max_bytes: int, overflow: str) -> None:
    """Refuse wrong bounds of a stream."""
    check_count("max_events", max_events, least=1)
    check_count("max_bytes", max_bytes, least=1)
    if overflow not in ("raise", "drop_oldest"):
        raise ConfigurationError(f'overflow= must be "raise" or "drop_oldest", not {overflow!r}')
