"""Where to connect and as whom: pure building of URL, headers and subprotocols.

No I/O and no environment: what the environment says is passed in. Keys live in here and
never leave through a repr or an exception: whoever quotes a server or a library in an error
passes the text through `scrub` first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import quote, unquote_plus, urlencode, urljoin, urlsplit

from anyrealtime.errors import ConfigurationError, ConnectFailed

Auth: TypeAlias = Literal["header", "subprotocol", "api-key"]
"""How a key travels: as a bearer token, as a subprotocol, or in Azure's `api-key` header."""

DEFAULT_BASE_URL: Final = "https://api.openai.com/v1"
USER_AGENT: Final = "anyrealtime/0.1.0"  # a test compares it with the package's metadata

_SCHEMES: Final = {"wss": "wss", "https": "wss", "ws": "ws", "http": "ws"}
_PORTS: Final = {"wss": 443, "ws": 80}
_KEY_PROTOCOL: Final = "openai-insecure-api-key."
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_VISIBLE: Final = re.compile(r"[!-~]+")
_FIELD_VALUE: Final = re.compile(r"[\t -~]*")  # ASCII alone: libraries encode the rest differently
_HANDSHAKE_HEADERS: Final = frozenset(
    {"connection", "upgrade", "content-length", "transfer-encoding", "te", "trailer"}
)
_AUTH_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key"})
_PUBLIC_HEADERS: Final = frozenset({"host", "user-agent", "openai-beta"})
_SECRET_NAME: Final = re.compile(
    r"key|token|secret|sig|passw|auth|credential|cookie|jwt", re.IGNORECASE
)
_HIDDEN: Final = "***"
_MIN_SECRET_CHARS: Final = 4  # shorter ones would tear words apart, and protect nothing
_LONG_CHARS: Final = 16  # a header's value of that length may be a secret whatever its name


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """A WebSocket URL (ws or wss) with the headers and subprotocols to open it with."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()

    @property
    def secure(self) -> bool:
        """Whether the connection is made over TLS."""
        return urlsplit(self.url).scheme == "wss"

    @property
    def host(self) -> str:
        """The host to dial, an IPv6 address without its brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to dial."""
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    @property
    def address(self) -> str:
        """Host and port, as messages name the server."""
        return address_of(self.host, self.port)

    @property
    def authority(self) -> str:
        """The value of the Host header: the caller's own, else what the URL says."""
        for name, value in self.headers:
            if name.lower() == "host":
                return value
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def target(self) -> str:
        """The request target: path and query."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.headers)
        protocols = ", ".join(_masked_protocol(name) for name in self.subprotocols)
        return f"<Endpoint {masked_url(self.url)} headers=[{names}] subprotocols=[{protocols}]>"


def build_endpoint(
    *,
    model: str | None = None,
    call_id: str | None = None,
    intent: str | None = None,
    url: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    auth: Auth = "header",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    dialect: Literal["ga", "beta"] = "ga",
) -> Endpoint:
    """Say where to connect and as whom.

    A `url` is the whole endpoint and keeps its path and query as they are written; `model`,
    `call_id` and `intent` are added to it only where its query does not say the same already.
    Without it the endpoint is `base_url` plus "/realtime". OpenAI and Azure want exactly one
    of the three there; other servers may take a model with an intent, or none.

    Args:
        url, base_url: ws, wss, http or https; the last two become the first two.
        api_key: the key itself. Not sent beside credentials that `headers` hold. Whether a
            server needs one is not asked here.
        auth: how the key travels; "subprotocol" is for places where headers cannot be set.
        headers: sent with the upgrade; they replace ours of the same name, whatever its case.
        query: parameters for the URL; they replace those of the same name in it.
        subprotocols: offered after our own.
        dialect: "beta" asks for the protocol from before its general availability.

    Raises:
        ConfigurationError: an argument is wrong or missing; the message begins with its name.
    """
    selectors = _without_empty(model=model, intent=intent, call_id=call_id)
    if url is not None:
        place = _parse_argument("url", url).with_query(selectors, query or {})
    else:
        place = _parse_argument("base_url", DEFAULT_BASE_URL if base_url is None else base_url)
        place = place.with_realtime().with_query(selectors, query or {})
        _check_selectors(place)
    given = _checked_headers(headers or {})
    if _AUTH_HEADERS & given.keys():
        api_key = None  # the caller's credentials may be for another vendor than the key
    own, protocols = _credentials(api_key, auth, dialect)
    for name in subprotocols:
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError("subprotocols= must be tokens: letters, digits, - . _")
    offered = dict.fromkeys((*protocols, *subprotocols))  # each once, in order
    return Endpoint(place.url, tuple({**own, **given}.values()), tuple(offered))


def same_origin(a: str, b: str) -> bool:
    """Whether two URLs have one origin: scheme (http is ws, https is wss), host and port."""
    return _origin(a) == _origin(b)


def redirect_target(endpoint: Endpoint, location: str, *, status: int | None = None) -> Endpoint:
    """Follow a redirect: the same headers and subprotocols, at the place `location` says.

    Raises:
        ConnectFailed: `location` is no usable URL, or of another origin, where keys never go;
            `status` is the redirect's.
    """
    try:
        place = _parse(urljoin(endpoint.url, location).partition("#")[0])
        allowed = same_origin(endpoint.url, place.url)
    except ValueError:
        text = f"{endpoint.address} redirected to a place that is no usable URL"
        raise ConnectFailed(text, status=status) from None
    if not allowed:
        elsewhere = scrub(f"{place.scheme}://{place.authority}", endpoint)
        raise ConnectFailed(
            f"{endpoint.address} redirected to another origin, {elsewhere}: not followed, "
            "because the key would travel there; connect to it directly if that is meant",
            status=status,
        )
    return Endpoint(place.url, endpoint.headers, endpoint.subprotocols)


def scrub(text: str, endpoint: Endpoint) -> str:
    """Remove the endpoint's secrets from a text of foreign origin, before it is quoted."""
    for secret in sorted(set(secrets_of(endpoint)), key=len, reverse=True):
        if len(secret) >= _MIN_SECRET_CHARS:
            text = text.replace(secret, _HIDDEN)
    return text


