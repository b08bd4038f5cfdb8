"""A server on this machine for as long as a block lasts: the tasks, and nothing of what they do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import ByteStream, SocketAttribute


@asynccontextmanager
async def listening(
    serve: Callable[[ByteStream], Awaitable[None]], *, host: str, port: int
) -> AsyncGenerator[str, None]:
    """Serve everybody who connects, and yield where: host and port, as in a URL.

    When the block is left, who is still being served is dropped. What the block raises leaves
    unchanged; `serve` must raise nothing.

    Raises:
        OSError: it cannot listen there.
    """
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    bound: int = listener.extra(SocketAttribute.local_port)
    failure: Exception | None = None  # carried past the task group, which would wrap it
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        try:
            yield f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"
        except Exception as exc:
            failure = exc
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
