"""A connection among the other tasks of a Trio application, over trio-websocket.

    python examples/trio_app.py

One task talks, one brings it questions, one counts the seconds. With OPENAI_API_KEY it
talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os

import trio

from anyrealtime import open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator


async def talk(url: str | None, questions: trio.MemoryReceiveChannel[str]) -> None:
    """Ask what comes, each within half a minute, until nothing more will come."""
    session = Session(output_modalities=["text"])
    async with (
        questions,
        open_realtime(
            "gpt-realtime", session=session, url=url, transport="trio-websocket"
        ) as connection,
    ):
        async for question in questions:
            with trio.fail_after(30):
                print(f"{question} - {await connection.ask(question)}")


async def bring(questions: trio.MemorySendChannel[str]) -> None:
    """What a user of the application would ask."""
    async with questions:
        await questions.send("Hello!")
        await questions.send("Who are you?")


async def count_seconds() -> None:
    """What else the application does meanwhile."""
    while True:
        await trio.sleep(1)
        print("...")


async def main(url: str | None = None) -> None:
    """Start it all; if one task fails, the others are cancelled, the connection with them."""
    sender, receiver = trio.open_memory_channel[str](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_seconds)
        nursery.start_soon(bring, sender)
        await talk(url, receiver)
        nursery.cancel_scope.cancel()


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    trio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
