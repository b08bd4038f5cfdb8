"""The arguments of `open_realtime`: what is wrong is named before anything is opened."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime import ConfigurationError, ConnectFailed, open_realtime
from anyrealtime.events import AudioConfig, AudioFormat, AudioInput, Session, TranslationSession
from tests._runtime.peers import CREATED, LIMIT, FakeTransport, opened
from tests._transport.raw_peer import RawListener, Request

KEY = "sk-test-0123456789"
SECRET = "sk-secret-9876543210"


@pytest.fixture
async def listener(anyio_backend: str) -> AsyncGenerator[RawListener]:
    with RawListener() as listening:
        yield listening


async def refusal(listener: RawListener, **options: Any) -> str:
    """Open, which the arguments must forbid: return the message. No socket may be opened."""
    arguments: dict[str, Any] = {"url": listener.url(), "proxy": False, **options}
    with anyio.fail_after(LIMIT), pytest.raises(ConfigurationError) as caught:
        async with open_realtime(**arguments):
            pytest.fail("the block began")
    assert not listener.pending()
    return str(caught.value)


WRONG: list[tuple[str, object]] = [
    ("transport", "websocket"),
    ("transport", None),
    ("transport", object()),
    ("tap", object()),
    ("tap", "recording.jsonl"),
    ("dialect", "alpha"),
    ("dialect", None),
    ("errors", "ignore"),
    ("errors", None),
    ("session", {"type": "realtime"}),
    ("session", Session),
    ("session", "realtime"),
    ("auth", "bearer"),
    ("auth", None),
    ("connect_timeout", 0),
    ("connect_timeout", -1.0),
    ("connect_timeout", None),
    ("connect_timeout", "10"),
    ("connect_timeout", True),
    ("connect_timeout", math.nan),
    ("ack_timeout", 0),
    ("ack_timeout", None),
    ("close_timeout", -0.1),
    ("close_timeout", None),
    ("close_timeout", math.nan),
    ("ping_interval", 0),
    ("ping_interval", "20"),
    ("ping_timeout", 0.0),
    ("ping_timeout", -1),
    ("max_message_bytes", 0),
    ("max_message_bytes", 1.5),
    ("max_message_bytes", True),
    ("max_message_bytes", None),
    ("max_events", -1),
    ("max_events", 1e6),
    ("max_events", None),
    ("max_bytes", 0),
    ("max_bytes", "16 MiB"),
    ("proxy", True),
    ("proxy", 8080),
    ("api_key", ""),
    ("api_key", "  "),
    ("api_key", 42),
    ("api_key", b"sk-1"),
    ("url", ""),
    ("url", "ftp://127.0.0.1/"),
    ("url", "127.0.0.1"),
    ("url", "wss://user:password@127.0.0.1/"),
    ("base_url", ""),
    ("base_url", "ftp://127.0.0.1/"),
    ("model", ""),
    ("call_id", " "),
    ("intent", ""),
    ("model", 5),
    ("call_id", ["rtc_1"]),
    ("intent", True),
    ("url", 5),
    ("base_url", b"wss://127.0.0.1"),
    ("query", ["a=b"]),
    ("query", {"a": 1}),
    ("ssl_context", "certificates.pem"),
    ("headers", "X-Line: a"),
    ("headers", {"X-Number": 1}),
    ("headers", {1: "x"}),
    ("headers", {"X-Nothing": None}),
    ("headers", {"Bad Name": "x"}),
    ("headers", {"X-Line": "a\nb"}),
    ("headers", {"Sec-WebSocket-Key": "x"}),
]


@pytest.mark.parametrize(
    ("argument", "value"), WRONG, ids=[f"{name}={value!r:.20}" for name, value in WRONG]
)
async def test_a_wrong_argument_is_named(
    listener: RawListener, argument: str, value: object
) -> None:
    options: dict[str, object] = {argument: value}
    if argument == "base_url":
        options["url"] = None
    assert (await refusal(listener, **options)).startswith(f"{argument}=")


@pytest.mark.parametrize(
    "options",
    [
        {"model": "gpt-realtime", "call_id": "rtc_1"},
        {"model": "gpt-realtime", "intent": "transcription"},
        {"call_id": "rtc_1", "intent": "transcription"},
        {},
    ],
)
async def test_model_call_and_intent_exclude_each_other(
    listener: RawListener, options: dict[str, str]
) -> None:
    """Of OpenAI's own endpoint exactly one is wanted."""
    message = await refusal(listener, url=None, api_key=KEY, **options)
    for name in options or ["model"]:
        assert name in message


