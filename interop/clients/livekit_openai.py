"""livekit-plugins-openai as a client: `python livekit_openai.py BASE_URL KEY`.

A session that keeps a chat context of its own in step with the server's: it waits for each
item by the id it gave it, and for each response by its metadata. One line of JSON says what
was seen.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import anyio

realtime: Any = import_module("livekit.plugins.openai").realtime
llm: Any = import_module("livekit.agents").llm


async def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"called by nobody here, for {city}"


class Talk:
    """One session, and what was said in it."""

    def __init__(self, session: Any) -> None:
        self.report: dict[str, Any] = {"said": [], "calls": [], "errors": []}
        self._session = session
        session.on("error", self._on_error)

    def _on_error(self, error: object) -> None:
        self.report["errors"].append(str(error))

    async def say(self, text: str) -> None:
        """Add a user's message and let the model answer."""
        context = self._session.chat_ctx.copy()
        context.add_message(role="user", content=text)
        await self._answered(context)

    async def returns(self, call_id: str, output: str) -> None:
        """Add what the function returned and let the model answer."""
        context = self._session.chat_ctx.copy()
        context.items.append(
            llm.FunctionCallOutput(
                call_id=call_id, name="get_weather", output=output, is_error=False
            )
        )
        await self._answered(context)

    async def _answered(self, context: Any) -> None:
        await self._session.update_chat_ctx(context)
        generation = await self._session.generate_reply(instructions="Be brief.")
        async for message in generation.message_stream:
            self.report["said"].append("".join([delta async for delta in message.text_stream]))
        async for call in generation.function_stream:
            self.report["calls"].append([call.call_id, call.name, call.arguments])


async def talk(base_url: str, key: str) -> dict[str, Any]:
    """Say hello, ask for what only the function knows, and tell what it returned."""
    model = realtime.RealtimeModel(
        base_url=base_url,
        api_key=key,
        model="gpt-realtime",
        modalities=["text"],
        turn_detection=None,
    )
    session = model.session()
    conversation = Talk(session)
    await conversation.say("hello")
    await session.update_tools([llm.function_tool(get_weather)])
    await conversation.say("get_weather in Paris, please")
    await conversation.returns(conversation.report["calls"][0][0], "21 degrees")
    await session.aclose()
    await model.aclose()
    return conversation.report


if __name__ == "__main__":
    where, secret = sys.argv[1:]
    print(json.dumps(anyio.run(talk, where, secret)))
