"""The arguments of `open_realtime`, and what is wrong with them.

Nothing is opened here. Every refusal names the argument and says what would be right.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from anyrealtime._protocol._dialect import Dialect
from anyrealtime._transport import check_transport
from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime.errors import ConfigurationError
from anyrealtime.events import AnySession

if TYPE_CHECKING:
    from anyrealtime._transport import TransportChoice

ApiKey: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A key, or a function (sync or async) that gives one."""

Auth: TypeAlias = Literal["header", "subprotocol", "api-key"]


class EndpointMaker(Protocol):
    """Builds the endpoint once the key is known."""

    def __call__(self, *, api_key: str | None) -> Endpoint:
        """Refuses wrong arguments with ConfigurationError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One `open_realtime`, as its arguments have it.

    Attributes:
        make_endpoint: None where the transport is open already.
        announced: whether the server begins with `session.created`.
    """

    make_endpoint: EndpointMaker | None
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
        options = self.options
        _check_seconds("connect_timeout", self.connect_timeout)
        _check_seconds("ack_timeout", self.ack_timeout)
        _check_seconds("close_timeout", options.close_timeout, least=0.0)
        _check_seconds("ping_interval", options.ping_interval)
        _check_seconds("ping_timeout", options.ping_timeout)
        _check_count("max_message_bytes", options.max_message_bytes, least=1)
        _check_count("max_events", self.max_events, least=0)
        _check_count("max_bytes", self.max_bytes, least=1)
        self._check_proxy()
        if self.make_endpoint is not None:
            self._check_key()
            known = self.api_key if self.api_key is None or isinstance(self.api_key, str) else "key"
            self.make_endpoint(api_key=known)

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


def _check_seconds(name: str, value: float | None, *, least: float = math.ulp(0.0)) -> None:
    if value is None and name.startswith("ping_"):
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        kind = "a positive" if least else "zero or a positive"
        raise ConfigurationError(f"{name}= must be {kind} number of seconds, not {value!r}")


def _check_count(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{name}= must be an integer of {least} or more, not {value!r}")
