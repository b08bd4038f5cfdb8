"""openai-agents as a client: `python openai_agents.py URL KEY`.

A session with one tool, which the agent runs by itself; it decodes every event strictly. One
line of JSON says what was seen. Runs where openai-agents is installed, which brings
anyio, and nothing of ours.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import anyio

realtime: Any = import_module("agents.realtime")
function_tool: Any = import_module("agents").function_tool
set_tracing_disabled: Any = import_module("agents").set_tracing_disabled

asked: list[str] = []


def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "21 degrees"


async def talk(url: str, key: str) -> dict[str, Any]:
    """Say hello, then ask for what only the tool knows."""
    agent = realtime.RealtimeAgent(
        name="Interop", instructions="Be brief.", tools=[function_tool(get_weather)]
    )
    config = {"model_settings": {"model_name": "gpt-realtime", "output_modalities": ["text"]}}
    runner = realtime.RealtimeRunner(starting_agent=agent, config=config)
    errors: list[str] = []
    kinds: set[str] = set()
    history: list[dict[str, Any]] = []
    turns = 0
    async with await runner.run(model_config={"url": url, "api_key": key}) as session:
        await session.send_message("hello")
        async for event in session:
            kinds.add(event.type)
            if event.type == "error":
                errors.append(str(event.error))
            elif event.type == "history_updated":
                history = [item.model_dump() for item in event.history]
            elif event.type == "agent_end":
                turns += 1
                if turns == 1:
                    await session.send_message("get_weather in Paris, please")
                if turns == 3:  # hello, the call, the answer
                    break
    said = [
        part.get("text")
        for item in history
        if item.get("role") == "assistant"
        for part in item["content"]
    ]
    return {"kinds": sorted(kinds), "errors": errors, "asked": asked, "said": said}


if __name__ == "__main__":
    set_tracing_disabled(True)
    where, secret = sys.argv[1:]
    print(json.dumps(anyio.run(talk, where, secret)))
