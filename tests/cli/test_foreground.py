"""A server in the foreground: said where it is, then waited for a signal, then closed."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from anyrealtime.cli._exit import CommandError
from anyrealtime.cli._foreground import until_stopped


class Somewhere:
    """A server that is only said to be one."""

    url = "ws://here.test/v1/realtime"
    base_url = "http://here.test/v1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_is_open_until_a_signal_comes(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    life: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Somewhere]:
        life.append("open")
        signal.raise_signal(number)
        yield Somewhere()
        life.append("closed")

    with anyio.fail_after(15):
        await until_stopped(opened(), host="here.test", port=0)
    assert life == ["open", "closed"]
    shown = capsys.readouterr()
    assert shown.out == "ws://here.test/v1/realtime\n"
    assert "OPENAI_BASE_URL=http://here.test/v1" in shown.err


async def test_a_place_that_is_taken() -> None:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[Somewhere]:
        raise OSError(98, "Address already in use")
        yield Somewhere()

    with anyio.fail_after(15), pytest.raises(CommandError, match=r"listen on h:1: Address already"):
        await until_stopped(opened(), host="h", port=1)
