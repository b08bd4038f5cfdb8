"""Signals: taken by who asked, else the end; sent to this very process."""

from __future__ import annotations

import os
import signal

import anyio
import pytest

from anyrealtime.cli._interrupt import Interrupts, supervise

SECONDS = 10


async def test_exit_code_and_exception_leave_unchanged() -> None:
    async def works(_: Interrupts) -> int:
        await anyio.lowlevel.checkpoint()
        return 7

    async def fails(_: Interrupts) -> int:
        await anyio.lowlevel.checkpoint()
        raise KeyError("lost")

    assert await supervise(works) == 7
    with pytest.raises(KeyError, match="lost"):
        await supervise(fails)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
async def test_the_end(number: signal.Signals, code: int) -> None:
    tidied = False

    async def program(_: Interrupts) -> int:
        nonlocal tidied
        os.kill(os.getpid(), number)
        try:
            await anyio.sleep_forever()
        finally:
            tidied = True
        return 0

    with anyio.fail_after(SECONDS):
        assert await supervise(program) == code
    assert tidied


async def test_taken_until_it_is_not() -> None:
    answers = [True, True, False]
    taken = anyio.Event()

    async def take() -> bool:
        nonlocal taken
        await anyio.lowlevel.checkpoint()
        taken.set()
        taken = anyio.Event()
        return answers.pop(0)

    async def program(interrupts: Interrupts) -> int:
        with interrupts.taken_by(take):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                await taken.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await anyio.sleep_forever()
        return 0

    with anyio.fail_after(SECONDS):
        assert await supervise(program) == 130
    assert not answers


async def refuse() -> bool:
    raise AssertionError("this is not for me")


async def test_term_is_never_taken() -> None:
    async def program(interrupts: Interrupts) -> int:
        with interrupts.taken_by(refuse):
            os.kill(os.getpid(), signal.SIGTERM)
            await anyio.sleep_forever()
        return 0

    with anyio.fail_after(SECONDS):
        assert await supervise(program) == 143


async def test_nobody_takes_it_after_the_block() -> None:
    async def program(interrupts: Interrupts) -> int:
        with interrupts.taken_by(refuse):
            await anyio.lowlevel.checkpoint()
        os.kill(os.getpid(), signal.SIGINT)
        await anyio.sleep_forever()
        return 0

    with anyio.fail_after(SECONDS):
        assert await supervise(program) == 130
