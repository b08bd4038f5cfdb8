"""From an endpoint to an open byte stream: TCP, TLS, and the way through a proxy.

Knows sockets and nothing of WebSocket. Whatever goes wrong is one ConnectFailed that says
what and where, chained to its cause; whatever was opened by then is closed again. There is
no timeout in here: the caller's cancel scope bounds it all.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import cast

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.streams.tls import TLSStream

from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._endpoint import Endpoint, address_of
from anyrealtime._transport._http import quotable
from anyrealtime._transport._proxy import Proxy, choose_proxy, connect_through_socks, open_tunnel
from anyrealtime._transport._tcp import take_socket
from anyrealtime.errors import ConfigurationError, ConnectFailed


async def dial(endpoint: Endpoint, options: TransportOptions) -> ByteStream:
    """Connect to the server of `endpoint`, over TLS for wss.

    Cancelling leaves nothing open.

    Raises:
        ConfigurationError: the proxy's URL is not usable, or its package is missing.
        ConnectFailed: server or proxy cannot be reached, or refuse.
    """
    await checkpoint_if_cancelled()  # AnyIO would connect first on asyncio
    proxy = choose_proxy(endpoint, options.proxy)
    if proxy is None:
        stream = await _connect(endpoint.host, endpoint.port, endpoint.address)
    elif proxy.is_socks:
        stream = await _connect_through_socks(proxy, endpoint)
    else:
        stream = await _connect(proxy.host, proxy.port, f"the proxy {proxy.address}")
    try:
        _send_at_once(stream)
        if proxy is not None and not proxy.is_socks:
            if proxy.scheme == "https":
                stream = await _start_tls(stream, proxy.host, proxy.port, options.ssl_context)
            stream = await open_tunnel(stream, proxy, endpoint)
        if endpoint.secure:
            stream = await _start_tls(stream, endpoint.host, endpoint.port, options.ssl_context)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    return stream


async def _connect(host: str, port: int, name: str) -> ByteStream:
    try:
        return await take_socket(await anyio.connect_tcp(host, port))
    except (OSError, ValueError) as exc:  # the latter: a name that no resolver would take
        raise ConnectFailed(f"cannot connect to {name}: {_why(exc)}") from exc


async def _connect_through_socks(proxy: Proxy, endpoint: Endpoint) -> ByteStream:
    try:
        return await take_socket(await connect_through_socks(proxy, endpoint))
    except ConfigurationError:
        raise
    except Exception as exc:
        through = f"cannot connect to {endpoint.address} through {proxy.address}"
        raise ConnectFailed(f"{through}: {_why(exc)}") from exc


async def _start_tls(
    stream: ByteStream, host: str, port: int, context: ssl.SSLContext | None
) -> TLSStream:
    """TLS over `stream`, which is left open when that fails.

    Without the closing handshake: WebSocket has its own, and a peer that ends TCP is no error.
    """
    name = address_of(host, port)
    try:
        return await TLSStream.wrap(
            stream,
            server_side=False,
            hostname=host,
            ssl_context=context or _default_context(),
            standard_compatible=False,
        )
    except ssl.SSLCertVerificationError as exc:
        why = exc.verify_message or str(exc)
        raise ConnectFailed(f"the certificate of {name} is not accepted: {why}") from exc
    except (anyio.EndOfStream, anyio.BrokenResourceError) as exc:
        raise ConnectFailed(f"{name} closed the connection during the TLS handshake") from exc
    except (OSError, ValueError) as exc:  # the latter: a name that cannot be in a certificate
        raise ConnectFailed(f"TLS with {name} failed: {_why(exc)}") from exc


@cache
def _default_context() -> ssl.SSLContext:
    """One for the process: loading the system's certificates takes tens of milliseconds."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])  # else a server might choose HTTP/2
    return context


def _send_at_once(stream: ByteStream) -> None:
    """Turn Nagle's algorithm off, which would hold small messages back."""
    raw = stream.extra(SocketAttribute.raw_socket)
    with suppress(OSError):  # the peer has gone already; the first read tells
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _why(exc: BaseException) -> str:
    """The reason in an exception of the network, in the system's words and without addresses."""
    return quotable(", ".join(dict.fromkeys(_reasons(exc))))


def _reasons(exc: BaseException) -> Iterator[str]:
    if isinstance(exc, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", exc).exceptions:
            yield from _reasons(inner)
    elif isinstance(exc, socket.gaierror):
        yield "the name is unknown" if exc.errno == socket.EAI_NONAME else str(exc.strerror)
    elif isinstance(exc, ssl.SSLError):
        yield (exc.reason or str(exc)).replace("_", " ").lower()
    elif isinstance(exc, OSError) and exc.errno is not None:
        yield os.strerror(exc.errno)
    elif isinstance(exc, OSError) and exc.__cause__ is not None:
        yield from _reasons(exc.__cause__)
    else:
        yield str(exc) or type(exc).__name__
