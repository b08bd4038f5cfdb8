"""Proxies: which one is chosen, and what is said to it. Dialling through one is in `test_dial.py`."""

from __future__ import annotations

import base64
import sys

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint

from anyrealtime._transport._endpoint import USER_AGENT, Endpoint
from anyrealtime._transport._proxy import (
    Proxy,
    choose_proxy,
    connect_through_socks,
    open_tunnel,
    parse_proxy,
)
from anyrealtime.errors import ConfigurationError, ConnectFailed
from tests._transport.proxies import OK

SECURE = Endpoint("wss://api.example/v1/realtime")
PLAIN = Endpoint("ws://api.example:8000/")
PROXY = Proxy("http", "proxy.example", 3128)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies."""
    for name in ("http", "https", "all", "no", "ws", "wss", "socks"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


# Which proxy


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.example", Proxy("http", "proxy.example", 80)),
        ("HTTPS://Proxy.example/ignored", Proxy("https", "proxy.example", 443)),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
        ("socks5://p", Proxy("socks5", "p", 1080)),
        ("socks5h://u:p%40ss@p:9", Proxy("socks5h", "p", 9, "u", "p@ss")),
        ("socks4a://user@p", Proxy("socks4a", "p", 1080, "user")),
        ("http://%C3%BC:%3A@p", Proxy("http", "p", 80, "ü", ":")),
    ],
)
def test_a_proxys_url(url: str, proxy: Proxy) -> None:
    assert choose_proxy(PLAIN, url) == proxy


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with"),
        ("proxy.example:3128", "must begin with"),
        ("ftp://secret@p", "must begin with"),
        ("http://", "no host"),
        ("http://user:secret@:3128", "no host"),
        ("http://p:0", "no host"),
        ("http://bücher.example", "no host"),
        ("http://secret@p:x", "not valid"),
        ("http://[p", "not valid"),
        ("socks5://u:secr%C3%A9t@p", "not ASCII"),
        (f"socks4://{'s' * 256}@p", "above 255"),
        ("socks5://secret@p", "both"),
        ("socks5h://:secret@p", "both"),
    ],
)
def test_an_unusable_proxy_is_refused_without_its_secrets(url: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        choose_proxy(PLAIN, url)
    text = str(raised.value)
    assert text.startswith("proxy= ")
    assert why in text
    assert "secr" not in text
    assert "ssss" not in text


def test_a_proxys_repr_shows_no_secret() -> None:
    proxy = parse_proxy("http://somebody:secret@p:1", "proxy=")
    assert "secret" not in repr(proxy)
    assert "somebody" not in repr(proxy)
    assert proxy.address == "http://p:1"


def test_no_proxy_by_argument_or_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_proxy(SECURE, None) is None
    monkeypatch.setenv("https_proxy", "http://p:1")
    assert choose_proxy(SECURE, False) is None


@pytest.mark.parametrize(
    ("environment", "endpoint", "port"),
    [
        ({"https_proxy": "http://p:1", "http_proxy": "http://p:2"}, SECURE, 1),
        ({"https_proxy": "http://p:1", "http_proxy": "http://p:2"}, PLAIN, 2),
        ({"HTTPS_PROXY": "socks5h://p:3"}, SECURE, 3),
        ({"https_proxy": "http://p:1", "all_proxy": "http://p:4"}, PLAIN, 4),
        ({"ALL_PROXY": "socks5://p:5"}, SECURE, 5),
        ({"all_proxy": "p:6"}, SECURE, 6),
        ({"https_proxy": "http://p:1"}, PLAIN, None),
        ({"https_proxy": "http://p:1", "no_proxy": "other.example"}, SECURE, 1),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, SECURE, None),
        ({"https_proxy": "http://p:1", "no_proxy": "x, api.example"}, SECURE, None),
        ({"https_proxy": "http://p:1", "NO_PROXY": ".example"}, SECURE, None),
        ({"all_proxy": "http://p:1", "no_proxy": "api.example:8000"}, PLAIN, None),
        ({"all_proxy": "http://p:1", "no_proxy": "api.example:8000"}, SECURE, 1),
        ({"all_proxy": "http://p:1", "no_proxy": "::1"}, Endpoint("ws://[::1]:9/"), None),
    ],
)
def test_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    endpoint: Endpoint,
    port: int | None,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = choose_proxy(endpoint, None)
    assert (proxy and proxy.port) == port
    chosen = choose_proxy(endpoint, "http://chosen:9")  # an argument asks no environment
    assert chosen == Proxy("http", "chosen", 9)


def test_an_unusable_proxy_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "ftp://p")
    with pytest.raises(ConfigurationError, match=r"^all_proxy in the environment: must begin"):
        choose_proxy(SECURE, None)


# CONNECT


class Scripted(ByteStream):
    """A proxy that has said everything beforehand. What comes after that ends the stream."""

    def __init__(self, *pieces: bytes, end: Exception | None = None) -> None:
        self.sent = b""
        self._pieces = list(pieces)
        self._end = end or anyio.EndOfStream()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await checkpoint()
        if not self._pieces:
            raise self._end
        return self._pieces.pop(0)

    async def send(self, item: bytes) -> None:
        await checkpoint()
        self.sent += item

    async def send_eof(self) -> None:
        raise AssertionError("a tunnel is not half-closed")

    async def aclose(self) -> None:
        raise AssertionError("who opened the stream closes it")


async def test_a_tunnel() -> None:
    stream = Scripted(OK)
    assert await open_tunnel(stream, PROXY, SECURE) is stream
    assert stream.sent.decode() == (
        "CONNECT api.example:443 HTTP/1.1\r\n"
        "Host: api.example:443\r\n"
        f"User-Agent: {USER_AGENT}\r\n"
        "\r\n"
    )


async def test_a_tunnel_to_an_ipv6_address() -> None:
    stream = Scripted(OK)
    await open_tunnel(stream, PROXY, Endpoint("ws://[::1]/"))
    assert stream.sent.startswith(b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n")


@pytest.mark.parametrize(("user", "password"), [("u", "p:w"), ("ü", ""), ("", "only")])
async def test_a_tunnel_with_a_password(user: str, password: str) -> None:
    stream = Scripted(OK)
    await open_tunnel(stream, Proxy("http", "p", 1, user, password), SECURE)
    line = stream.sent.decode().split("\r\n")[3]
    name, _, token = line.partition(": Basic ")
    assert name == "Proxy-Authorization"
    assert base64.b64decode(token).decode() == f"{user}:{password}"


async def test_an_answer_in_pieces_and_what_comes_with_it() -> None:
    pieces = [OK[i : i + 1] for i in range(len(OK) - 1)]
    tunnel = await open_tunnel(Scripted(*pieces, OK[-1:] + b"early", b"later"), PROXY, SECURE)
    assert await tunnel.receive() == b"early"
    assert await tunnel.receive() == b"later"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "HTTP 407 Proxy Authentication"),
        (b"HTTP/1.0 403\r\n\r\n", "connect to api.example:443: HTTP 403"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.1 101 Why\r\n\r\n", "HTTP 101"),
        (b"SSH-2.0-x\r\n\r\n", "did not answer as an HTTP proxy"),
        (b"x" * 100_000, "did not answer as an HTTP proxy"),
        (b"HTTP/1.1 200 OK\r\n", "closed the connection"),
        (b"", "closed the connection"),
    ],
)
async def test_a_tunnel_that_is_refused(answer: bytes, says: str) -> None:
    proxy = Proxy("http", "p", 1, "u", "secret")
    with pytest.raises(ConnectFailed) as raised:
        await open_tunnel(Scripted(answer), proxy, SECURE)
    text = str(raised.value)
    assert says in text
    assert "http://p:1" in text
    assert "secret" not in text
    assert raised.value.status is None  # a status is the server's, and the server was not asked


async def test_a_tunnel_that_breaks() -> None:
    with pytest.raises(ConnectFailed, match="closed the connection") as raised:
        await open_tunnel(Scripted(end=anyio.BrokenResourceError()), PROXY, SECURE)
    assert isinstance(raised.value.__cause__, anyio.BrokenResourceError)


# SOCKS


async def test_socks_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'anyrealtime\[socks\]'"):
        await connect_through_socks(Proxy("socks5", "p", 1), SECURE)
