"""The seam for models: what they are given, and every way to answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.simulator import Model, ModelRequest, NewMessage, Said, Transcript
from anyrealtime.simulator._models._model import said
from tests.simulator.asking import request

REQUEST = request()


async def test_an_async_model_is_closed_with_its_response(anyio_backend: str) -> None:
    closed = False

    async def model(_: ModelRequest) -> AsyncIterator[Said]:
        nonlocal closed
        await checkpoint()
        try:
            yield "one"
            yield "two"
        finally:
            closed = True

    with anyio.fail_after(5):
        parts = said(model, REQUEST)
        assert await anext(parts) == "one"
        await parts.aclose()
    assert closed


async def test_any_async_iterable_will_do(anyio_backend: str) -> None:
    class Once:
        def __aiter__(self) -> AsyncIterator[Said]:
            return self

        async def __anext__(self) -> Said:
            await checkpoint()
            raise StopAsyncIteration

    with anyio.fail_after(5):
        with pytest.raises(StopAsyncIteration):
            await anext(said(lambda _: Once(), REQUEST))


async def _later(_: ModelRequest) -> list[Said]:
    await checkpoint()
    return ["one", "two"]


async def _later_whole(_: ModelRequest) -> str:
    await checkpoint()
    return "one"


PARTS: list[Said] = ["one", NewMessage(), "two"]
SHAPES: list[tuple[Model, list[Said]]] = [
    (lambda _: "one", ["one"]),
    (lambda _: b"\0\0", [b"\0\0"]),
    (lambda _: Transcript("one"), [Transcript("one")]),
    (lambda _: PARTS, PARTS),
    (_later, ["one", "two"]),
    (_later_whole, ["one"]),
]


@pytest.mark.parametrize(("model", "parts"), SHAPES)
async def test_an_answer_in_every_shape(
    anyio_backend: str, model: Model, parts: list[Said]
) -> None:
    with anyio.fail_after(5):
        assert [part async for part in said(model, REQUEST)] == parts
