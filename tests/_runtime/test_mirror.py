"""What a connection remembers: items as they grow, their changes, the cost, the rate limits."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime import (
    ConfigurationError,
    Connection,
    ConnectionClosed,
    ItemAdded,
    ItemDelta,
    ItemDone,
    open_realtime,
)
from anyrealtime._protocol._conversation import ConversationMirror
from anyrealtime._runtime._dispatch import Dispatcher
from anyrealtime._runtime._mirror import Mirror
from anyrealtime.events import (
    AudioConfig,
    AudioInput,
    Message,
    OutputAudio,
    OutputText,
    RateLimitsUpdated,
    ResponseDone,
    ServerEvent,
    Session,
    decode_server,
)
from anyrealtime.simulator import open_simulator
from anyrealtime.testing import MemoryPeer, memory_transport_pair

TEXT = Session(output_modalities=["text"])
SPOKEN = Session(
    output_modalities=["audio"], audio=AudioConfig(input=AudioInput(turn_detection=None))
)
ITEM: dict[str, Any] = {"id": "item_1", "type": "message", "role": "assistant", "content": []}
PLACE = {"item_id": "item_1", "response_id": "resp_1", "output_index": 0, "content_index": 0}


@asynccontextmanager
async def scripted(**options: Any) -> AsyncGenerator[tuple[Connection, MemoryPeer], None]:
    transport, peer = memory_transport_pair()
    await tell(peer, "session.created", session={"type": "realtime", "id": "sess_1"})
    with anyio.fail_after(10):
        async with open_realtime(transport=transport, close_timeout=0.01, **options) as connection:
            yield connection, peer


async def tell(peer: MemoryPeer, kind: str, **fields: Any) -> None:
    await peer.send(json.dumps({"type": kind, **fields}))


async def until(connection: Connection, kind: str) -> None:
    while (await connection.receive()).type != kind:
        pass


def text_of(connection: Connection) -> str:
    [item] = connection.conversation.items
    assert isinstance(item, Message)
    [part] = item.content
    assert isinstance(part, OutputText)
    return part.text


async def test_half_an_answer_is_there_when_it_is_asked_for() -> None:
    async with scripted() as (connection, peer):
        assert connection.conversation.items == ()
        await tell(peer, "conversation.item.added", item=ITEM)
        for delta in ("Half ", "an ", "ans"):
            await tell(peer, "response.output_text.delta", delta=delta, **PLACE)
        await tell(peer, "vendor.mark")
        await until(connection, "vendor.mark")
        assert text_of(connection) == "Half an ans"
        await tell(peer, "response.output_text.delta", delta="wer", **PLACE)
        await tell(peer, "vendor.mark")
        await until(connection, "vendor.mark")
        assert text_of(connection) == "Half an answer"


async def test_a_long_answer_is_not_laid_aside_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyrealtime._runtime._mirror._MOST_LAID_ASIDE", 3)
    async with scripted() as (connection, peer):
        await tell(peer, "conversation.item.added", item=ITEM)
        for _ in range(10):
            await tell(peer, "response.output_text.delta", delta="x", **PLACE)
        await tell(peer, "vendor.mark")
        await until(connection, "vendor.mark")
        assert len(connection._mirror._aside) < 5
        assert text_of(connection) == "x" * 10


async def test_changes_tell_each_step_as_it_comes() -> None:
    async with scripted() as (connection, peer):
        await tell(peer, "conversation.item.added", item=ITEM)
        await until(connection, "conversation.item.added")
        async with connection.conversation.changes() as changes:
            for delta in ("one ", "two"):
                await tell(peer, "response.output_text.delta", delta=delta, **PLACE)
            done = ITEM | {"content": [{"type": "output_text", "text": "one two"}]}
            await tell(peer, "conversation.item.done", item=done)
            got = [await changes.receive() for _ in range(3)]
        assert got[:2] == [ItemDelta("item_1", 0, "one "), ItemDelta("item_1", 0, "two")]
        assert isinstance(got[2], ItemDone)
        assert text_of(connection) == "one two"


async def test_changes_end_with_the_connection() -> None:
    async with scripted() as (connection, peer):
        async with connection.conversation.changes() as changes:
            await tell(peer, "conversation.item.added", item=ITEM)
            await tell(peer, "vendor.mark")
            await until(connection, "vendor.mark")
            peer.drop()
            assert isinstance(await changes.receive(), ItemAdded)
            with pytest.raises(ConnectionClosed):
                await changes.receive()


async def test_wrong_bounds() -> None:
    async with scripted() as (connection, _):
        with pytest.raises(ConfigurationError, match="max_events="):
            connection.conversation.changes(max_events=0)
    with pytest.raises(ConfigurationError, match="keep_audio_bytes="):
        async with scripted(keep_audio_bytes=-1):
            raise AssertionError


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_conversation_with_the_simulator(dialect: Any) -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            open_realtime(url=simulator.url, dialect=dialect, session=TEXT) as connection,
        ):
            assert connection.usage.responses == 0
            asked = await connection.conversation.item.create("What are you?")
            said = await connection.ask("And what is this?")
            items = connection.conversation.items
            assert [getattr(item, "role", None) for item in items] == ["user", "user", "assistant"]
            assert items[0].id == asked.id  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]
            answer = items[-1]
            assert isinstance(answer, Message)
            assert said in repr(answer.content)
            assert connection.usage.responses == 1
            assert connection.usage.total_tokens > 0
            assert connection.usage.total_tokens == (
                connection.usage.input_tokens + connection.usage.output_tokens
            )


async def test_audio_is_kept_if_asked_for() -> None:
    with anyio.fail_after(10):
        for keep, kept in ((0, False), (10**7, True)):
            async with (
                open_simulator() as simulator,
                open_realtime(
                    url=simulator.url, session=SPOKEN, keep_audio_bytes=keep
                ) as connection,
                connection.subscribe(RateLimitsUpdated) as limits,
            ):
                await connection.conversation.item.create("Hello")
                await connection.response.create()
                async for event in connection:
                    if isinstance(event, ResponseDone):
                        break
                answer = connection.conversation.items[-1]
                assert isinstance(answer, Message)
                assert answer.id is not None
                assert isinstance(answer.content[0], OutputAudio)
                assert bool(connection.conversation.audio(answer.id)) is kept
                await limits.receive()
                assert connection.rate_limits["tokens"].remaining is not None


async def test_two_answers_that_take_turns_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyrealtime._runtime._mirror._MOST_LAID_ASIDE", 3)
    async with scripted() as (connection, peer):
        for item_id in ("item_1", "item_2"):
            await tell(peer, "conversation.item.added", item=ITEM | {"id": item_id})
        for number in range(10):
            for item_id in ("item_1", "item_2"):
                place = PLACE | {"item_id": item_id}
                await tell(peer, "response.output_text.delta", delta=f"{number}", **place)
        await tell(peer, "vendor.mark")
        await until(connection, "vendor.mark")
        texts = [
            part.text
            for item in connection.conversation.items
            if isinstance(item, Message)
            for part in item.content
            if isinstance(part, OutputText)
        ]
        assert texts == ["0123456789", "0123456789"]


def _delta(item: int, kind: str, index: int, text: str) -> ServerEvent:
    fields: dict[str, Any] = {"type": kind, "item_id": f"item_{item}", "delta": text}
    if "arguments" not in kind:
        fields["content_index"] = index
    return decode_server(json.dumps(fields))


deltas = st.builds(
    _delta,
    st.integers(0, 2),
    st.sampled_from(
        [
            "response.output_text.delta",
            "response.text.delta",
            "response.output_audio_transcript.delta",
            "response.function_call_arguments.delta",
        ]
    ),
    st.integers(0, 1),
    st.text("ab", min_size=1, max_size=2),
)


@given(st.lists(deltas, max_size=40))
def test_joined_deltas_say_what_each_of_them_said(events: list[ServerEvent]) -> None:
    mirror, conversation = Mirror(Dispatcher(lambda: None)), ConversationMirror()
    call = {"id": "item_2", "type": "function_call", "call_id": "call_1", "name": "f"}
    for item in (ITEM | {"id": "item_0"}, ITEM, call):
        added = decode_server(json.dumps({"type": "conversation.item.added", "item": item}))
        mirror.apply(added)
        conversation.apply(added)
    mirror.lay_aside(events)
    mirror.catch_up()
    for event in events:
        conversation.apply(event)
    assert mirror.conversation.items == conversation.items