async def test_a_wrong_argument_beside_an_open_transport() -> None:
    wire = FakeTransport(CREATED)
    with pytest.raises(ConfigurationError, match=r"^max_events="):
        async with open_realtime(transport=wire, max_events=-5):
            pytest.fail("the block began")
    assert not wire.aborted


@pytest.mark.parametrize(
    "session",
    [
        TranslationSession(),
        Session(audio=AudioConfig(input=AudioInput(format=AudioFormat(type="audio/opus")))),
    ],
)
async def test_a_session_the_beta_cannot_say(
    listener: RawListener, session: Session | TranslationSession
) -> None:
    assert "beta" in await refusal(listener, session=session, dialect="beta")


@pytest.mark.parametrize(
    "options",
    [
        {"ping_interval": None, "ping_timeout": None},
        {"close_timeout": 0},
        {"connect_timeout": math.inf, "ack_timeout": 1, "close_timeout": math.inf},
        {"max_events": 0, "max_bytes": 1, "max_message_bytes": 1},
        {"errors": "deliver", "dialect": "beta", "proxy": False},
        {"api_key": lambda: KEY, "model": "m", "headers": {}, "query": {}},
    ],
)
async def test_what_is_allowed(options: dict[str, Any]) -> None:
    async with opened(**options) as (connection, wire):
        assert connection.transport is wire


# The key


async def test_no_key_for_the_default_endpoint(listener: RawListener) -> None:
    message = await refusal(listener, url=None, model="gpt-realtime")
    assert message.startswith("api_key=")
    assert "OPENAI_API_KEY" in message


@pytest.mark.parametrize("auth", ["header", "subprotocol"])
async def test_no_key_for_the_default_endpoint_spelled_out(
    listener: RawListener, auth: str
) -> None:
    message = await refusal(listener, url="https://api.openai.com:443/v1/realtime?a=b", auth=auth)
    assert message.startswith("api_key=")


