"""The end of a session is told ahead of time, to streams that ask for it by name."""

from __future__ import annotations

import json
from time import time

import anyio
import pytest

from anyrealtime import ConfigurationError, SessionExpiring, open_realtime
from anyrealtime.testing import MemoryPeer, memory_transport_pair


async def tell(peer: MemoryPeer, kind: str, expires_at: int) -> None:
    session = {"type": "realtime", "id": "sess_1", "expires_at": expires_at}
    await peer.send(json.dumps({"type": kind, "session": session}))


async def test_who_asks_is_told() -> None:
    transport, peer = memory_transport_pair()
    ends = int(time()) + 1000
    await tell(peer, "session.created", ends)
    with anyio.fail_after(5):
        async with open_realtime(
            transport=transport, close_timeout=0.01, expiry_notice=2000
        ) as connection:
            async with connection.subscribe(SessionExpiring) as notices:
                await tell(peer, "session.updated", ends + 1)
                while (notice := await notices.receive()).expires_at == ends:
                    pass  # of the announcement, if that was told only now
            assert notice.expires_at == ends + 1 == connection.session.expires_at
            assert 900 < notice.remaining <= 1001
            assert (await connection.receive()).type == "session.created"
            assert (await connection.receive()).type == "session.updated"  # and no notice between


async def test_only_the_last_end_counts() -> None:
    transport, peer = memory_transport_pair()
    soon, late = int(time()) + 2, int(time()) + 10_000  # in one to two seconds
    await tell(peer, "session.created", soon)
    with anyio.fail_after(5):
        async with (
            open_realtime(transport=transport, close_timeout=0.01, expiry_notice=0) as connection,
            connection.subscribe(SessionExpiring) as notices,
        ):
            await tell(peer, "session.updated", late)
            await connection.receive()
            await connection.receive()
            with anyio.move_on_after(soon + 0.3 - time()) as waiting:
                await notices.receive()
            assert waiting.cancelled_caught


@pytest.mark.parametrize("notice", [-1, "soon", True])
async def test_a_wrong_notice(notice: object) -> None:
    transport, _ = memory_transport_pair()
    with pytest.raises(ConfigurationError, match="expiry_notice="):
        async with open_realtime(transport=transport, expiry_notice=notice):  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            raise AssertionError
