"""Dialling: TCP, TLS and proxies against real sockets, and that no failure leaves one open."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import trustme
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from anyrealtime._transport import _dial
from anyrealtime._transport._base import TransportOptions
from anyrealtime._transport._dial import dial
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime._transport._proxy import Proxy
from anyrealtime.errors import ConfigurationError, ConnectFailed
from tests._transport.proxies import (
    OK,
    echo,
    hang_up,
    http,
    nothing,
    serving,
    socks4,
    socks5,
)
from tests._transport.transports import server_context

LIMIT = 10.0  # seconds a test may take on a busy machine
DIRECT = TransportOptions(proxy=False)
PASSWORD = "pass-word"


async def assert_echo(stream: ByteStream) -> None:
    async with stream:
        await stream.send(b"hello")
        assert await stream.receive() == b"hello"
        assert stream.extra(SocketAttribute.raw_socket).getsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY
        )


async def failure(endpoint: Endpoint, options: TransportOptions = DIRECT) -> ConnectFailed:
    with anyio.fail_after(LIMIT), pytest.raises(ConnectFailed) as raised:
        await dial(endpoint, options)
    error: BaseException | None = raised.value
    while error is not None:
        assert PASSWORD not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__
    return raised.value


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


# Directly


async def test_tcp() -> None:
    async with serving(echo) as server:
        await assert_echo(await dial(Endpoint(f"ws://127.0.0.1:{server.port}/"), DIRECT))


async def test_tcp_by_name() -> None:
    async with serving(echo) as server:
        await assert_echo(await dial(Endpoint(f"ws://localhost:{server.port}/"), DIRECT))


async def test_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    options = TransportOptions(proxy=False, ssl_context=client_tls)
    async with serving(echo, tls=server_tls) as server:
        stream = await dial(Endpoint(f"wss://localhost:{server.port}/"), options)
        assert stream.extra(TLSAttribute.standard_compatible) is False
        await assert_echo(stream)


async def test_the_default_context_trusts_the_system_and_asks_for_http_1(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    _dial._default_context.cache_clear()
    context = server_context(authority, "localhost")
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        async with serving(echo, tls=context) as server:
            for _ in range(2):
                stream = await dial(Endpoint(f"wss://localhost:{server.port}/"), DIRECT)
                assert stream.extra(TLSAttribute.alpn_protocol) == "http/1.1"
                await assert_echo(stream)
            assert _dial._default_context.cache_info().misses == 1
    finally:
        _dial._default_context.cache_clear()


async def test_a_certificate_nobody_trusts(server_tls: ssl.SSLContext) -> None:
    async with serving(echo, tls=server_tls) as server:
        error = await failure(Endpoint(f"wss://localhost:{server.port}/"))
    assert str(error).startswith(f"the certificate of localhost:{server.port} is not accepted: ")
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def test_a_certificate_for_another_host(
    authority: trustme.CA, client_tls: ssl.SSLContext
) -> None:
    context = server_context(authority, "elsewhere.example")
    async with serving(echo, tls=context) as server:
        options = TransportOptions(proxy=False, ssl_context=client_tls)
        error = await failure(Endpoint(f"wss://localhost:{server.port}/"), options)
    assert "localhost" in str(error).partition("not accepted")[2]


async def test_nobody_listens() -> None:
    port = free_port()
    error = await failure(Endpoint(f"ws://127.0.0.1:{port}/"))
    assert str(error) == f"cannot connect to 127.0.0.1:{port}: Connection refused"
    assert isinstance(error.__cause__, OSError)


async def test_a_name_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await failure(Endpoint("ws://name.invalid/"))
    assert str(error) == "cannot connect to name.invalid:80: the name is unknown"
    assert isinstance(error.__cause__, socket.gaierror)


async def test_a_name_that_is_none() -> None:
    error = await failure(Endpoint(f"ws://{'x' * 64}.invalid/"))
    assert str(error).startswith("cannot connect to xxx")
    error = await failure(Endpoint(f"ws://{'ü' * 64}/"))
    assert isinstance(error.__cause__, ValueError)


async def test_a_server_without_tls() -> None:
    async with serving(echo) as server:  # it sends the ClientHello back, which is no ServerHello
        error = await failure(Endpoint(f"wss://127.0.0.1:{server.port}/"))
    assert str(error).startswith(f"TLS with 127.0.0.1:{server.port} failed: ")
    assert isinstance(error.__cause__, ssl.SSLError)


async def test_a_server_that_hangs_up_in_the_handshake() -> None:
    async with serving(hang_up) as server:
        error = await failure(Endpoint(f"wss://127.0.0.1:{server.port}/"))
    assert str(error).endswith("closed the connection during the TLS handshake")


async def test_a_name_that_no_certificate_can_have(client_tls: ssl.SSLContext) -> None:
    async with serving(http) as proxy:
        options = TransportOptions(proxy=f"http://127.0.0.1:{proxy.port}", ssl_context=client_tls)
        proxy.connect_to = ("127.0.0.1", proxy.port)
        error = await failure(Endpoint("wss://.localhost/"), options)
    assert str(error).startswith("TLS with .localhost:443 failed: ")
    assert isinstance(error.__cause__, ValueError)


# Through a proxy


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
async def test_an_http_proxy(
    secure: bool, over_tls: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    tls = server_tls if secure else None
    async with (
        serving(echo, tls=tls) as server,
        serving(http, tls=server_tls if over_tls else None) as proxy,
    ):
        scheme = "https" if over_tls else "http"
        options = TransportOptions(
            proxy=f"{scheme}://user:{PASSWORD}@localhost:{proxy.port}", ssl_context=client_tls
        )
        endpoint = Endpoint(f"{'wss' if secure else 'ws'}://localhost:{server.port}/")
        await assert_echo(await dial(endpoint, options))
        [request] = proxy.asked
        assert request.startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic " in request


async def test_bytes_that_come_with_the_proxys_answer() -> None:
    async with serving(echo) as server, serving(http) as proxy:
        proxy.answer = OK + b"early "
        options = TransportOptions(proxy=f"http://127.0.0.1:{proxy.port}")
        async with await dial(Endpoint(f"ws://127.0.0.1:{server.port}/"), options) as stream:
            await stream.send(b"hello")
            received = b""
            while len(received) < len(b"early hello"):
                received += await stream.receive()
            assert received == b"early hello"


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("socks5", "127.0.0.1:{port}"),
        ("socks5h", "localhost:{port}"),
        ("socks4", "@127.0.0.1:{port}"),
        ("socks4a", "@localhost:{port}"),
    ],
)
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_a_socks_proxy(
    scheme: str, asked: str, secure: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    handler = socks5 if scheme.startswith("socks5") else socks4
    async with (
        serving(echo, tls=server_tls if secure else None) as server,
        serving(handler) as proxy,
    ):
        proxy.connect_to = ("127.0.0.1", server.port)
        options = TransportOptions(
            proxy=f"{scheme}://127.0.0.1:{proxy.port}", ssl_context=client_tls
        )
        endpoint = Endpoint(f"{'wss' if secure else 'ws'}://localhost:{server.port}/")
        await assert_echo(await dial(endpoint, options))
        assert proxy.asked in ([asked.format(port=server.port)], [f"::1:{server.port}"])


async def test_a_socks_proxy_with_a_password() -> None:
    async with serving(echo) as server, serving(socks5) as proxy:
        proxy.user, proxy.password = b"u ser", PASSWORD.encode()
        endpoint = Endpoint(f"ws://127.0.0.1:{server.port}/")
        url = f"socks5h://u%20ser:{{}}@127.0.0.1:{proxy.port}"
        await assert_echo(await dial(endpoint, TransportOptions(proxy=url.format(PASSWORD))))
        error = await failure(endpoint, TransportOptions(proxy=url.format(f"{PASSWORD}2")))
        assert "authentication" in str(error).lower()
        bare = f"socks5h://127.0.0.1:{proxy.port}"
        assert (
            "authentication" in str(await failure(endpoint, TransportOptions(proxy=bare))).lower()
        )


async def test_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(echo) as server, serving(http) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "")
        endpoint = Endpoint(f"ws://127.0.0.1:{server.port}/")
        await assert_echo(await dial(endpoint, TransportOptions()))
        assert len(proxy.asked) == 1
        await assert_echo(await dial(endpoint, DIRECT))
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks4a"])
async def test_a_proxy_that_is_not_there(scheme: str) -> None:
    port = free_port()
    options = TransportOptions(proxy=f"{scheme}://user:{PASSWORD}@127.0.0.1:{port}")
    error = await failure(Endpoint("wss://api.example/"), options)
    assert f"{scheme}://127.0.0.1:{port}" in str(error)
    assert str(error).endswith(": Connection refused")


async def test_a_proxy_that_refuses() -> None:
    async with serving(http) as proxy:
        proxy.answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
        options = TransportOptions(proxy=f"http://u:{PASSWORD}@127.0.0.1:{proxy.port}")
        error = await failure(Endpoint("wss://api.example/"), options)
        assert str(error).endswith("api.example:443: HTTP 407 Proxy Authentication Required")


async def test_a_socks_proxy_that_refuses() -> None:
    async with serving(socks5) as proxy:
        proxy.reply = b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"
        options = TransportOptions(proxy=f"socks5h://127.0.0.1:{proxy.port}")
        error = await failure(Endpoint("wss://api.example/"), options)
        assert str(error) == (
            f"cannot connect to api.example:443 through socks5h://127.0.0.1:{proxy.port}: "
            "Host unreachable"
        )


@pytest.mark.parametrize("scheme", ["http", "https", "socks5h", "socks4a"])
async def test_a_proxy_that_hangs_up(scheme: str) -> None:
    async with serving(hang_up) as proxy:
        options = TransportOptions(proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        error = await failure(Endpoint("wss://api.example/"), options)
        assert f"127.0.0.1:{proxy.port}" in str(error)


async def test_a_proxy_url_that_is_not_usable() -> None:
    with pytest.raises(ConfigurationError, match=r"^proxy= "):
        await dial(Endpoint("wss://api.example/"), TransportOptions(proxy="nonsense"))


async def test_socks_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_socks", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        await dial(Endpoint("wss://api.example/"), TransportOptions(proxy="socks5://127.0.0.1:1"))


# Cancellation


@pytest.mark.parametrize("proxy_scheme", [None, "http", "https", "socks5", "socks5h", "socks4a"])
async def test_cancelling_closes_the_socket(proxy_scheme: str | None) -> None:
    before = open_files()
    async with serving(nothing) as server:
        address = f"127.0.0.1:{server.port}"
        endpoint, options = Endpoint(f"wss://{address}/"), DIRECT
        if proxy_scheme is not None:
            options = TransportOptions(proxy=f"{proxy_scheme}://{address}")
        with anyio.fail_after(LIMIT):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(dial, endpoint, options)
                while not server.asked:
                    await anyio.wait_all_tasks_blocked()
                assert not server.ended.is_set()
                tasks.cancel_scope.cancel()
            await server.ended.wait()
    assert open_files() == before


async def test_cancelled_from_the_start_it_opens_nothing() -> None:
    async with serving(nothing) as server:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await dial(Endpoint(f"ws://127.0.0.1:{server.port}/"), DIRECT)
        assert scope.cancelled_caught
        await anyio.wait_all_tasks_blocked()
        assert not server.asked


def open_files() -> int:
    """How many files are open; nothing where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


# The words


@pytest.mark.parametrize(
    ("exc", "why"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "Try again"), "Try again"),
        (OSError(errno.ENETUNREACH, "with an address"), "Network is unreachable"),
        (OSError("no number"), "no number"),
        (OSError(), "OSError"),
        (anyio.BrokenResourceError(), "BrokenResourceError"),
        (
            ExceptionGroup(
                "several",
                [OSError(errno.ECONNREFUSED, "a"), OSError(errno.ECONNREFUSED, "b"), OSError("c")],
            ),
            "Connection refused, c",
        ),
    ],
)
def test_the_reason_in_an_exception(exc: Exception, why: str) -> None:
    assert _dial._why(exc) == why


def test_a_socket_whose_peer_has_gone() -> None:
    class Gone:
        def setsockopt(self, *_args: int) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

        def extra(self, _attribute: object) -> Gone:
            return self

    _dial._send_at_once(Gone())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    check: Callable[[], None] = Gone().setsockopt
    with pytest.raises(OSError, match="Invalid"):
        check()


def test_a_proxy_is_told_by_its_address() -> None:
    assert Proxy("https", "::1", 9).address == "https://[::1]:9"
