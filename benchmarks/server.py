"""The server all peers talk to: its own process, plain blocking sockets, the standard library.

It does as little as a server can (frames are made before the first byte is sent), so that the
peer is never the one that waits. One connection at a time. Nothing of a client is imported: a
peer is not measured against its own bugs. Talks to the harness over stdout, a JSON line each.

    {"port": 50123}                         listening
    {"appends": 5000, "bytes": 4800000}     a commit came; what had arrived since the last one
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import select
import socket
import ssl
from collections.abc import Iterator
from typing import TypedDict, cast

from traffic import BLOCK_EVENTS, Mix, Response, encode_event, session_event

__all__ = ["main"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_READ_BYTES = 256 * 1024
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9


class _Command(TypedDict, total=False):
    type: str
    audio: str


class _Gone(Exception):
    """The client closed, or went without a word."""


class _Connection:
    """One client, from its handshake to its CLOSE."""

    def __init__(self, sock: socket.socket, response: Response, sizes: tuple[int, int]) -> None:
        self._sock = sock
        self._response = response
        self._warmup, self._events = sizes
        self._buffer = bytearray()
        self._responses = self._appends = self._audio_bytes = 0

    def serve(self) -> None:
        """Answer the client until it closes."""
        self._shake_hands()
        self._sock.sendall(session_event("session.created"))
        while True:
            self._read()

    def _shake_hands(self) -> None:
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer = bytearray(rest)
        key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", head)
        if key is None:
            raise _Gone
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept,
        ]
        self._sock.sendall(b"\r\n".join([*lines, b"", b""]))

    def _receive(self) -> None:
        data = self._sock.recv(_READ_BYTES)
        if not data:
            raise _Gone
        self._buffer += data

    def _read(self) -> None:
        """Wait for bytes and answer every whole frame among them."""
        self._receive()
        for opcode, payload in self._frames():
            if opcode == _TEXT:
                self._answer(cast(_Command, json.loads(payload)))
            elif opcode == _PING:
                self._sock.sendall(bytes((0x8A, len(payload))) + payload)
            elif opcode == _CLOSE:
                self._sock.sendall(bytes((0x88, len(payload))) + payload)
                raise _Gone

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """Cut the whole frames off the buffer: clients mask, and no peer here fragments."""
        while len(self._buffer) >= 2:
            start, size = 2, self._buffer[1] & 0x7F
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(self._buffer[2:start], "big")
            end = start + 4 + size
            if len(self._buffer) < end:
                return
            mask = bytes(self._buffer[start : start + 4])
            opcode, masked = self._buffer[0] & 0x0F, self._buffer[start + 4 : end]
            del self._buffer[:end]
            stream = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
            yield opcode, (int.from_bytes(masked, "big") ^ stream).to_bytes(size, "big")

    def _answer(self, command: _Command) -> None:
        match command.get("type"):
            case "response.create":
                self._respond()
            case "input_audio_buffer.append":
                self._appends += 1
                self._audio_bytes += len(base64.b64decode(command.get("audio", ""), validate=True))
            case "input_audio_buffer.commit":
                _tell({"appends": self._appends, "bytes": self._audio_bytes})
                self._appends = self._audio_bytes = 0
                event = {
                    "type": "input_audio_buffer.committed",
                    "event_id": "event_Bench00committed",
                }
                self._sock.sendall(
                    encode_event(event | {"item_id": "item_Bench", "previous_item_id": None})
                )
            case "session.update":
                self._sock.sendall(session_event("session.updated"))
            case _:
                pass

    def _respond(self) -> None:
        """Send a response at full speed; the first of a connection is the warm-up."""
        self._responses += 1
        events = self._warmup if self._responses == 1 else self._events
        for piece in self._response.pieces(events):
            self._sock.sendall(piece)
            while select.select([self._sock], [], [], 0)[0]:  # a PING must not wait for the end
                self._read()


def _tell(message: dict[str, int]) -> None:
    print(json.dumps(message), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mix", choices=["mixed", "small"], default="mixed")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--warmup", type=int, default=BLOCK_EVENTS)
    parser.add_argument("--certificate", help="a PEM file with key and chain: serve TLS")
    return parser.parse_args()


def main() -> None:
    """Listen on a free port of loopback and serve one client after the other until killed."""
    arguments = _arguments()
    mix = cast(Mix, arguments.mix)
    response = Response(mix)
    context: ssl.SSLContext | None = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cast(str, arguments.certificate))
    sizes = (cast(int, arguments.warmup), cast(int, arguments.events))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _tell({"port": cast(int, listener.getsockname()[1])})
        while True:
            sock, _ = listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(sock, server_side=True) if context else sock as stream:
                    _Connection(stream, response, sizes).serve()
            except (_Gone, OSError):
                continue  # the harness hears of it from the peer, which did not count all events


if __name__ == "__main__":
    main()
