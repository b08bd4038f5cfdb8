"""The commands by their names: each returns what the server acknowledged, or raises one error.

Against the simulator where a server that behaves will do, and against a scripted peer where
it must not answer, answer late, refuse or die.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import anyio
import pytest

from anyrealtime import (
    AckTimeout,
    ConfigurationError,
    Connection,
    ConnectionClosed,
    ProtocolViolation,
    RequestError,
    open_realtime,
)
from anyrealtime.events import (
    AudioConfig,
    AudioFormat,
    AudioInput,
    BetaSession,
    ConversationItemCreate,
    FunctionCallOutput,
    InputAudioBufferAppend,
    InputText,
    Message,
    ResponseCreateParams,
    ResponseDone,
    Session,
)
from anyrealtime.simulator import open_simulator
from anyrealtime.testing import MemoryPeer, memory_transport_pair
from tests._runtime.sockets import PAIRS, announce, opened_at
from tests._transport.raw_peer import RawListener, RawPeer

CREATED = '{"type":"session.created","session":{"type":"realtime","id":"sess_1"}}'
MANUAL = Session(
    output_modalities=["text"], audio=AudioConfig(input=AudioInput(turn_detection=None))
)

Call: TypeAlias = Callable[[Connection], Awaitable[object]]

CALLS: dict[str, Call] = {
    "session.update": lambda c: c.session.update(Session(instructions="x")),
    "item.create": lambda c: c.conversation.item.create("hello"),
    "item.retrieve": lambda c: c.conversation.item.retrieve("item_1"),
    "item.truncate": lambda c: c.conversation.item.truncate("item_1", audio_end_ms=5),
    "item.delete": lambda c: c.conversation.item.delete("item_1"),
    "input.commit": lambda c: c.input_audio_buffer.commit(),
    "input.clear": lambda c: c.input_audio_buffer.clear(),
    "output.clear": lambda c: c.output_audio_buffer.clear(),
    "response.create": lambda c: c.response.create(),
    "response.cancel": lambda c: c.response.cancel("resp_1"),
    "respond": lambda c: _entered(c.respond()),
}


async def _entered(block: AbstractAsyncContextManager[object]) -> None:
    async with block:
        pass


def answer_to(command: dict[str, Any]) -> str:
    """What a server says to `command` when all is well."""
    item_id = command.get("item_id")
    match command["type"]:
        case "session.update":
            answer = {"type": "session.updated", "session": command["session"]}
        case "conversation.item.create":
            answer = {"type": "conversation.item.added", "item": command["item"]}
        case "conversation.item.retrieve":
            item: dict[str, Any] = {"id": item_id, "type": "message", "role": "user"}
            answer = {"type": "conversation.item.retrieved", "item": item}
        case "conversation.item.truncate" | "conversation.item.delete":
            answer = {"type": f"{command['type']}d", "item_id": item_id}
            answer |= {"content_index": 0, "audio_end_ms": 5}
        case "input_audio_buffer.commit":
            answer = {"type": "input_audio_buffer.committed", "item_id": "item_9"}
        case "response.create":
            response = {"id": "resp_1", "metadata": command["response"]["metadata"]}
            answer = {"type": "response.created", "response": response}
        case "response.cancel":
            answer = {"type": "response.done", "response": {"id": command["response_id"]}}
        case kind:
            answer = {"type": kind.replace(".clear", ".cleared"), "response_id": "resp_1"}
    return json.dumps(answer)


Peer: TypeAlias = MemoryPeer | RawPeer

WIRES = pytest.mark.parametrize(
    ("anyio_backend", "wire"),
    [
        pytest.param("asyncio", "memory", id="asyncio-memory"),
        pytest.param("trio", "memory", id="trio-memory"),
        *PAIRS,
    ],
)


@asynccontextmanager
async def scripted(
    wire: str = "memory", **options: Any
) -> AsyncGenerator[tuple[Connection, Peer], None]:
    """A connection to a peer that has announced the session: in memory, or by a transport."""
    if wire != "memory":
        async with dialled_by_hand(wire, options) as pair:
            yield pair
        return
    transport, peer = memory_transport_pair()
    await peer.send(CREATED)
    with anyio.fail_after(10):
        async with open_realtime(transport=transport, close_timeout=0.01, **options) as connection:
            yield connection, peer


@asynccontextmanager
async def dialled_by_hand(
    transport: str, options: dict[str, Any]
) -> AsyncGenerator[tuple[Connection, Peer], None]:
    peers: list[RawPeer] = []

    async def serve(listener: RawListener) -> None:
        peers.append(await listener.accept())
        await announce(peers[0])

    with anyio.fail_after(10), RawListener() as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, listener)
            async with opened_at(
                listener.url(), transport, close_timeout=0.01, **options
            ) as connection:
                yield connection, peers[0]


async def drop(peer: Peer) -> None:
    if isinstance(peer, MemoryPeer):
        peer.drop()
    else:
        await peer.drop()


async def take(peer: Peer) -> dict[str, Any]:
    command: dict[str, Any] = json.loads(await peer.receive())
    return command


def nothing_waits(connection: Connection) -> bool:
    return len(connection._lifetime.replies) == 0


# Each call does exactly one of: return, RequestError, AckTimeout, ConnectionClosed


@WIRES
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_it_returns_when_the_server_answers(call: Call, wire: str) -> None:
    async with scripted(wire) as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            command = await take(peer)
            assert command["event_id"]
            await peer.send('{"type":"vendor.noise"}')
            await peer.send(answer_to(command))

        tasks.start_soon(serve)
        await call(connection)
        assert nothing_waits(connection)


@WIRES
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_it_raises_what_the_server_refuses(call: Call, wire: str) -> None:
    async with scripted(wire) as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            error = {"code": "invalid_value", "param": "x", "message": "no"}
            error["event_id"] = (await take(peer))["event_id"]
            await peer.send(json.dumps({"type": "error", "error": error}))

        tasks.start_soon(serve)
        with pytest.raises(RequestError) as raised:
            await call(connection)
        assert (raised.value.code, raised.value.param) == ("invalid_value", "x")
        assert nothing_waits(connection)


@WIRES
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_it_times_out_and_a_late_answer_is_nobodys(call: Call, wire: str) -> None:
    async with scripted(wire, ack_timeout=0.01) as (connection, peer):
        with pytest.raises(AckTimeout):
            await call(connection)
        assert nothing_waits(connection)
        late = await take(peer)
        error = {"code": "too_late", "event_id": late["event_id"]}
        await peer.send(json.dumps({"type": "error", "error": error}))
        await peer.send(answer_to(late))
        await peer.send('{"type":"vendor.end"}')
        while (await connection.receive()).type != "vendor.end":
            pass
        with anyio.move_on_after(0.1):  # longer than an unclaimed error is held
            await anyio.sleep_forever()


@WIRES
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_it_raises_when_the_server_dies(call: Call, wire: str) -> None:
    async with anyio.create_task_group() as tasks, scripted(wire) as (connection, peer):

        async def serve() -> None:
            await take(peer)
            await drop(peer)

        tasks.start_soon(serve)
        with pytest.raises(ConnectionClosed) as raised:
            await call(connection)
        assert raised.value.code == 1006
        assert nothing_waits(connection)


@WIRES
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_cancelling_it_leaves_the_connection_usable(call: Call, wire: str) -> None:
    async with scripted(wire) as (connection, peer):
        with anyio.move_on_after(0) as scope:
            await call(connection)
        assert scope.cancelled_caught
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def cancel() -> None:
                    await peer.receive()
                    scope.cancel()

                tasks.start_soon(cancel)
                await call(connection)
        assert scope.cancelled_caught
        assert nothing_waits(connection)
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                await peer.send(answer_to(await take(peer)))

            tasks.start_soon(serve)
            created = await connection.conversation.item.create("still here")
            assert created.content == [InputText(text="still here")]


# What is matched, and by what


async def test_many_at_once_each_get_their_own() -> None:
    got: list[int] = []
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            commands = [await take(peer) for _ in range(200)]
            for command in reversed(commands):
                await peer.send(answer_to(command))

        async def ask(number: int) -> None:
            item = await connection.conversation.item.create(str(number))
            assert item.content == [InputText(text=str(number))]
            got.append(number)

        tasks.start_soon(serve)
        for number in range(200):
            tasks.start_soon(ask, number)
    assert sorted(got) == list(range(200))


async def test_a_commit_of_turn_detection_is_not_the_answer() -> None:
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            await take(peer)
            for event in (
                {"type": "input_audio_buffer.speech_stopped", "item_id": "item_vad"},
                {"type": "input_audio_buffer.committed", "item_id": "item_vad"},
                {"type": "input_audio_buffer.committed", "item_id": "item_ours"},
            ):
                await peer.send(json.dumps(event))

        tasks.start_soon(serve)
        assert await connection.input_audio_buffer.commit() == "item_ours"


async def test_a_response_with_another_tag_is_not_the_answer() -> None:
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            command = await take(peer)
            other = {
                "type": "response.created",
                "response": {"id": "other", "metadata": {"a": "b"}},
            }
            await peer.send(
                json.dumps(other | {"response": {"id": "x", "metadata": {"anyrealtime": "z"}}})
            )
            await peer.send(answer_to(command))

        tasks.start_soon(serve)
        response = await connection.response.create(ResponseCreateParams(metadata={"mine": "1"}))
        assert response.id == "resp_1"
        assert response.metadata is not None
        assert response.metadata["mine"] == "1"


async def test_a_server_that_echoes_no_metadata() -> None:
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            await take(peer)
            for event in (
                {"type": "input_audio_buffer.speech_stopped", "item_id": "item_vad"},
                {"type": "input_audio_buffer.committed", "item_id": "item_vad"},
                {"type": "response.created", "response": {"id": "of the turn"}},
                {"type": "response.created", "response": {"id": "ours"}},
            ):
                await peer.send(json.dumps(event))

        tasks.start_soon(serve)
        assert (await connection.response.create()).id == "ours"


async def test_cancelling_nothing_is_nothing() -> None:
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            error = {
                "code": "response_cancel_not_active",
                "event_id": (await take(peer))["event_id"],
            }
            await peer.send(json.dumps({"type": "error", "error": error}))

        tasks.start_soon(serve)
        assert await connection.response.cancel() is None


async def test_a_drifted_answer_is_an_answer() -> None:
    async with scripted() as (connection, peer), anyio.create_task_group() as tasks:

        async def serve() -> None:
            command = await take(peer)
            await peer.send(
                json.dumps(
                    {"type": "session.updated", "session": 7, "event_id": command["event_id"]}
                )
            )

        tasks.start_soon(serve)
        wanted = Session(instructions="x")
        assert await connection.session.update(wanted) == wanted


# Wrong arguments


WRONG: list[tuple[Callable[[Any], Awaitable[object]], str]] = [
    (lambda c: c.conversation.item.create(7), "item="),
    (lambda c: c.conversation.item.create([7]), "item="),
    (lambda c: c.conversation.item.delete(""), "item_id="),
    (lambda c: c.conversation.item.truncate("i", audio_end_ms=-1), "audio_end_ms="),
    (lambda c: c.session.update(Session(), timeout=0), "timeout="),
]


@pytest.mark.parametrize(("call", "name"), WRONG)
async def test_wrong_arguments_are_refused_before_a_byte_is_sent(
    call: Callable[[Any], Awaitable[object]], name: str
) -> None:
    async with scripted() as (connection, peer):
        with pytest.raises(ConfigurationError, match=name):
            await call(connection)
        await connection.send(InputAudioBufferAppend(audio=b"", event_id="first"))
        assert (await take(peer))["event_id"] == "first"


async def test_what_nothing_answers_cannot_be_requested() -> None:
    async with scripted() as (connection, _):
        with pytest.raises(ProtocolViolation, match="use send"):
            await connection.request(InputAudioBufferAppend(audio=b""))


# Audio in


async def test_append_keeps_samples_whole_and_splits_what_is_too_much() -> None:
    async with scripted() as (connection, peer):
        append = connection.input_audio_buffer.append
        await append(b"\x01")
        await append(b"\x02\x03")
        await append(b"\x04")
        sizes: list[str] = [(await take(peer))["audio"] for _ in range(2)]
        assert sizes == ["AQI=", "AwQ="]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(append, bytes(15 * 2**20 + 2))
            assert len((await take(peer))["audio"]) == 15 * 2**20 * 4 // 3
            assert (await take(peer))["audio"] == "AAA="


async def test_g711_has_samples_of_one_byte() -> None:
    for session in (
        Session(audio=AudioConfig(input=AudioInput(format=AudioFormat(type="audio/pcmu")))),
        BetaSession(input_audio_format="g711_alaw"),
    ):
        async with scripted() as (connection, peer):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.session.update, session)
                await peer.send(answer_to(await take(peer)))
            await connection.input_audio_buffer.append(b"\x01")
            assert (await take(peer))["audio"] == "AQ=="


async def test_a_cancelled_append_can_be_tried_again() -> None:
    async with scripted() as (connection, peer):
        append = connection.input_audio_buffer.append
        await append(b"\x01")
        with anyio.move_on_after(0):
            await append(b"\x02\x03")
        await append(b"\x02\x03")
        assert (await take(peer))["audio"] == "AQI="


# A whole conversation


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_conversation_with_the_simulator(dialect: Any) -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            open_realtime(url=simulator.url, dialect=dialect, session=MANUAL) as connection,
        ):
            first = await connection.conversation.item.create("What are you?")
            assert isinstance(first, Message)
            assert first.id is not None
            second = await connection.conversation.item.create(
                ["one", InputText(text="two")], previous_item_id=first.id
            )
            assert len(second.content) == 2
            assert second.id is not None
            got = await connection.conversation.item.retrieve(second.id)
            assert isinstance(got, Message)
            assert got.id == second.id
            await connection.conversation.item.delete(second.id)
            with pytest.raises(RequestError) as raised:
                await connection.conversation.item.retrieve(second.id)
            assert raised.value.code == "item_retrieve_invalid_item_id"
            response = await connection.response.create()
            async for event in connection:
                if isinstance(event, ResponseDone):
                    assert event.response.id == response.id
                    break
            assert await connection.response.cancel() is None
            await connection.input_audio_buffer.append(bytes(48_000))
            assert await connection.input_audio_buffer.commit()
            await connection.input_audio_buffer.clear()
            updated = await connection.session.update(Session(instructions="Be brief."))
            assert updated == connection.session.current
            assert getattr(updated, "instructions", None) == "Be brief."


async def test_a_request_of_any_event() -> None:
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            open_realtime(url=simulator.url, session=MANUAL) as connection,
        ):
            item = Message(id="item_mine", role="user", content=[InputText(text="hi")])
            answer = await connection.request(ConversationItemCreate(item=item))
            assert answer.type == "conversation.item.added"
            with pytest.raises(RequestError):
                await connection.conversation.item.create(
                    FunctionCallOutput(call_id="nobody", output="x")
                )
