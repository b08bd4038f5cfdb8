"""No key gets through, wherever it stands; what is no key comes out as it went in."""

from __future__ import annotations

import base64
import copy
import json
import re
import string
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyrealtime.testing._scrub import Scrubber

TOKEN = string.ascii_letters + string.digits + "_-"
WORDS = st.text(string.ascii_letters + ' .,;:!?"\\\n{}[]äß…', max_size=12)
BODIES = st.text(TOKEN, min_size=16, max_size=40)
LOOKS_LIKE_A_KEY = st.builds(
    "{}{}".format,
    st.sampled_from(["sk-", "sk-proj-", "ek_", "xai-", "Bearer ", "bearer  "]),
    BODIES,
)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    )


LEAVES = st.none() | st.booleans() | st.integers() | WORDS


@st.composite
def hidden_in(draw: st.DrawFn, secret: str) -> Any:
    """A JSON value with `secret` somewhere in it: in a text, or in the name of a field."""
    place: Any = f"{draw(WORDS)} {secret}"
    if draw(st.booleans()):
        place = {place: draw(LEAVES)}
    for _ in range(draw(st.integers(0, 4))):
        beside = draw(trees(LEAVES))
        place = [beside, place] if draw(st.booleans()) else {draw(WORDS): place, "z": beside}
    return place


@settings(max_examples=50)
@given(st.data(), LOOKS_LIKE_A_KEY)
def test_what_looks_like_a_key_goes_wherever_it_is(data: st.DataObject, key: str) -> None:
    body = re.split(r"sk-|ek_|xai-|\s", key)[-1]
    assert body not in json.dumps(Scrubber().tree(data.draw(hidden_in(key))), ensure_ascii=False)


def texts(value: object) -> list[str]:
    """Every text in a JSON value, the names of fields included."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return [*fields, *(text for inner in fields.values() for text in texts(inner))]
    if isinstance(value, list):
        return [text for inner in cast("list[object]", value) for text in texts(inner)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=50)
@given(st.data(), st.text(string.printable.strip(), min_size=8, max_size=40))
def test_a_known_key_goes_wherever_it_is(data: st.DataObject, key: str) -> None:
    cleaned = Scrubber([key]).tree(data.draw(hidden_in(key)))
    assert not [text for text in texts(cleaned) if key in text]


@given(
    st.sampled_from(
        ["authorization", "Authorization", "api_key", "apiKey", "api-key", "x-api-key",
         "OPENAI_API_KEY", "client_secret", "password", "access_token", "Set-Cookie"]
    ),
    st.text(string.ascii_letters, min_size=1, max_size=20).map("Zq{}".format),
)  # fmt: skip
def test_what_stands_under_the_name_of_a_key_goes(name: str, value: str) -> None:
    for tree in (
        {name: value},
        {"deep": [{name: [value]}]},
        {name: {"value": value, "expires_at": 3}},
        {"arguments": json.dumps({name: value, "city": "Oslo"})},
        {"output": json.dumps({"arguments": json.dumps({name: value})})},
    ):
        cleaned = json.dumps(Scrubber().tree(tree))
        assert value not in cleaned
        assert name in cleaned
    assert value not in Scrubber().text(f'not quite JSON: {{"{name}": "{value}"')


@given(trees(LEAVES))
def test_the_rest_stays(tree: Any) -> None:
    before = copy.deepcopy(tree)
    assert Scrubber(["an-unrelated-secret"]).tree(tree) == tree == before


@settings(max_examples=50)
@given(st.data(), LOOKS_LIKE_A_KEY)
def test_scrubbing_again_changes_nothing(data: st.DataObject, key: str) -> None:
    once = Scrubber([key]).tree(data.draw(hidden_in(key)))
    assert Scrubber([key]).tree(once) == once


@given(st.binary(max_size=300))
def test_audio_stays(sound: bytes) -> None:
    event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()}
    assert Scrubber().tree(event) == event


def test_mcp_tools() -> None:
    tool = {
        "type": "mcp",
        "server_label": "crm",
        "server_url": "https://crm.test/sse?tenant=7&key=opensesame#top",
        "authorization": "opensesame",
        "headers": {"X-Tenant": "opensesame", "type": "string"},
    }
    assert Scrubber().tree({"session": {"tools": [tool]}}) == {
        "session": {
            "tools": [
                {
                    **tool,
                    "server_url": "https://crm.test/sse?tenant=7&key=***#top",
                    "authorization": "***",
                    "headers": {"X-Tenant": "***", "type": "***"},
                }
            ]
        }
    }


def test_the_schema_of_a_function_stays_whole() -> None:
    parameters = {
        "type": "object",
        "properties": {
            "api_key": {"type": "string", "description": "Yours."},
            "password": {"enum": ["a", "b"]},
            "headers": {"type": "object"},
        },
        "required": ["api_key"],
    }
    event = {"session": {"tools": [{"type": "function", "name": "f", "parameters": parameters}]}}
    assert Scrubber().tree(event) == event


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Incorrect API key provided: sk-abcd1234.", "Incorrect API key provided: sk-***."),
        ("openai-insecure-api-key.ek_68b1, realtime", "openai-insecure-api-key.***, realtime"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl!", "eyJ***!"),
        ("wss://x.test/realtime?model=m&api-key=abc", "wss://x.test/realtime?model=m&api-key=***"),
        ("a task-oriented sk-SK locale", "a task-oriented sk-SK locale"),
        ("the bearer of it", "the bearer of it"),
        ("", ""),
    ],
)
def test_what_stays_legible(text: str, cleaned: str) -> None:
    assert Scrubber().text(text) == cleaned


def test_what_cannot_be_a_key_stays() -> None:
    tree = {"secret": 3, "password": None, "client_secret": {"expires_at": 3}, "cookie": [True]}
    assert Scrubber().tree(tree) == tree


def test_names_of_other_things_are_no_keys() -> None:
    usage = {"total_tokens": 3, "input_token_details": {"text_tokens": 1}, "token": "Hello"}
    assert Scrubber().tree(usage) == usage


def test_a_known_key_that_holds_another_goes_whole() -> None:
    scrubber = Scrubber(["abcdefgh", "abcdefgh-ijkl"])
    assert scrubber.text("abcdefgh-ijkl abcdefgh") == "*** ***"


def test_placeholders_are_no_keys() -> None:
    assert Scrubber(["", "test"]).text("the latest test") == "the latest test"
