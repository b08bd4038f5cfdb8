"""A server that answers as a recorded one did, as programs and their tests use it.

What is said and when is decided in `_playback`, and done in `_player`, which is imported when
a replay is opened, never with this room.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from os import PathLike
from typing import TYPE_CHECKING, Literal

from anyrealtime.errors import ConfigurationError
from anyrealtime.events import ClientEvent, decode_client
from anyrealtime.testing._listening import listening

if TYPE_CHECKING:
    from anyrealtime.testing._player import ReplayHost


class ReplayMismatch(AssertionError):
    """A client did not do what was recorded; the message shows the difference."""


class ReplayServer:
    """A recording that is being replayed.

    Attributes:
        url: where a client connects: a ws URL without a query.
        base_url: the same as an SDK wants it: an http URL ending in /v1.
    """

    def __init__(self, host: ReplayHost, place: str) -> None:
        self.url: str = f"ws://{place}/v1/realtime"
        self.base_url: str = f"http://{place}/v1"
        self._host = host

    def __repr__(self) -> str:
        return f"<ReplayServer {self.url} {len(self._host.played)} connections>"

    @property
    def unexpected(self) -> list[ClientEvent]:
        """What clients sent that was not recorded, in order. Appended audio does not count."""
        return [
            decode_client(frame) for playback in self._host.played for frame in playback.unexpected
        ]


@asynccontextmanager
async def replay(
    path: str | PathLike[str],
    *,
    strict: bool = False,
    speed: float | Literal["recorded"] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    close_timeout: float = 0.5,
) -> AsyncGenerator[ReplayServer, None]:
    """Open a server that answers as recorded, for as long as the block lasts.

        async with replay("session.jsonl") as server:
            async with open_realtime("gpt-realtime", base_url=server.base_url) as connection:
                ...

    Each frame that was received waits for the client's frame that it answers, and is then
    sent. Ids that the client chooses, and the metadata of its responses, take the place of
    the recorded ones. Where audio was left out of the recording, there is silence. The
    connection ends as it did, if the server or the network ended it.

    By default the client may differ. Its frames are told by their type and by what they are
    about, in any order; audio counts by its length. What was not recorded is in `unexpected`;
    where the client would wait for its answer, it gets an `error` with the code
    "not_recorded". With `strict` each frame has to be the recorded one, but for ids, and the
    answers keep the order of the recording.

    The n-th client gets the n-th recorded connection, and the first again after the last.

    Args:
        path: what `record_to` wrote, or another recording in that form.
        strict: whether the client must say what was recorded.
        speed: "recorded" keeps the times of the recording, 2.0 is twice as fast; None is as
            fast as can be.
        host: the address to listen on.
        port: 0 takes a free one.
        close_timeout: seconds a client gets to answer CLOSE.

    Raises:
        ConfigurationError: an argument is wrong.
        OSError: the file cannot be read, or it cannot listen there.
        RecordingError: the file is no recording.
        ReplayMismatch: at the end of a `strict` block: a client differed, or left without
            having sent all that was recorded. What the block itself raised is then the cause.
    """
    from anyrealtime.simulator import read_recording
    from anyrealtime.testing._player import ReplayHost

    clients = ReplayHost(read_recording(path), strict, _factor(speed), close_timeout)
    failure: Exception | None = None
    async with listening(clients.serve, host=host, port=port) as place:
        try:
            yield ReplayServer(clients, place)
        except Exception as exc:
            failure = exc
    if told := clients.mismatch(all_was_said=failure is None):
        raise ReplayMismatch(told) from failure
    if failure is not None:
        raise failure


def _factor(speed: object) -> float | None:
    if speed is None or speed == "recorded":
        return None if speed is None else 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed < math.inf:
        raise ConfigurationError(
            f'speed= must be "recorded", a positive number or None, not {speed!r}'
        )
    return float(speed)