def address_of(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# The URL


class _Place(NamedTuple):
    """A URL that has been checked, in parts that are kept as they were written."""

    scheme: str
    authority: str
    host: str
    path: str
    query: str | None  # None: no question mark

    @property
    def url(self) -> str:
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.scheme}://{self.authority}{self.path}{query}"

    @property
    def names(self) -> set[str]:
        """The parameters that the query names."""
        return {_name_of(part) for part in (self.query or "").split("&") if part}

    @property
    def is_openai(self) -> bool:
        return self.host == "openai.com" or self.host.endswith(".openai.com")

    def with_realtime(self) -> _Place:
        path = self.path.rstrip("/")
        if path.endswith("/realtime"):
            raise ConfigurationError(
                "base_url= ends in /realtime, which is added to it; leave that off, or use url="
            )
        return self._replace(path=f"{path}/realtime")

    def with_query(self, selectors: Mapping[str, str], query: Mapping[str, str]) -> _Place:
        """Add `query`, replacing what it names, and those of `selectors` nobody has named."""
        named = self.names | query.keys()
        if "deployment" in named:
            named.add("model")  # Azure's preview calls it so
        fresh = {name: value for name, value in selectors.items() if name not in named}
        added = {**fresh, **query}
        if not added:
            return self
        kept = [p for p in (self.query or "").split("&") if p and _name_of(p) not in query]
        return self._replace(query="&".join([*kept, urlencode(added, quote_via=quote)]))


def _parse(text: str) -> _Place:
    """Take a URL apart. What is wrong with it is a ValueError, which never quotes it."""
    if any(char <= " " or char == "\x7f" for char in text):
        raise ValueError("has a space, a line break or a control character")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("has a host or a port that is not valid; ports are 1 to 65535") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"begins with {parts.scheme!r}; use wss://, ws://, https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("holds a user or a password; use api_key= or headers=")
    if not host:
        raise ValueError("has no host")
    if not host.isascii():
        raise ValueError("has a host that is not ASCII; write it in its xn-- form")
    if port == 0:
        raise ValueError("has port 0; ports are 1 to 65535")
    if "#" in text:
        raise ValueError("has a fragment (#...), which is never sent; leave it off")
    path, mark, query = text.partition("://")[2][len(parts.netloc) :].partition("?")
    return _Place(
        _SCHEMES[parts.scheme],
        parts.netloc,
        host,
        _ascii(path),
        _ascii(query) if mark else None,
    )


def _parse_argument(argument: str, text: str) -> _Place:
    _without_empty(**{argument: text})
    try:
        return _parse(text)
    except ValueError as exc:
        raise ConfigurationError(f"{argument}= {exc}") from None


def _without_empty(**arguments: str | None) -> dict[str, str]:
    """Those that were given. One that is given and empty is a mistake, most often an unset variable."""
    for name, value in arguments.items():
        if value is not None and not value.strip():
            raise ConfigurationError(f"{name}= is empty; leave it out or give it a value")
    return {name: value for name, value in arguments.items() if value is not None}


