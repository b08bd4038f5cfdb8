"""Let the model call a function, by hand: offer it, run it, send back what it returned.

    python examples/function_call.py

With OPENAI_API_KEY it talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import json
import os

import anyio

from anyrealtime import open_realtime
from anyrealtime.events import FunctionCallOutput, FunctionTool, Session
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
    """Ask what only the function can know, and serve the model's calls until it answers."""
    session = Session(output_modalities=["text"], tools=[GET_WEATHER])
    async with open_realtime("gpt-realtime", session=session, url=url) as connection:
        await connection.conversation.item.create("What is the weather in Lisbon?")
        while True:
            async with connection.respond() as response:
                async for text in response.text:
                    print(text, end="", flush=True)
                calls = [call async for call in response.function_calls]
            if not calls:
                break
            for call in calls:
                print(f"[{call.name} {call.arguments}]")
                result = json.dumps(get_weather(**json.loads(call.arguments)))
                output = FunctionCallOutput(call_id=call.call_id, output=result)
                await connection.conversation.item.create(output)
        print()


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    anyio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
