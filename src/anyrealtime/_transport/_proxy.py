"""Proxies: which one to use, and the way through it to the server.

HTTP CONNECT is written here; SOCKS is the `python-socks` package's, imported when a program
needs it. TLS is not made here. User and password of a proxy are in no repr and no message.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import anyio
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteStream

from anyrealtime._transport._endpoint import USER_AGENT, Endpoint, address_of
from anyrealtime._transport._http import HEAD_END, MAX_HEAD_BYTES, parse_head
from anyrealtime.errors import ConfigurationError, ConnectFailed

_PORTS: Final = {
    "http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080,
}  # fmt: skip
_MAX_SOCKS_BYTES: Final = 255  # of user and of password: SOCKS5 counts each in one byte


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy to dial instead of the server."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith("socks")

    @property
    def address(self) -> str:
        """Scheme, host and port, as messages name the proxy."""
        return f"{self.scheme}://{address_of(self.host, self.port)}"


def choose_proxy(endpoint: Endpoint, choice: str | Literal[False] | None) -> Proxy | None:
    """The proxy for `endpoint`: the one that was chosen, else what the environment says.

    The environment means https_proxy for wss, http_proxy for ws, all_proxy for both, and
    no_proxy, read as urllib reads them (on macOS and Windows, the system's settings too).

    Raises:
        ConfigurationError: the proxy's URL is not usable.
    """
    if choice is False:
        return None
    if choice is not None:
        return parse_proxy(choice, "proxy=")
    from urllib.request import getproxies, proxy_bypass  # slow to import

    proxies = getproxies()
    kind = "https" if endpoint.secure else "http"
    name = kind if kind in proxies else "all"
    if name not in proxies or proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    url = proxies[name]
    return parse_proxy(
        url if "://" in url else f"http://{url}", f"{name}_proxy in the environment:"
    )


def parse_proxy(url: str, source: str) -> Proxy:
    """Take a proxy's URL apart; `source` is how errors name it.

    Raises:
        ConfigurationError: the URL is not usable.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{source} has a host or a port that is not valid") from None
    if parts.scheme not in _PORTS:
        raise ConfigurationError(f"{source} must begin with one of {', '.join(_PORTS)}")
    if not host or not host.isascii() or not host.isprintable() or port == 0:
        raise ConfigurationError(f"{source} has no host, or one that is not valid")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    proxy = Proxy(parts.scheme, host, port or _PORTS[parts.scheme], username, password)
    for word in (username, password) if proxy.is_socks else ():
        if not word.isascii() or len(word) > _MAX_SOCKS_BYTES:
            raise ConfigurationError(
                f"{source} has a user or password that is not ASCII or above 255 characters"
            )
    if parts.scheme in {"socks5", "socks5h"} and bool(username) != bool(password):
        raise ConfigurationError(
            f"{source} must have both a user and a password, or neither, for SOCKS5"
        )
    return proxy


async def open_tunnel(stream: ByteStream, proxy: Proxy, endpoint: Endpoint) -> ByteStream:
    """Have an HTTP proxy connect `stream` to the server.

    Returns `stream` itself, or a wrapper if the server's first bytes came with the answer.
    Cancelling leaves `stream` open and of no more use.

    Raises:
        ConnectFailed: the proxy refused, or is no HTTP proxy.
    """
    lines = [
        f"CONNECT {endpoint.address} HTTP/1.1",
        f"Host: {endpoint.address}",
        f"User-Agent: {USER_AGENT}",
    ]
    if proxy.username or proxy.password:
        pair = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {pair}")
    buffered = BufferedByteStream(stream)
    try:
        await stream.send("\r\n".join([*lines, "", ""]).encode("ascii"))
        head = parse_head(await buffered.receive_until(HEAD_END, MAX_HEAD_BYTES))
    except (anyio.IncompleteRead, anyio.BrokenResourceError) as exc:
        raise ConnectFailed(f"the proxy {proxy.address} closed the connection") from exc
    except anyio.DelimiterNotFound:
        head = None
    if head is None:
        raise ConnectFailed(f"the proxy {proxy.address} did not answer as an HTTP proxy")
    if not 200 <= head.status < 300:
        refused = f"the proxy {proxy.address} refused to connect to {endpoint.address}"
        raise ConnectFailed(f"{refused}: HTTP {head.status} {head.phrase}".rstrip())
    return buffered if buffered.buffer else stream


async def connect_through_socks(proxy: Proxy, endpoint: Endpoint) -> ByteStream:
    """Connect to the server through a SOCKS proxy.

    socks4 and socks5 resolve the server's name here, socks4a and socks5h leave it to the
    proxy. Cancelling leaves nothing open.

    Raises:
        ConfigurationError: `python-socks` is not installed.
        Exception: what `python-socks` has to say; it differs from version to version.
    """
    try:
        from python_socks import ProxyType
        from python_socks.async_.anyio.v2 import Proxy as Socks
    except ImportError as exc:
        raise ConfigurationError(
            f"proxy= {proxy.scheme} needs one more package: pip install 'anyrealtime[socks]'"
        ) from exc
    socks = Socks(
        ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password,
        rdns=proxy.scheme in {"socks4a", "socks5h"},
    )
    connected = await socks.connect(endpoint.host, endpoint.port, timeout=math.inf)
    return connected.anyio_stream
