"""The transport that tells a tap of every frame: what is told, in which order, and every end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
import pytest

from anyrealtime._transport._base import Transport, TransportClosed
from anyrealtime._transport._endpoint import build_endpoint
from anyrealtime._transport._tap import TappedTransport
from anyrealtime.errors import ClosedBy
from anyrealtime.testing import MemoryPeer, MemoryTransport, memory_transport_pair
from tests._transport.transports import LIMIT


class Log:
    """A tap that writes down what it is told."""

    def __init__(self) -> None:
        self.url = "?"
        self.secrets: Sequence[str] = ()
        self.told: list[tuple[Any, ...]] = []

    def opened(self, url: str, secrets: Sequence[str]) -> Log:
        self.url, self.secrets = url, secrets
        return self

    def sent(self, frames: Sequence[bytes]) -> None:
        self.told += [("sent", frame) for frame in frames]

    def received(self, frames: Sequence[bytes]) -> None:
        self.told += [("received", frame) for frame in frames]

    def closed(self, code: int, reason: str, by: ClosedBy) -> None:
        self.told.append(("closed", code, reason, by))


def tapped() -> tuple[TappedTransport, MemoryTransport, MemoryPeer, Log]:
    inner, peer = memory_transport_pair(max_messages=1)
    log = Log()
    return TappedTransport(inner, log, None), inner, peer, log


def test_it_is_a_transport_and_hides_nothing() -> None:
    transport, inner, _, log = tapped()
    assert isinstance(transport, Transport)
    assert transport.raw is inner.raw
    assert (log.url, log.secrets, log.told) == ("", (), [])


async def test_both_directions_in_their_order() -> None:
    transport, _, peer, log = tapped()
    with anyio.fail_after(LIMIT):
        await peer.send("hello")
        assert await transport.receive() == [b"hello"]
        await transport.send([b"a", b"b"])
        assert [await peer.receive(), await peer.receive()] == [b"a", b"b"]
    assert log.told == [("received", b"hello"), ("sent", b"a"), ("sent", b"b")]


async def test_a_question_is_told_before_its_answer_can_come() -> None:
    """Sending may wait for a peer that has read, and answered, already."""
    transport, _, peer, log = tapped()
    with anyio.fail_after(LIMIT):
        await transport.send([b"fills the lane"])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(transport.send, [b"waits"])
            await anyio.wait_all_tasks_blocked()
            assert log.told[-1] == ("sent", b"waits")
            await peer.receive()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (partial(MemoryPeer.close, code=1001, reason="late"), (1001, "late", "server")),
        (MemoryPeer.drop, (1006, "", "network")),
    ],
    ids=["closed", "dropped"],
)
async def test_the_end_is_told_once(
    end: Callable[[MemoryPeer], None], told: tuple[object, ...]
) -> None:
    transport, _, peer, log = tapped()
    with anyio.fail_after(LIMIT):
        end(peer)
        for _ in range(2):
            with pytest.raises(TransportClosed):
                await transport.receive()
        await transport.aclose()
        transport.abort()
    assert log.told == [("closed", *told)]


async def test_our_own_end() -> None:
    transport, _, peer, log = tapped()
    with anyio.fail_after(LIMIT):
        await transport.aclose(4000, "enough")
        with pytest.raises(TransportClosed):
            await peer.receive()
        transport.abort()
    assert log.told == [("closed", 4000, "enough", "client")]


async def test_what_is_sent_too_late_is_not_told() -> None:
    transport, _, peer, log = tapped()
    with anyio.fail_after(LIMIT):
        peer.close(1001)
        for attempt in (transport.receive, lambda: transport.send([b"late"])):
            with pytest.raises(TransportClosed):
                await attempt()
    assert log.told == [("closed", 1001, "", "server")]


def test_dropping_it() -> None:
    transport, _, _, log = tapped()
    transport.abort()
    assert log.told == [("closed", 1006, "", "client")]


def test_where_to_and_what_not_to_write() -> None:
    endpoint = build_endpoint(
        url="wss://example.test/v1/realtime?model=m&api-key=sk-query-key",
        api_key="sk-the-key-itself",
        headers={"X-Session-Token": "sk-another-key"},
    )
    log = Log()
    TappedTransport(memory_transport_pair()[0], log, endpoint)
    assert log.url == "wss://example.test/v1/realtime?model=m&api-key=***"
    assert {"sk-the-key-itself", "sk-another-key", "sk-query-key"} <= set(log.secrets)
    assert "" not in log.secrets