def _ascii(text: str) -> str:
    """Percent-encode what is not ASCII, and nothing else."""
    return "".join(char if char.isascii() else quote(char) for char in text)


def _name_of(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme, parts.scheme)
    return scheme, parts.hostname or "", parts.port or _PORTS.get(scheme, 0)


def _check_selectors(place: _Place) -> None:
    """Refuse what the server behind a base URL would refuse, with a better message."""
    named = place.names
    if "deployment" in named:
        named.add("model")
    chosen = sorted(named & {"model", "intent", "call_id"})
    strict = place.is_openai or place.host.endswith(".openai.azure.com")
    if strict and not chosen:
        raise ConfigurationError(
            "model= is missing; give it, or intent='transcription', or call_id=, or a whole url="
        )
    if len(chosen) > 1 and (strict or "call_id" in chosen):
        raise ConfigurationError(
            f"{'= and '.join(chosen)}= exclude each other: a model is for a conversation, an "
            "intent for transcription, a call_id for a call that is under way"
        )


# Headers, subprotocols, secrets


def _credentials(
    api_key: str | None, auth: str, dialect: str
) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Our own headers, by their names in lower case, and our own subprotocols."""
    headers = {"user-agent": ("User-Agent", USER_AGENT)}
    protocols: list[str] = []
    if auth not in {"header", "subprotocol", "api-key"}:
        raise ConfigurationError(
            f"auth= must be 'header', 'subprotocol' or 'api-key', not {auth!r}"
        )
    if dialect not in {"ga", "beta"}:
        raise ConfigurationError(f"dialect= must be 'ga' or 'beta', not {dialect!r}")
    if api_key is not None:
        _without_empty(api_key=api_key)
        if not _VISIBLE.fullmatch(api_key):
            raise ConfigurationError(
                "api_key= has a space, a line break or a character outside ASCII; "
                "was it read from a file without strip()?"
            )
        if auth == "header":
            headers["authorization"] = ("Authorization", f"Bearer {api_key}")
        elif auth == "api-key":
            headers["api-key"] = ("api-key", api_key)
        elif _TOKEN.fullmatch(api_key):
            protocols += ["realtime", _KEY_PROTOCOL + api_key]
        else:
            raise ConfigurationError("api_key= is no token, as a subprotocol must be; use a header")
    elif auth == "subprotocol":
        protocols.append("realtime")
    if dialect == "beta" and auth == "subprotocol":
        protocols.append("openai-beta.realtime-v1")
    elif dialect == "beta":
        headers["openai-beta"] = ("OpenAI-Beta", "realtime=v1")
    return headers, protocols


def _checked_headers(headers: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    checked: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"headers= has {name!r}, which is no header's name")
        if lower in _HANDSHAKE_HEADERS or lower.startswith("sec-websocket-"):
            raise ConfigurationError(
                f"headers={{{name!r}: ...}} belongs to the WebSocket handshake, which sets it itself"
            )
        if not _FIELD_VALUE.fullmatch(value):
            raise ConfigurationError(
                f"headers={{{name!r}: ...}} has a line break, a control character or one outside ASCII"
            )
        checked[lower] = (name, value.strip(" \t"))
    return checked


def secrets_of(endpoint: Endpoint) -> Iterator[str]:
    for name, value in endpoint.headers:
        if _SECRET_NAME.search(name):
            yield value
            yield value.rpartition(" ")[2]  # the token without its scheme
        elif name.lower() not in _PUBLIC_HEADERS and len(value) >= _LONG_CHARS:
            yield value
    for protocol in endpoint.subprotocols:
        if _SECRET_NAME.search(protocol):
            yield protocol.partition(".")[2] or protocol
    parts = urlsplit(endpoint.url)
    yield parts.netloc.rpartition("@")[0]
    for part in parts.query.split("&"):
        if _SECRET_NAME.search(_name_of(part)):
            value = part.partition("=")[2]
            yield value
            yield unquote_plus(value)


def _masked_protocol(name: str) -> str:
    if not _SECRET_NAME.search(name):
        return name
    kind, dot, _ = name.partition(".")
    return f"{kind}.{_HIDDEN}" if dot else _HIDDEN


def masked_url(url: str) -> str:
    parts = urlsplit(url)
    query = "&".join(
        f"{part.partition('=')[0]}={_HIDDEN}" if _SECRET_NAME.search(_name_of(part)) else part
        for part in parts.query.split("&")
    )
    netloc = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{query}" if query else "")
