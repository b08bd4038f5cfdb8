"""Ask for text and print it as it comes.

    python examples/text.py

With OPENAI_API_KEY it talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator


async def main(url: str | None = None) -> None:
    """Say what we want, and read the answer to its end."""
    session = Session(output_modalities=["text"])
    async with open_realtime("gpt-realtime", session=session, url=url) as connection:
        await connection.conversation.item.create("Say a couple of paragraphs!")
        async with connection.respond() as response:
            async for text in response.text:
                print(text, end="", flush=True)
        print()


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    anyio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
