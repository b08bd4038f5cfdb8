"""A listening socket and its tasks: where it is, and that nothing is left of it."""

from __future__ import annotations

import anyio
import pytest
from anyio.abc import ByteStream

from anyrealtime.testing._listening import listening

LIMIT = 15.0


async def echo(stream: ByteStream) -> None:
    async with stream:
        await stream.send(await stream.receive())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_it_serves_where_it_says(host: str) -> None:
    with anyio.fail_after(LIMIT):
        async with listening(echo, host=host, port=0) as place:
            named, _, port = place.rpartition(":")
            assert named.strip("[]") == host
            async with await anyio.connect_tcp(host, int(port)) as stream:
                await stream.send(b"hello")
                assert await stream.receive() == b"hello"
    with pytest.raises(OSError):
        await anyio.connect_tcp(host, int(port))


async def test_the_block_raises_what_it_raises() -> None:
    with anyio.fail_after(LIMIT), pytest.raises(KeyError, match="mine"):
        async with listening(echo, host="127.0.0.1", port=0):
            raise KeyError("mine")


async def test_who_is_being_served_is_dropped() -> None:
    waits = anyio.Event()

    async def serve(stream: ByteStream) -> None:
        waits.set()
        async with stream:
            await anyio.sleep_forever()

    with anyio.fail_after(LIMIT):
        async with listening(serve, host="127.0.0.1", port=0) as place:
            port = int(place.rpartition(":")[2])
            client = await anyio.connect_tcp("127.0.0.1", port)
            await waits.wait()
        async with client:
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await client.receive()


async def test_a_port_that_is_taken() -> None:
    async with listening(echo, host="127.0.0.1", port=0) as place:
        with pytest.raises(OSError):
            async with listening(echo, host="127.0.0.1", port=int(place.rpartition(":")[2])):
                pytest.fail("the block began")
