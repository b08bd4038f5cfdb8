"""The transports' contract: messages come whole, complete and in order, however they were framed."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from anyrealtime._transport._base import TransportOptions
from tests._transport.raw_peer import BINARY, CONT, PING, PONG, TEXT, Frame, frame
from tests._transport.transports import (
    EVERY,
    QUIET,
    SOCKETS,
    Kind,
    SocketKind,
    connected,
    receive,
    receive_to_end,
    told,
)

WORDS = "Grüße, 世界 🙂"
MANY = 10_000


@EVERY
@pytest.mark.parametrize("text", ["", "plain", WORDS, "x" * 125, "x" * 126, "x" * 2**16])
async def test_text_arrives_as_its_bytes(kind: Kind, text: str) -> None:
    async with kind.link() as (transport, peer):
        await peer.send(text)
        assert await transport.receive() == [text.encode()]


@EVERY
async def test_binary_arrives_as_it_is(kind: Kind) -> None:
    data = bytes(range(256))  # not UTF-8
    async with kind.link() as (transport, peer):
        await peer.send(data)
        assert await transport.receive() == [data]


@EVERY
@pytest.mark.parametrize("text", ["", "plain", WORDS, "x" * 125, "x" * 126, "x" * 2**16])
async def test_what_is_sent_arrives(kind: Kind, text: str) -> None:
    async with kind.link() as (transport, peer):
        await transport.send([text.encode()])
        assert await peer.receive() == text.encode()


@SOCKETS
async def test_what_is_sent_is_text_in_one_frame_each(kind: SocketKind) -> None:
    async with connected(kind) as (transport, peer):
        await transport.send([b"one", b"", WORDS.encode()])
        assert await peer.read_frame() == Frame(TEXT, b"one")
        assert await peer.read_frame() == Frame(TEXT, b"")
        assert await peer.read_frame() == Frame(TEXT, WORDS.encode())


@EVERY
async def test_no_frames_are_nothing(kind: Kind) -> None:
    async with kind.link() as (transport, peer):
        await transport.send([])
        await transport.send([b"next"])
        assert await peer.receive() == b"next"


@EVERY
async def test_thousands_of_messages_both_ways_at_once(kind: Kind) -> None:
    there = [f"there {i}".encode() for i in range(MANY)]
    back = [f"back {i} {'.' * (i % 300)}".encode() for i in range(MANY)]
    got_there: list[bytes] = []
    got_back: list[bytes] = []

    async with kind.link() as (transport, peer):

        async def send_there() -> None:
            for i in range(0, MANY, 7):
                await transport.send(there[i : i + 7])

        async def read_there() -> None:
            got_there.extend([await peer.receive() for _ in range(MANY)])

        async def send_back() -> None:
            for message in back:
                await peer.send(message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_there)
            tasks.start_soon(read_there)
            tasks.start_soon(send_back)
            got_back += await receive(transport, MANY)

    assert got_there == there
    assert got_back == back


@SOCKETS
async def test_many_frames_in_one_segment(kind: SocketKind) -> None:
    messages = [f"{i}".encode() * (i % 5) for i in range(300)]
    async with connected(kind) as (transport, peer):
        await peer.write(b"".join(frame(message) for message in messages))
        assert await receive(transport, len(messages)) == messages


@SOCKETS
@pytest.mark.parametrize("missing", [0, 1, 5])
async def test_frames_in_the_segment_of_the_101(kind: SocketKind, missing: int) -> None:
    data = b"".join(
        [frame("first"), frame("are you?", PING), frame(b"\xff", BINARY), frame("last")]
    )
    end = len(data) - missing
    async with connected(kind, after_101=data[:end]) as (transport, peer):
        await peer.write(data[end:])
        assert await receive(transport, 3) == [b"first", b"\xff", b"last"]
        assert await peer.read_frame() == Frame(PONG, b"are you?")


@SOCKETS
@pytest.mark.parametrize("size", [0, 3, 126, 2**16])
async def test_a_frame_cut_at_any_byte(kind: SocketKind, size: int) -> None:
    message = b"m" * size
    data = frame(message)
    edges = {*range(1, min(len(data), 150)), *range(max(1, len(data) - 20), len(data))}
    async with connected(kind) as (transport, peer):
        received: list[bytes] = []

        async def collect() -> None:
            received.extend(await receive(transport, len(edges)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            for cut in sorted(edges):
                # Once the PING is answered, the piece behind it has been read as well.
                await peer.write(frame(b"", PING) + data[:cut])
                assert await peer.read_frame() == Frame(PONG, b"")
                await peer.write(data[cut:])
    assert received == [message] * len(edges)


@SOCKETS
async def test_fragments_cut_within_characters_and_control_frames_between(kind: SocketKind) -> None:
    message = WORDS.encode()
    async with connected(kind) as (transport, peer):
        for i in range(len(message)):
            opcode = TEXT if i == 0 else CONT
            await peer.write(frame(message[i : i + 1], opcode, fin=i == len(message) - 1))
            await peer.write(frame(f"{i}", PING) + frame(b"unasked", PONG))
        assert await receive(transport, 1) == [message]
        await peer.write(frame("whole"))
        assert await receive(transport, 1) == [b"whole"]
        pongs = [await peer.read_frame() for _ in message]
        assert pongs == [Frame(PONG, f"{i}".encode()) for i in range(len(message))]


@SOCKETS
async def test_fragmented_binary_and_empty_fragments(kind: SocketKind) -> None:
    pieces = [
        frame(b"\xff", BINARY, fin=False), frame(b"", CONT, fin=False), frame(b"\xfe", CONT),
        frame(b"", TEXT, fin=False), frame(b"", CONT),
        frame(b"", TEXT, fin=False), frame(b"text", CONT, fin=False), frame(b"", CONT),
    ]  # fmt: skip
    async with connected(kind) as (transport, peer):
        await peer.write(b"".join(pieces))
        assert await receive(transport, 3) == [b"\xff\xfe", b"", b"text"]


@SOCKETS
@pytest.mark.parametrize("payload", [b"", b"\x00\xff" * 62 + b"!"])
async def test_ping_is_answered_with_its_payload(kind: SocketKind, payload: bytes) -> None:
    async with connected(kind) as (transport, peer):
        await peer.write(frame(payload, PING) + frame("done"))
        assert await receive(transport, 1) == [b"done"]
        assert await peer.read_frame() == Frame(PONG, payload)


@SOCKETS
async def test_ping_behind_unread_messages_needs_one_receive(kind: SocketKind) -> None:
    messages = [f"unread message {i}".encode() for i in range(500)]
    async with connected(kind) as (transport, peer):
        await peer.write(b"".join([*map(frame, messages), frame("still there?", PING)]))
        taken = await transport.receive()
        assert await peer.read_frame() == Frame(PONG, b"still there?")
        assert taken + await receive(transport, len(messages) - len(taken)) == messages


@SOCKETS
async def test_ping_behind_megabytes(kind: SocketKind) -> None:
    messages = [f"{i} {'.' * 1000}".encode() for i in range(4000)]
    async with connected(kind) as (transport, peer):
        received: list[bytes] = []

        async def collect() -> None:
            received.extend(await receive(transport, len(messages)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            await peer.write(b"".join([*map(frame, messages), frame("still there?", PING)]))
            assert await peer.read_frame() == Frame(PONG, b"still there?")
    assert received == messages


@SOCKETS
async def test_a_flood_of_pings_is_answered_to_the_last(kind: SocketKind) -> None:
    pings = b"".join(frame(f"{i}", PING) for i in range(2000))
    async with connected(kind) as (transport, peer):
        await peer.write(pings + frame("done"))
        assert await receive(transport, 1) == [b"done"]
        last = Frame(PONG, b"1999")  # RFC 6455, 5.5.3, allows to answer the last one alone
        while await peer.read_frame() != last:
            pass


@SOCKETS
async def test_sixty_four_mebibytes_each_way(kind: SocketKind) -> None:
    message = bytes(range(32, 96)) * 2**20
    assert len(message) == TransportOptions().max_message_bytes
    async with connected(kind, limit=50) as (transport, peer):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(peer.write, frame(message))
            assert (await transport.receive())[0] == message
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.send, [message])
            assert await peer.receive() == message


LIMITED = replace(QUIET, max_message_bytes=1000)


@SOCKETS
@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([frame("x" * 1000)], id="text"),
        pytest.param([frame(b"x" * 1000, BINARY)], id="binary"),
        pytest.param([frame("é" * 500)], id="bytes, not characters"),
        pytest.param(
            [frame("x" * 600, fin=False), frame(b"", CONT, fin=False), frame("x" * 400, CONT)],
            id="fragments",
        ),
    ],
)
async def test_a_message_of_just_the_limit_passes(kind: SocketKind, frames: list[bytes]) -> None:
    async with connected(kind, LIMITED) as (transport, peer):
        await peer.write(b"".join(frames))
        [message] = await receive(transport, 1)
        assert len(message) == 1000
        await peer.send("next")
        assert await receive(transport, 1) == [b"next"]


@SOCKETS
@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([frame("x" * 1001)], id="text"),
        pytest.param([frame(b"x" * 1001, BINARY)], id="binary"),
        pytest.param([frame("é" * 501)], id="bytes, not characters"),
        pytest.param([frame(b"", length=2**20)], id="announced only"),
        pytest.param([frame(b"", length=2**40)], id="announced only, huge"),
        pytest.param([frame("x" * 600, fin=False), frame("x" * 401, CONT)], id="fragments"),
        pytest.param(
            [frame("x" * 600, fin=False), frame("x" * 401, CONT, fin=False)], id="unfinished"
        ),
    ],
)
async def test_a_longer_message_ends_the_connection(kind: SocketKind, frames: list[bytes]) -> None:
    async with connected(kind, LIMITED) as (transport, peer):
        await peer.write(b"".join([frame("before"), *frames]))
        messages, ending = await receive_to_end(transport)
        assert messages == [b"before"]
        assert told(ending) == (1009, "client")
        assert (await peer.ended())[0] == 1009


@SOCKETS
async def test_raw_is_the_librarys_object(kind: SocketKind) -> None:
    async with connected(kind, QUIET) as (transport, _peer):
        assert isinstance(transport.raw, kind.raw_type)
