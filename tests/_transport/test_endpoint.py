"""Endpoints: the matrix of URLs and credentials, what is refused, and that keys stay inside."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime._transport._endpoint import (
    USER_AGENT,
    Endpoint,
    address_of,
    build_endpoint,
    redirect_target,
    same_origin,
    scrub,
)
from anyrealtime.errors import ConfigurationError, ConnectFailed

KEY = "sk-secret-1234567890"
AZURE = "https://res.openai.azure.com/openai"


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    return dict(endpoint.headers)


# The URL


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({"model": "gpt-realtime"}, "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ({"intent": "transcription"}, "wss://api.openai.com/v1/realtime?intent=transcription"),
        ({"call_id": "rtc_1"}, "wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        ({"model": "a b&c/ü"}, "wss://api.openai.com/v1/realtime?model=a%20b%26c%2F%C3%BC"),
        (
            {"model": "m", "base_url": f"{AZURE}/v1/"},
            "wss://res.openai.azure.com/openai/v1/realtime?model=m",
        ),
        (
            {"base_url": AZURE, "query": {"api-version": "2025-04-01-preview", "deployment": "d"}},
            "wss://res.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d",
        ),
        (
            {"model": "m", "base_url": f"{AZURE}?api-version=1&deployment=d"},
            "wss://res.openai.azure.com/openai/realtime?api-version=1&deployment=d",
        ),
        ({"base_url": "ws://localhost:8000/v1"}, "ws://localhost:8000/v1/realtime"),
        (
            {"base_url": "http://[::1]:8000", "model": "m", "intent": "transcription"},
            "ws://[::1]:8000/realtime?model=m&intent=transcription",
        ),
        ({"base_url": "WSS://Example.COM", "model": "m"}, "wss://Example.COM/realtime?model=m"),
        ({"query": {"model": "m"}}, "wss://api.openai.com/v1/realtime?model=m"),
    ],
)
def test_the_url_below_a_base(arguments: dict[str, Any], url: str) -> None:
    assert build_endpoint(**arguments).url == url


@pytest.mark.parametrize(
    "url",
    [
        "wss://host",
        "wss://host/",
        "wss://host?",
        "wss://Host:444/a%2Fb/../c;x?q=%20+&&x=&Model=1&empty",
        "ws://127.0.0.1:9/v1/realtime?model=other",
    ],
)
def test_a_whole_url_is_kept_to_the_byte(url: str) -> None:
    assert build_endpoint(url=url).url == url
    assert build_endpoint(url=url, base_url="wss://elsewhere").url == url


@pytest.mark.parametrize(
    ("url", "arguments", "expected"),
    [
        ("https://h/x", {"model": "m"}, "wss://h/x?model=m"),
        ("http://h/x?", {"model": "m"}, "ws://h/x?model=m"),
        ("wss://h/x?model=there", {"model": "m"}, "wss://h/x?model=there"),
        ("wss://h/x?deployment=there", {"model": "m"}, "wss://h/x?deployment=there"),
        ("wss://h/?intent=a", {"model": "m"}, "wss://h/?intent=a&model=m"),
        ("wss://h/?a=1&b=%20+&c", {"query": {"b": "2"}}, "wss://h/?a=1&c&b=2"),
        ("wss://h/?a=1", {"query": {"model": "q"}, "model": "m"}, "wss://h/?a=1&model=q"),
        ("wss://h/ü?ü=é", {}, "wss://h/%C3%BC?%C3%BC=%C3%A9"),
        (
            "wss://api.openai.com/v1/realtime/translations",
            {"model": "gpt-realtime-translate"},
            "wss://api.openai.com/v1/realtime/translations?model=gpt-realtime-translate",
        ),
    ],
)
def test_what_is_added_to_a_whole_url(url: str, arguments: dict[str, Any], expected: str) -> None:
    assert build_endpoint(url=url, **arguments).url == expected


BAD_URLS = {
    "ftp://h/": "begins with 'ftp'",
    "h.example/v1": "begins with ''",
    "h.example:443/v1": "begins with 'h.example'",
    "wss:///path": "no host",
    "wss:path": "no host",
    "wss://:443/": "no host",
    "wss://h:0/": "port 0",
    "wss://h:65536/": "1 to 65535",
    "wss://h:port/": "1 to 65535",
    "wss://[::1/": "not valid",
    "wss://user:pw@h/": "a user or a password",
    "wss://h/#part": "fragment",
    "wss://h/#": "fragment",
    "wss://h/a b": "a space",
    "wss://h/\r\nX: y": "line break",
    " wss://h/": "a space",
    "wss://h\x7f/": "control character",
    "wss://bücher.example/": "xn--",
    "": "is empty",
    " ": "is empty",
}


@pytest.mark.parametrize("argument", ["url", "base_url"])
@pytest.mark.parametrize(("bad", "why"), BAD_URLS.items())
def test_an_unusable_url_is_refused_by_name(argument: str, bad: str, why: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_endpoint(url=bad) if argument == "url" else build_endpoint(model="m", base_url=bad)
    text = str(raised.value)
    assert text.startswith(f"{argument}= ")
    assert why in text
    assert "pw" not in text
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "model= is missing"),
        ({"base_url": f"{AZURE}/v1"}, "model= is missing"),
        ({"model": ""}, "model= is empty"),
        ({"call_id": " "}, "call_id= is empty"),
        ({"intent": ""}, "intent= is empty"),
        ({"model": "m", "api_key": ""}, "api_key= is empty"),
        ({"model": "m", "intent": "transcription"}, "intent= and model= exclude"),
        ({"model": "m", "call_id": "c"}, "call_id= and model= exclude"),
        ({"model": "m", "query": {"call_id": "c"}}, "call_id= and model= exclude"),
        ({"model": "m", "call_id": "c", "base_url": "ws://h/"}, "call_id= and model= exclude"),
        ({"model": "m", "base_url": "wss://h/v1/realtime/"}, "base_url= ends in /realtime"),
        ({"model": "m", "auth": "basic"}, "auth= must be"),
        ({"model": "m", "dialect": "alpha"}, "dialect= must be"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_endpoint(**arguments)
    assert str(raised.value).startswith(says)


@pytest.mark.parametrize(
    ("url", "secure", "host", "address", "asks"),
    [
        ("wss://H.example/a?b", True, "h.example", "h.example:443", ("H.example", "/a?b")),
        ("ws://h", False, "h", "h:80", ("h", "/")),
        ("ws://h?q", False, "h", "h:80", ("h", "/?q")),
        ("wss://[::1]:8443/", True, "::1", "[::1]:8443", ("[::1]:8443", "/")),
        ("ws://u:p@h:81/", False, "h", "h:81", ("h:81", "/")),
        ("ws:", False, "", ":80", ("", "/")),
    ],
)
def test_the_parts_of_an_endpoint(
    url: str, secure: bool, host: str, address: str, asks: tuple[str, str]
) -> None:
    endpoint = Endpoint(url)
    assert endpoint.secure is secure
    assert endpoint.host == host
    assert endpoint.address == address_of(host, endpoint.port) == address
    assert (endpoint.authority, endpoint.target) == asks


def test_a_host_header_of_the_callers_own() -> None:
    endpoint = build_endpoint(url="ws://127.0.0.1:9/", headers={"X": "y", "host": "name.example"})
    assert endpoint.authority == "name.example"


# Credentials


def test_the_bearer_token_is_the_default() -> None:
    endpoint = build_endpoint(model="m", api_key=KEY)
    assert headers_of(endpoint) == {"User-Agent": USER_AGENT, "Authorization": f"Bearer {KEY}"}
    assert endpoint.subprotocols == ()


def test_azures_header() -> None:
    headers = headers_of(build_endpoint(model="m", api_key=KEY, auth="api-key"))
    assert headers == {"User-Agent": USER_AGENT, "api-key": KEY}


def test_the_key_as_a_subprotocol() -> None:
    endpoint = build_endpoint(model="m", api_key=KEY, auth="subprotocol", subprotocols=["mine"])
    assert endpoint.subprotocols == ("realtime", f"openai-insecure-api-key.{KEY}", "mine")
    assert headers_of(endpoint) == {"User-Agent": USER_AGENT}


def test_subprotocols_without_a_key_are_offered_once() -> None:
    endpoint = build_endpoint(model="m", auth="subprotocol", subprotocols=["realtime", "x"])
    assert endpoint.subprotocols == ("realtime", "x")


def test_the_beta_dialect_asks_for_itself() -> None:
    endpoint = build_endpoint(model="m", dialect="beta")
    assert headers_of(endpoint)["OpenAI-Beta"] == "realtime=v1"
    endpoint = build_endpoint(model="m", dialect="beta", api_key=KEY, auth="subprotocol")
    assert "openai-beta.realtime-v1" in endpoint.subprotocols
    assert "OpenAI-Beta" not in headers_of(endpoint)


def test_the_callers_headers_replace_ours_whatever_their_case() -> None:
    given = {"USER-agent": "mine/1", "openai-beta": "other", "X-More": " \tyes\t "}
    endpoint = build_endpoint(model="m", dialect="beta", headers=given)
    assert headers_of(endpoint) == {"USER-agent": "mine/1", "openai-beta": "other", "X-More": "yes"}


@pytest.mark.parametrize("name", ["authorization", "Api-Key", "X-API-Key"])
@pytest.mark.parametrize("auth", ["header", "api-key", "subprotocol"])
def test_a_key_is_not_sent_beside_the_callers_credentials(name: str, auth: Any) -> None:
    endpoint = build_endpoint(model="m", api_key=KEY, auth=auth, headers={name: "other"})
    assert KEY not in "".join(headers_of(endpoint).values()) + "".join(endpoint.subprotocols)
    assert headers_of(endpoint)[name] == "other"


@pytest.mark.parametrize("key", [f"{KEY}\n", f"\r{KEY}", f" {KEY}", "sk-ü", "sk secret", "sk\x00"])
@pytest.mark.parametrize("auth", ["header", "api-key", "subprotocol"])
def test_a_key_that_cannot_travel(key: str, auth: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key= has a space") as raised:
        build_endpoint(model="m", api_key=key, auth=auth)
    assert "secret" not in str(raised.value)


def test_a_key_that_is_no_token_cannot_be_a_subprotocol() -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key= is no token"):
        build_endpoint(model="m", api_key="a/secret=", auth="subprotocol")
    assert build_endpoint(model="m", api_key="a/secret=").headers


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "\x00", "ü", "日本", "a\x7f"])
def test_a_headers_value_that_cannot_travel(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers={'X-Mine'") as raised:
        build_endpoint(model="m", headers={"X-Mine": value})
    assert value not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "ü", "a\n"])
def test_a_headers_name_that_is_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers= has"):
        build_endpoint(model="m", headers={name: "x"})


@pytest.mark.parametrize("name", ["Upgrade", "connection", "Sec-WebSocket-Key", "Content-Length"])
def test_headers_of_the_handshake_are_not_the_callers(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^headers={{'{name}'"):
        build_endpoint(model="m", headers={name: "x"})


def test_a_subprotocol_that_is_no_token() -> None:
    with pytest.raises(ConfigurationError, match=r"^subprotocols= ") as raised:
        build_endpoint(model="m", subprotocols=["a, secret"])
    assert "secret" not in str(raised.value)


def test_the_user_agent_names_this_version() -> None:
    assert f"anyrealtime/{version('anyrealtime')}" == USER_AGENT


# Keys stay inside


SECRETS = Endpoint(
    "wss://user:userinfo@h/p?model=shown&Key=query%2Bsecret&signature=signed-it",
    (("Authorization", f"Bearer {KEY}"), ("X-Plain", "long-enough-to-hide"), ("X-Short", "the")),
    ("realtime", "openai-insecure-api-key.sk-protocol", "my-token"),
)


def test_a_repr_shows_no_secret() -> None:
    for text in (repr(SECRETS), str(SECRETS), f"{SECRETS}", repr([SECRETS])):
        for secret in ("userinfo", "query", "signed", KEY, "long-enough", "sk-protocol", "my-to"):
            assert secret not in text
        for shown in ("wss://h/p", "model=shown", "Key=***", "Authorization", "realtime"):
            assert shown in text


def test_scrubbing_removes_what_a_repr_hides() -> None:
    text = f"the Bearer {KEY}, {KEY}! query%2Bsecret query+secret signed-it sk-protocol my-token"
    text += " user:userinfo long-enough-to-hide shown the realtime"
    scrubbed = scrub(text, SECRETS)
    for secret in ("userinfo", "query", "signed", KEY, "long-enough", "sk-protocol", "my-to"):
        assert secret not in scrubbed
    assert scrubbed.startswith("the ***, ***!")
    assert scrubbed.endswith("shown the realtime")


def test_too_short_to_be_a_secret() -> None:
    assert scrub("a bad task", Endpoint("ws://h/", (("api-key", "a"),))) == "a bad task"


@given(key=st.from_regex(r"[!-)+-~]{4,40}", fullmatch=True), text=st.text(max_size=30))
def test_no_text_survives_with_a_key_in_it(key: str, text: str) -> None:
    endpoint = build_endpoint(model="m", api_key=key)
    for foreign in (text + key + text, f"b'Bearer {key}'"):
        assert key not in scrub(foreign, endpoint)


@given(st.text())
def test_any_text_as_a_url_is_an_endpoint_or_a_refusal(text: str) -> None:
    try:
        endpoint = build_endpoint(url=text)
    except ConfigurationError:
        return
    assert endpoint.url.isascii()
    assert endpoint.host


# Origins and redirects


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("wss://h/a", "https://H:443/b?c", True),
        ("ws://h:80", "http://h/", True),
        ("ws://[::1]:9/", "http://[::1]:9/", True),
        ("wss://h/", "ws://h/", False),
        ("ws://h:9/", "wss://h:9/", False),
        ("wss://h/", "wss://h:444/", False),
        ("wss://h/", "wss://sub.h/", False),
        ("wss://h/", "wss://h.evil/", False),
        ("ftp://h/", "ftp://h/", True),
        ("ftp://h/", "ws://h/", False),
    ],
)
def test_same_origin(a: str, b: str, same: bool) -> None:
    assert same_origin(a, b) is same
    assert same_origin(b, a) is same


ENDPOINT = build_endpoint(url="wss://h.example/v1/realtime?model=m", api_key=KEY)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y=1", "wss://h.example/x?y=1"),
        ("x", "wss://h.example/v1/x"),
        ("?model=n", "wss://h.example/v1/realtime?model=n"),
        ("https://h.example:443/x", "wss://h.example:443/x"),
        ("//H.EXAMPLE/x", "wss://H.EXAMPLE/x"),
        ("/x#part", "wss://h.example/x"),
    ],
)
def test_a_redirect_within_the_origin_takes_everything_along(location: str, url: str) -> None:
    target = redirect_target(ENDPOINT, location)
    assert target == Endpoint(url, ENDPOINT.headers, ENDPOINT.subprotocols)


@pytest.mark.parametrize(
    "location",
    [
        "wss://other.example/",
        "ws://h.example/",
        "http://h.example/",
        "wss://h.example:444/",
        "//h.example.evil/",
    ],
)
def test_a_redirect_to_another_origin_is_refused(location: str) -> None:
    with pytest.raises(ConnectFailed, match="another origin") as raised:
        redirect_target(ENDPOINT, location, status=307)
    assert raised.value.status == 307
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "location",
    ["http://[", "wss://h.example:x/", "ftp://h.example/", "wss://h.example@h.example/", "/a b"],
)
def test_a_redirect_to_no_place_is_refused(location: str) -> None:
    with pytest.raises(ConnectFailed, match="no usable URL") as raised:
        redirect_target(ENDPOINT, location)
    assert raised.value.status is None
    assert raised.value.__suppress_context__


def test_a_redirect_that_carries_the_key_as_its_host() -> None:
    with pytest.raises(ConnectFailed, match="another origin") as raised:
        redirect_target(ENDPOINT, f"https://{KEY}.evil.example/{KEY}")
    assert KEY not in str(raised.value)
