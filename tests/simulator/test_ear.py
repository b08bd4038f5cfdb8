"""The ear: it listens once to each sound, and says what it could not make out."""

from __future__ import annotations

import anyio
import pytest
from anyio.lowlevel import checkpoint

from anyrealtime.simulator import ModelFailure, Recogniser
from anyrealtime.simulator._ear import Ear
from anyrealtime.simulator._rules import _grammar as grammar
from anyrealtime.simulator._rules._audio import Sound
from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._sound._recognition import named_recogniser


@pytest.fixture(autouse=True)
def _bounded(anyio_backend: str) -> None:
    """Names the backend of every test here."""


def spoken() -> Entry:
    return Entry({"id": "item_1"}, {0: Sound(grammar.Pcm(), bytearray(b"\1\2"))})


def ear(
    recogniser: Recogniser, failures: list[Exception] | None = None, scripted: str | None = None
) -> Ear:
    took: list[Exception] = [] if failures is None else failures
    return Ear(recogniser, lambda: scripted, took.append)


async def test_a_script_is_believed() -> None:
    entry = spoken()
    assert await ear(named_recogniser("script"), scripted="It is me.").listen(entry) is None
    assert entry.words == {0: "It is me."}


async def test_without_a_script_nobody_knows() -> None:
    entry = spoken()
    assert await ear(named_recogniser("script")).listen(entry) is None
    assert entry.words == {}


async def test_a_recogniser_hears_the_sound_once() -> None:
    heard: list[bytes] = []

    async def slow(audio: bytes, scripted: str | None, /) -> str:
        heard.append(audio)
        await anyio.wait_all_tasks_blocked()
        return "Hello"

    entry = spoken()
    once = ear(slow)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(once.listen, entry)
            tasks.start_soon(once.listen, entry)
    assert heard == [b"\1\2"]
    assert entry.words == {0: "Hello"}


async def test_words_that_are_known_need_no_ears() -> None:
    def never(audio: bytes, scripted: str | None, /) -> str:
        raise AssertionError

    entry = spoken()
    entry.words[0] = "Hello"
    assert await ear(never).listen(entry) is None


async def test_a_failure_is_told_each_time_and_kept_once() -> None:
    failures: list[Exception] = []
    broken = ValueError("broken")

    def breaks(audio: bytes, scripted: str | None, /) -> str:
        raise broken

    once, entry = ear(breaks, failures), spoken()
    assert await once.listen(entry) is broken
    assert await once.listen(entry) is broken
    assert failures == [broken]


async def test_a_failure_that_is_meant_is_not_kept() -> None:
    failures: list[Exception] = []

    def fails(audio: bytes, scripted: str | None, /) -> str:
        raise ModelFailure("Too noisy.")

    assert isinstance(await ear(fails, failures).listen(spoken()), ModelFailure)
    assert failures == []


async def test_who_stops_listening_has_heard_nothing() -> None:
    tries = 0

    async def second_time(audio: bytes, scripted: str | None, /) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            await anyio.sleep_forever()
        await checkpoint()
        return "Hello"

    once, entry = ear(second_time), spoken()
    with anyio.move_on_after(0.01):
        await once.listen(entry)
    with anyio.fail_after(5):
        await once.listen(entry)
    assert entry.words == {0: "Hello"}
