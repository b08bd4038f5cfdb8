"""Plays a recording to whoever connects: the socket, the clock and the tasks.

What is said and when is decided in `_playback`. This file imports the simulator's room, whose
socket it uses; so it is imported when a replay is opened, and never before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import anyio
from anyio.abc import ByteStream

from anyrealtime.simulator import RecordedClose, RecordedSession
from anyrealtime.simulator._faults._steps import Goodbye, Say, Sever
from anyrealtime.simulator._rules._admission import SUBPROTOCOL
from anyrealtime.simulator._websocket import WebSocket
from anyrealtime.testing._difference import listed
from anyrealtime.testing._playback import Playback

MAX_MESSAGE_BYTES: Final = 64 * 2**20
MAX_UNSENT_BYTES: Final = 2**20
NOT_AS_RECORDED: Final = 4400
"""The code with which a strict replay closes: private use (RFC 6455, 7.4.2)."""

_NO_CODE, _NO_CLOSE = 1005, 1006  # RFC 6455, 7.4.1


class ReplayHost:
    """Plays to everybody who comes, and remembers how that went."""

    def __init__(
        self,
        sessions: Sequence[RecordedSession],
        strict: bool,
        speed: float | None,
        close_timeout: float,
    ) -> None:
        self.played: list[Playback] = []
        self._sessions = sessions
        self._strict = strict
        self._speed = speed
        self._close_timeout = close_timeout

    async def serve(self, stream: ByteStream) -> None:
        """Play to one client until it leaves. Raises nothing that a client can cause."""
        socket = WebSocket(stream, subprotocol=SUBPROTOCOL, max_message_bytes=MAX_MESSAGE_BYTES)
        try:
            if await socket.handshake(_everybody):
                session = self._sessions[len(self.played) % len(self._sessions)]
                playback = Playback(
                    session, strict=self._strict, speed=self._speed, now=anyio.current_time()
                )
                self.played.append(playback)
                await _Player(socket, playback, self._close_timeout).run()
        finally:
            await socket.aclose()

    def mismatch(self, *, all_was_said: bool) -> str:
        """How the first client differed that did, where that matters; empty if none did.

        Args:
            all_was_said: whether a client must have sent all that was recorded.
        """
        if not self._strict:
            return ""
        told = [playback.mismatch for playback in self.played if playback.mismatch]
        if not told and all_was_said:
            told = [
                f"the client left without sending:\n{listed(playback.missing)}"
                for playback in self.played
                if playback.missing
            ]
            if not self.played:
                told = ["no client came"]
        return told[0] if told else ""


class _Player:
    """One client, and the session that is played to it."""

    def __init__(self, socket: WebSocket, playback: Playback, close_timeout: float) -> None:
        self._socket = socket
        self._playback = playback
        self._close_timeout = close_timeout
        self._said = anyio.Event()

    async def run(self) -> None:
        """Play until the client has left."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._socket.write)
            tasks.start_soon(self._play, tasks.cancel_scope)
            await self._listen()
            tasks.cancel_scope.cancel()

    async def _listen(self) -> None:
        while (messages := await self._socket.receive()) is not None:
            now = anyio.current_time()
            for message in messages:
                self._playback.hear(message.data, now)
            if self._playback.mismatch:
                self._socket.close(NOT_AS_RECORDED, "not as recorded")
            self._said.set()

    async def _play(self, life: anyio.CancelScope) -> None:
        while not self._playback.mismatch:
            due = self._playback.next()
            if due is None:
                await self._said.wait()
                self._said = anyio.Event()
                continue
            await anyio.sleep_until(due.when)
            if due.frame is None:
                self._end(self._playback.close)
                break
            self._socket.do(Say(due.frame))
            await self._socket.drain(MAX_UNSENT_BYTES)
        await self._socket.drain(0)
        await anyio.sleep(self._close_timeout)
        life.cancel()

    def _end(self, close: RecordedClose | None) -> None:
        if close is None or close.by == "network" or close.code == _NO_CLOSE:
            self._socket.do(Sever(reset=False))
        else:
            self._socket.do(Goodbye(None if close.code == _NO_CODE else close.code, close.reason))


def _everybody(_target: str, _headers: Sequence[tuple[str, str]]) -> None:
    """Let a client in, whatever it asks for."""
