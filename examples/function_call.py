"""Let the model call a function, by hand: offer it, run it, send back what it returned.

    python examples/function_call.py

With OPENAI_API_KEY it talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import json
import os

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import (
    ConversationItemCreate,
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputText,
    Message,
    ResponseCreate,
    ResponseDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    Session,
)
from anyrealtime.simulator import open_simulator

GET_WEATHER = FunctionTool(
    name="get_weather",
    description="The weather in a city, now.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
)


def get_weather(city: str) -> dict[str, object]:
    """What the model may call."""
    return {"city": city, "sky": "clear", "celsius": 21}


async def main(url: str | None = None) -> None:
    """Ask what only the function can know, and serve the model's call."""
    session = Session(output_modalities=["text"], tools=[GET_WEATHER])
    async with open_realtime("gpt-realtime", session=session, url=url) as connection:
        question = Message(role="user", content=[InputText(text="What is the weather in Lisbon?")])
        await connection.send(ConversationItemCreate(item=question))
        await connection.send(ResponseCreate())
        has_called = False
        async for event in connection:
            match event:
                case ResponseOutputItemDone(item=FunctionCall(status="completed") as call):
                    print(f"[{call.name} {call.arguments}]")
                    result = json.dumps(get_weather(**json.loads(call.arguments)))
                    output = FunctionCallOutput(call_id=call.call_id, output=result)
                    await connection.send(ConversationItemCreate(item=output))
                    has_called = True
                case ResponseOutputTextDelta(delta=text):
                    print(text, end="", flush=True)
                case ResponseDone() if has_called:
                    # Only now: one response at a time, one answer to all calls of the last.
                    await connection.send(ResponseCreate())
                    has_called = False
                case ResponseDone():
                    print()
                    break
                case _:
                    pass


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    anyio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