async def test_an_empty_variable_is_no_key(
    listener: RawListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert (await refusal(listener, url=None, model="m")).startswith("api_key=")


async def test_other_credentials_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by the machine, not by us: the port is closed."""
    monkeypatch.setattr("anyrealtime._runtime._plan.DEFAULT_BASE_URL", "http://127.0.0.1:1/v1")
    with anyio.fail_after(LIMIT):
        with pytest.raises(ConfigurationError, match=r"^api_key="):
            async with open_realtime("m", base_url="http://127.0.0.1:1/v1", proxy=False):
                pytest.fail("the block began")
        with pytest.raises(ConnectFailed):
            async with open_realtime(
                "m",
                base_url="http://127.0.0.1:1/v1",
                headers={"authorization": "Bearer x"},
                proxy=False,
            ):
                pytest.fail("the block began")


async def asked(listener: RawListener, **options: Any) -> Request:
    """What the server is asked when a connection is opened with `options`."""
    requests: list[Request] = []

    async def serve() -> None:
        peer = await listener.accept()
        requests.append(await peer.refuse(403))
        await peer.read_to_end()

    arguments: dict[str, Any] = {"url": listener.url(), "proxy": False, **options}
    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            with pytest.raises(ConnectFailed):
                async with open_realtime(**arguments):
                    pytest.fail("the block began")
    return requests[0]


def _sync_key() -> str:
    return KEY


async def _async_key() -> str:
    await checkpoint()
    return KEY


class _KeyObject:
    def __call__(self) -> str:
        return KEY


@pytest.mark.parametrize("key", [KEY, _sync_key, _async_key, _KeyObject()])
async def test_the_key_is_sent(
    listener: RawListener, key: str | Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)  # the argument goes before it
    request = await asked(listener, api_key=key)
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_the_key_of_the_environment(
    listener: RawListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert (await asked(listener)).headers["authorization"] == f"Bearer {KEY}"
    assert (await asked(listener, auth="api-key")).headers["api-key"] == KEY
    request = await asked(listener, auth="subprotocol")
    assert f"openai-insecure-api-key.{KEY}" in request.headers["sec-websocket-protocol"]


async def test_other_servers_may_need_no_key(listener: RawListener) -> None:
    assert "authorization" not in (await asked(listener)).headers


@pytest.mark.parametrize("given", [None, "", "  ", 7, b"sk"])
async def test_a_function_that_gives_no_key(listener: RawListener, given: object) -> None:
    async def later() -> object:
        return given

    for key in (lambda: given, later):
        message = await refusal(listener, api_key=key)
        assert "api_key=" in message


async def test_a_function_that_gives_a_bad_key(listener: RawListener) -> None:
    message = await refusal(listener, api_key=lambda: f"{SECRET}\n")
    assert message.startswith("api_key=")
    assert SECRET not in message


# Where to


async def test_the_base_url_of_the_environment(
    listener: RawListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listener.port}/v1")
    request = await asked(listener, url=None, model="gpt-realtime")
    assert request.target == "/v1/realtime?model=gpt-realtime"


async def test_arguments_go_before_the_environment(
    listener: RawListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "ftp://nonsense")
    base = f"http://127.0.0.1:{listener.port}/base"
    request = await asked(listener, url=None, base_url=base, call_id="rtc_1")
    assert request.target == "/base/realtime?call_id=rtc_1"
    assert (await asked(listener, url=listener.url("/x?y=z"))).target == "/x?y=z"


async def test_everything_else_reaches_the_server(listener: RawListener) -> None:
    request = await asked(
        listener,
        model="m",
        dialect="beta",
        intent="transcription",
        headers={"X-Trace": "1"},
        query={"deployment": "d"},
    )
    assert request.headers["openai-beta"] == "realtime=v1"
    assert request.headers["x-trace"] == "1"
    assert "deployment=d" in request.target
    assert "intent=transcription" in request.target


# Secrets


async def test_no_refusal_quotes_a_secret(listener: RawListener) -> None:
    for options in (
        {"api_key": f"{SECRET} "},
        {"api_key": f" {SECRET}\n"},
        {"api_key": SECRET.encode()},
        {"url": f"wss://user:{SECRET}@127.0.0.1/"},
        {"headers": {"Authorization": f"Bearer {SECRET}\n"}},
        {"headers": f"Authorization: Bearer {SECRET}"},
        {"headers": {"Authorization": SECRET.encode()}},
        {"api_key": SECRET, "connect_timeout": -1},
    ):
        assert SECRET not in await refusal(listener, **options)


async def test_a_refused_key_is_not_quoted(listener: RawListener) -> None:
    """Even where the server quotes it."""

    async def serve() -> None:
        peer = await listener.accept()
        await peer.refuse(401, body=f'{{"error": {{"message": "Bad key {SECRET}"}}}}'.encode())
        await peer.read_to_end()

    with anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            with pytest.raises(ConnectFailed) as caught:
                async with open_realtime(url=listener.url(), api_key=SECRET, proxy=False):
                    pytest.fail("the block began")
            error: BaseException | None = caught.value
            while error is not None:
                assert SECRET not in f"{error} {error!r} {vars(error)}"
                error = error.__cause__ or error.__context__
