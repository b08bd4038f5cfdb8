"""The client's half of the WebSocket upgrade over an open byte stream, and how it can fail.

Speaks HTTP through the state machine of `websockets`; opens no socket and follows no redirect
by itself. Every refusal is a `ConnectFailed`, or a `Redirected` that says where to.
"""

from __future__ import annotations

import anyio
from anyio.abc import ByteStream
from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from anyrealtime._transport._endpoint import Endpoint, scrub
from anyrealtime._transport._http import HEAD_END, MAX_HEAD_BYTES, REDIRECTS, parse_head, refusal
from anyrealtime.errors import ConnectFailed

_BODY_PATIENCE = 1.0  # seconds given to the body of a refusal, which explains it


class Redirected(Exception):
    """The server answered with a redirect to `location`."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(status, location)
        self.status = status
        self.location = location


def make_protocol(endpoint: Endpoint, max_message_bytes: int) -> ClientProtocol:
    """The state machine of one connection. It offers no extension: compression is off."""
    return ClientProtocol(
        parse_uri(endpoint.url),
        subprotocols=[Subprotocol(name) for name in endpoint.subprotocols] or None,
        max_size=max_message_bytes,
    )


async def upgrade(stream: ByteStream, protocol: ClientProtocol, endpoint: Endpoint) -> bytes:
    """Upgrade `stream`; return the bytes that came behind the response's head.

    Raises:
        ConnectFailed: the server refused, or does not speak WebSocket.
        Redirected: the server points elsewhere.
    """
    request = protocol.connect()
    for name, value in endpoint.headers:
        if name in request.headers:
            del request.headers[name]
        request.headers[name] = value
    protocol.send_request(request)
    await stream.send(b"".join(protocol.data_to_send()))
    head, rest = await _receive_head(stream, protocol, endpoint)
    if head.split(b" ", 2)[1:2] != [b"101"]:
        await _refused(stream, protocol, endpoint, head, rest)
    if protocol.handshake_exc is not None:
        raise _not_a_websocket(protocol, endpoint)
    protocol.events_received()  # the response itself
    return rest


async def _receive_head(
    stream: ByteStream, protocol: ClientProtocol, endpoint: Endpoint
) -> tuple[bytes, bytes]:
    """Feed the response's head to the library, byte for byte; return it and what came behind."""
    head = b""
    while True:
        try:
            piece = await stream.receive()
        except anyio.EndOfStream:
            raise ConnectFailed(
                f"{endpoint.address} closed the connection during the WebSocket handshake"
            ) from None
        begin = max(len(head) - len(HEAD_END) + 1, 0)
        head += piece
        cut = head.find(HEAD_END, begin)
        surplus = len(head) - (cut + len(HEAD_END)) if cut >= 0 else 0
        protocol.receive_data(piece[: len(piece) - surplus])
        if cut >= 0:
            return head[: cut + len(HEAD_END)], piece[len(piece) - surplus :]
        if protocol.handshake_exc is not None or len(head) > MAX_HEAD_BYTES:
            raise _not_a_websocket(protocol, endpoint)


async def _refused(
    stream: ByteStream, protocol: ClientProtocol, endpoint: Endpoint, head: bytes, rest: bytes
) -> None:
    """Raise what a response other than 101 means, with as much of its body as comes in time."""
    response: Response | None = None
    piece: bytes | None = rest  # of the body; None at its end
    with anyio.move_on_after(_BODY_PATIENCE):
        while response is None and protocol.handshake_exc is None:
            if piece is None:
                protocol.receive_eof()
            else:
                protocol.receive_data(piece)
            response = next(
                (e for e in protocol.events_received() if isinstance(e, Response)), None
            )
            if response is None and protocol.handshake_exc is None:
                try:
                    piece = await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    piece = None
    answer = parse_head(head[: -len(HEAD_END)])
    if answer is None:
        raise _not_a_websocket(protocol, endpoint)
    location = answer.headers.get("location")
    if answer.status in REDIRECTS and location:
        raise Redirected(answer.status, location)
    body = (response.body if response is not None else None) or b""
    raise refusal(
        endpoint,
        answer.status,
        body.decode("utf-8", "replace"),
        answer.headers.get("retry-after"),
    )


def _not_a_websocket(protocol: ClientProtocol, endpoint: Endpoint) -> ConnectFailed:
    exc = protocol.handshake_exc
    detail = scrub(str(exc), endpoint) if exc is not None else "the response's head is too long"
    error = ConnectFailed(f"{endpoint.address} did not answer as a WebSocket server: {detail}")
    error.__cause__ = exc
    return error
