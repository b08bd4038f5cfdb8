"""The anyio transport, where the contract does not look: how much one read takes from TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream
from websockets.client import ClientProtocol

from anyrealtime._transport._anyio import AnyioTransport, open_anyio
from anyrealtime._transport._endpoint import Endpoint
from tests._transport.raw_peer import RawListener, RawPeer
from tests._transport.transports import LIMIT, QUIET, receive_to_end, told


class InOnePiece(ByteStream):
    """A stream whose writes go out together, when the writer next reads or says so."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._held: list[bytes] = []

    async def flush(self) -> None:
        held, self._held = b"".join(self._held), []
        if held:
            await self._stream.send(held)

    async def send(self, item: bytes) -> None:
        self._held.append(item)

    async def receive(self, max_bytes: int = 65536) -> bytes:
        await self.flush()
        return await self._stream.receive(max_bytes)

    async def send_eof(self) -> None:
        raise AssertionError("never half-closed")

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return {}


@asynccontextmanager
async def connected_in_one_piece(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> AsyncGenerator[tuple[AnyioTransport, RawPeer, TLSStream, InOnePiece]]:
    """A connection over TLS whose server decides what arrives in one read."""
    accepted: list[tuple[RawPeer, TLSStream, InOnePiece]] = []

    async def serve() -> None:
        plain = await listener.accept(tls=False)
        wire = InOnePiece(plain._stream)
        tls = await TLSStream.wrap(wire, server_side=True, ssl_context=server_tls)
        peer = RawPeer(plain._sock, tls)
        await peer.upgrade()
        await wire.flush()
        accepted.append((peer, tls, wire))

    with RawListener(server_tls) as listener, anyio.fail_after(LIMIT):
        async with anyio.create_task_group() as tasks:
            options = replace(QUIET, ssl_context=client_tls)
            opened: list[AnyioTransport] = []
            async with anyio.create_task_group() as opening:
                opening.start_soon(serve)
                endpoint = Endpoint(listener.url(host="localhost"))
                opened.append(await open_anyio(endpoint, options, tasks))
            try:
                yield (opened[0], *accepted[0])
            finally:
                opened[0].abort()


async def test_one_receive_takes_every_record_that_has_come(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    sent = [f"{number}".rjust(9_000, " ") for number in range(6)]  # four records' worth, at least
    async with connected_in_one_piece(server_tls, client_tls) as (transport, peer, _, wire):
        assert isinstance(transport.raw, ClientProtocol)
        for text in sent:
            await peer.send(text)
        await wire.flush()
        assert [message.decode() for message in await transport.receive()] == sent


async def test_the_end_of_tls_in_the_read_of_the_last_message(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with connected_in_one_piece(server_tls, client_tls) as (transport, peer, tls, _):

        async def leave() -> None:
            await peer.send("last")
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
                await tls.unwrap()  # the client ends TCP instead of answering

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(leave)
            messages, ending = await receive_to_end(transport)
            assert messages == [b"last"]
            assert told(ending) == (1006, "network")
            transport.abort()
