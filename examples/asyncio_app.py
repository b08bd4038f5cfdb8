"""A connection among the other tasks of an asyncio application.

    python examples/asyncio_app.py

One task talks, one brings it questions, one counts the seconds. With OPENAI_API_KEY it
talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import asyncio  # noqa: TID251 - an application may be written for asyncio alone
import os

from anyrealtime import open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator


async def talk(url: str | None, questions: asyncio.Queue[str | None]) -> None:
    """Ask what comes, each within half a minute, until None comes."""
    session = Session(output_modalities=["text"])
    async with open_realtime("gpt-realtime", session=session, url=url) as connection:
        while (question := await questions.get()) is not None:
            async with asyncio.timeout(30):
                print(f"{question} - {await connection.ask(question)}")


async def count_seconds() -> None:
    """What else the application does meanwhile."""
    while True:
        await asyncio.sleep(1)
        print("...")


async def main(url: str | None = None) -> None:
    """Start it all; if one task fails, the others are cancelled, the connection with them."""
    questions: asyncio.Queue[str | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count_seconds())
        talking = tasks.create_task(talk(url, questions))
        await questions.put("Hello!")
        await questions.put("Who are you?")
        await questions.put(None)
        await talking
        counting.cancel()


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    asyncio.run(main() if os.environ.get("OPENAI_API_KEY") else offline())
