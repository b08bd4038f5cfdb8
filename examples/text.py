"""Ask for text and print it as it comes.

    python examples/text.py

With OPENAI_API_KEY it talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import (
    ConversationItemCreate,
    InputText,
    Message,
    ResponseCreate,
    ResponseDone,
    ResponseOutputTextDelta,
    Session,
)
from anyrealtime.simulator import open_simulator


async def main(url: str | None = None) -> None:
    """Say what we want, and read the answer to its end."""
    session = Session(output_modalities=["text"])
    async with open_realtime("gpt-realtime", session=session, url=url) as connection:
        question = Message(role="user", content=[InputText(text="Say a couple of paragraphs!")])
        await connection.send(ConversationItemCreate(item=question))
        await connection.send(ResponseCreate())
        async for event in connection:
            match event:
                case ResponseOutputTextDelta(delta=text):
                    print(text, end="", flush=True)
                case ResponseDone():
                    print()
                    break
                case _:
                    pass  # the steps in between: an item was added, a part began, ...


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    anyio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
