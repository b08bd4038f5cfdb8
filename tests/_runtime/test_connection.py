"""What the program calls on a connection: sending, receiving, and what there is to look at."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from anyrealtime import ConfigurationError, ConnectionClosed, EventStream, open_realtime
from anyrealtime.events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputText,
    McpListTools,
    Message,
    OutputText,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    Session,
    SessionUpdate,
    TranslationSession,
    UnknownEvent,
    decode_client,
)
from anyrealtime.testing import MemoryPeer
from tests._runtime.peers import (
    CREATED,
    LIMIT,
    FakeTransport,
    arrived,
    frame,
    opened,
    served,
    session_frame,
    text,
)

# Receiving


async def test_an_idle_connection_holds_no_event_that_was_taken() -> None:
    async with opened() as (connection, wire), anyio.create_task_group() as tasks:
        await connection.receive()
        wire.deliver(frame("unheard.of", number=1), frame("unheard.of", number=2))
        event, other = await connection.receive(), object()
        assert sys.getrefcount(event) > sys.getrefcount(other)
        await connection.receive()
        tasks.start_soon(connection.receive)
        await arrived()
        assert sys.getrefcount(event) == sys.getrefcount(other)
        tasks.cancel_scope.cancel()


# Sending


async def test_sending_returns_the_id_that_is_sent() -> None:
    async with opened() as (connection, wire):
        first = await connection.send(ResponseCreate())
        second = await connection.send(InputAudioBufferAppend(audio=b"\0\1"))
        await arrived()
        assert [event["event_id"] for event in wire.events] == [first, second]
        assert first
        assert first != second
        assert wire.events[1]["audio"] == "AAE="


async def test_an_id_of_the_programs_own_is_kept() -> None:
    async with opened() as (connection, wire):
        assert await connection.send(ResponseCreate(event_id="mine")) == "mine"
        await arrived()
        assert wire.events[0]["event_id"] == "mine"


async def test_ids_differ_between_connections() -> None:
    ids: set[str] = set()
    for _ in range(3):
        async with opened() as (connection, _wire):
            ids.add(await connection.send(ResponseCreate()))
    assert len(ids) == 3


async def test_the_programs_event_is_not_changed() -> None:
    event = ResponseCreate()
    async with opened() as (connection, _):
        assert await connection.send(event) != await connection.send(event)
    assert event.event_id is None


async def test_what_is_sent_is_what_was_given() -> None:
    events: list[ClientEvent] = [
        ConversationItemCreate(item=Message(role="user", content=[InputText(text="héllo")])),
        SessionUpdate(session=Session(instructions=None)),
        ResponseCreate(response=ResponseCreateParams(metadata={"a": "b"})),
        ResponseCancel(response_id="resp_1"),
    ]
    async with opened() as (connection, wire):
        for event in events:
            await connection.send(event)
        await arrived()
        sent = [decode_client(frame) for frame in wire.sent]
        assert [type(event) for event in sent] == [type(event) for event in events]
        assert json.loads(wire.sent[0])["item"]["content"][0]["text"] == "héllo"
        assert json.loads(wire.sent[1])["session"]["instructions"] is None


async def test_a_vendors_event_is_sent_as_it_is() -> None:
    raw = b'{"type": "vendor.hello",  "x": 1}'
    async with opened() as (connection, wire):
        assert await connection.send(UnknownEvent("vendor.hello", raw)) == ""
        assert await connection.send(UnknownEvent("vendor.hello", raw, "mine")) == "mine"
        await arrived()
        assert wire.sent == [raw, raw]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.create"},
        ResponseCreate,
        ResponseDone(response=None),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        "response.create",
        None,
        decode_client(b"not json"),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_what_is_no_client_event(event: Any) -> None:
    async with opened() as (connection, wire):
        with pytest.raises(ConfigurationError, match="client event"):
            await connection.send(event)
        await connection.send(ResponseCreate())
        await arrived()
        assert len(wire.sent) == 1


async def test_the_beta_has_other_words() -> None:
    async with opened(dialect="beta") as (connection, wire):
        await connection.send(
            ConversationItemCreate(item=Message(role="assistant", content=[OutputText(text="hi")]))
        )
        await arrived()
        assert wire.events[0]["item"]["content"][0]["type"] == "text"


@pytest.mark.parametrize(
    "event",
    [
        SessionUpdate(session=TranslationSession()),
        ConversationItemCreate(item=McpListTools(server_label="s", tools=[])),
    ],
)
async def test_what_the_beta_has_no_words_for_is_not_sent(event: ClientEvent) -> None:
    async with opened(dialect="beta") as (connection, wire):
        with pytest.raises(ConfigurationError, match="beta"):
            await connection.send(event)
        await arrived()
        assert not wire.sent


async def test_sending_waits_when_a_mebibyte_is_queued() -> None:
    async with opened() as (connection, wire):
        wire.can_send = False
        chunk = InputAudioBufferAppend(audio=bytes(2**16))
        sent = 0
        with anyio.move_on_after(0.1) as scope:
            while True:
                await connection.send(chunk)
                sent += 1
        assert scope.cancelled_caught
        assert 8 <= sent < 16
        wire.can_send = True
        wire.change()
        await connection.send(ResponseCreate())
        await arrived()
        assert [event["type"] for event in wire.events].count("response.create") == 1
        assert len(wire.sent) == sent + 1  # the one that was cancelled was not sent


async def test_sending_in_a_cancelled_scope_sends_nothing() -> None:
    async with opened() as (connection, wire):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await connection.send(ResponseCreate())
        assert scope.cancelled_caught
        await arrived()
        assert not wire.sent


async def test_sending_after_the_block() -> None:
    async with opened() as (connection, _):
        pass
    with pytest.raises(ConnectionClosed) as caught:
        await connection.send(ResponseCreate())
    assert caught.value.by == "client"


# Receiving


async def test_receiving_one_by_one() -> None:
    async def script(peer: MemoryPeer) -> None:
        await peer.send(CREATED)
        for number in range(3):
            await peer.receive()
            await peer.send(text(number))
        await peer.receive()
        peer.close()

    async with served(script) as connection:
        await connection.receive()
        for number in range(3):
            await connection.send(ResponseCreate())
            event: Any = await connection.receive()
            assert event.delta == str(number)
        await connection.send(ResponseCreate())
        with pytest.raises(anyio.EndOfStream):
            await connection.receive()
        with pytest.raises(StopAsyncIteration):
            await anext(connection)


async def test_reading_after_the_block() -> None:
    async with opened(text(1)) as (connection, _):
        pass
    assert [event async for event in connection] == []


# The session


async def test_the_session_is_what_the_server_last_said() -> None:
    async with opened() as (connection, wire):
        session = connection.session
        assert isinstance(session.current, Session)
        assert session.id == "sess_1"
        assert session.expires_at is None
        wire.deliver(session_frame("session.updated", voice="sage", expires_at=1_800_000_000))
        await arrived()
        assert session is connection.session
        assert session.expires_at == 1_800_000_000
        wire.deliver(session_frame("session.updated", instructions="x"))
        await arrived()
        current = connection.session.current
        assert isinstance(current, Session)
        assert current.instructions == "x"
        assert session.expires_at == 1_800_000_000  # not said again, not unsaid


async def test_the_session_is_known_before_its_event_is_read() -> None:
    """It follows the server, not the program's pace."""
    async with opened(*map(text, range(10))) as (connection, wire):
        wire.deliver(session_frame("session.updated", instructions="new"))
        await arrived()
        assert getattr(connection.session.current, "instructions", None) == "new"


# The transport


async def test_the_transport_is_at_hand() -> None:
    wire = FakeTransport(CREATED)
    with anyio.fail_after(LIMIT):
        async with open_realtime(transport=wire) as connection:
            assert connection.transport is wire
            assert connection.transport.raw is wire


async def test_an_open_transport_needs_no_key_and_no_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "ftp://nonsense")
    async with opened() as (connection, _):
        assert connection.session.id


# What is written down


def _public_coroutines() -> list[tuple[str, Callable[..., Any]]]:
    from anyrealtime import Connection

    return [
        (f"{kind.__name__}.{name}", member)
        for kind in (Connection, EventStream)
        for name, member in vars(kind).items()
        if inspect.iscoroutinefunction(member) and not name.startswith("_")
    ]


@pytest.mark.parametrize(
    "function", [pytest.param(member, id=name) for name, member in _public_coroutines()]
)
def test_every_public_coroutine_says_what_cancelling_leaves(function: Callable[..., Any]) -> None:
    assert "Cancelling" in (inspect.getdoc(function) or "")
