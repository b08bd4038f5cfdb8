"""A small WebSocket client that shares no code with the library: for the simulator's tests.

`websockets`' sans-I/O client core over an AnyIO stream, on either backend. It checks what
every frame must have (a `type`, an `event_id`) and nothing more.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

Json: TypeAlias = dict[str, Any]


class Refused(Exception):
    """The upgrade was refused with an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Closed(Exception):
    """The connection is over; `code` is None where there was no CLOSE frame."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Client:
    """One connection of a test."""

    def __init__(self, stream: ByteStream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self.subprotocol: str | None = None
        self.response_headers = Headers()
        self.pongs: list[bytes] = []
        self._frames: list[bytes] = []

    async def _write(self) -> None:
        if data := b"".join(self.protocol.data_to_send()):
            await self.stream.send(data)

    async def handshake(self, headers: Iterable[tuple[str, str]]) -> None:
        request = self.protocol.connect()
        for name, value in headers:
            request.headers[name] = value
        self.protocol.send_request(request)
        await self._write()
        while True:
            self.protocol.receive_data(await self.stream.receive())
            events = self.protocol.events_received()
            for event in events:
                if isinstance(event, Response):
                    self.response_headers = event.headers
                    self.subprotocol = self.protocol.subprotocol
                    if event.status_code != 101:
                        raise Refused(event.status_code)
                    self._take(events)  # frames may have come in the same piece
                    return
            if self.protocol.handshake_exc is not None:
                raise self.protocol.handshake_exc

    def _take(self, events: Iterable[object]) -> None:
        for event in events:
            if isinstance(event, Frame):
                if event.opcode is Opcode.TEXT:
                    self._frames.append(bytes(event.data))
                elif event.opcode is Opcode.PONG:
                    self.pongs.append(bytes(event.data))

    async def read(self) -> None:
        """Read once from the socket."""
        close = self.protocol.close_rcvd
        if close is not None:
            raise Closed(close.code, close.reason)
        try:
            self.protocol.receive_data(await self.stream.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            raise Closed(None, "") from None
        self._take(self.protocol.events_received())
        await self._write()

    async def receive(self) -> Json:
        """Return the next event."""
        while not self._frames:
            await self.read()
        event = cast("Json", json.loads(self._frames.pop(0)))
        assert isinstance(event["type"], str)
        assert event.get("event_id") or event["type"].endswith("dtmf_event_received")
        return event

    async def until(self, kind: str) -> list[Json]:
        """Return the events up to and including the next one of that type."""
        events = [await self.receive()]
        while events[-1]["type"] != kind:
            events.append(await self.receive())
        return events

    async def wait(self, kind: str) -> Json:
        """Return the next event of that type, dropping those before it."""
        return (await self.until(kind))[-1]

    async def send(self, kind: str, **fields: object) -> None:
        await self.send_text(json.dumps({"type": kind, **fields}))

    async def send_text(self, text: str) -> None:
        await self.send_raw(text.encode())

    async def send_raw(self, data: bytes) -> None:
        """Send a text message that need not be text."""
        self.protocol.send_text(data)
        await self._write()

    async def send_binary(self, data: bytes) -> None:
        self.protocol.send_binary(data)
        await self._write()

    async def ping(self, data: bytes) -> None:
        self.protocol.send_ping(data)
        await self._write()
        while data not in self.pongs:
            await self.read()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say CLOSE and wait for the server to hang up."""
        self.protocol.send_close(code, reason)
        await self._write()
        while True:
            try:
                self.protocol.receive_data(await self.stream.receive())
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    async def closed(self) -> Closed:
        """Read until the connection is over and return how it ended."""
        while True:
            try:
                await self.receive()
            except Closed as closed:
                return closed

    async def say(self, text: str) -> Json:
        """Create a user message and return its acknowledgement."""
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
        }
        await self.send("conversation.item.create", item=item)
        return await self.receive()


@asynccontextmanager
async def dial(
    url: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    subprotocols: Iterable[str] = (),
    ssl_context: SSLContext | None = None,
) -> AsyncGenerator[Client, None]:
    """Connect to a server for as long as the block lasts, then drop the connection."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    offered = [Subprotocol(name) for name in subprotocols]
    protocol = ClientProtocol(parse_uri(url), subprotocols=offered or None, max_size=None)
    stream: ByteStream
    if ssl_context is None:
        stream = await anyio.connect_tcp(parts.hostname, parts.port)
    else:
        stream = await anyio.connect_tcp(
            parts.hostname, parts.port, ssl_context=ssl_context, tls_standard_compatible=False
        )
    async with stream:
        client = Client(stream, protocol)
        await client.handshake(headers)
        yield client
        await anyio.aclose_forcefully(stream)


def text_of(events: list[Json]) -> str:
    """What was said in text or transcript deltas."""
    ends = ("text.delta", "transcript.delta")
    return "".join(event["delta"] for event in events if event["type"].endswith(ends))


async def ask(client: Client, question: str, **response: object) -> list[Json]:
    """Ask and return the events of the answer."""
    await client.say(question)
    await client.send("response.create", response=response)
    return await client.until("response.done")
