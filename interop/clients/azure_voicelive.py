"""azure-ai-voicelive as a client, in the beta dialect: `python azure_voicelive.py ENDPOINT KEY`.

Text, a function call and a refused command. It dials an address of Azure's and decodes into
classes of its own. One line of JSON says what was seen.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import anyio

connect: Any = import_module("azure.ai.voicelive.aio").connect
models: Any = import_module("azure.ai.voicelive.models")
credential: Any = import_module("azure.core.credentials").AzureKeyCredential

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def talk(endpoint: str, key: str) -> dict[str, Any]:
    """Say hello, ask for what only the function knows, and name an item that is not there."""
    report: dict[str, Any] = {"classes": [], "texts": [], "errors": []}

    async def until(kind: str) -> None:
        async for event in connection:
            report["classes"].append(type(event).__name__)
            match str(event["type"]):
                case "response.text.done":
                    report["texts"].append(event.text)
                case "response.function_call_arguments.done":
                    report["call"] = {"id": event.call_id, "arguments": event.arguments}
                case "error":
                    error = event.error
                    details = [error.type, error.code, error.param, error.event_id]
                    report["errors"].append(details)
                case _:
                    pass
            if event["type"] == kind:
                return

    async def answered(item: Any) -> None:
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        await until("response.done")

    async with connect(
        credential=credential(key), endpoint=endpoint, model="gpt-realtime"
    ) as connection:
        tool = models.FunctionTool(name="get_weather", description="", parameters=CITY)
        session = models.RequestSession(modalities=["text"], tools=[tool])
        await connection.session.update(session=session)
        await until("session.updated")
        for text in ("hello", "get_weather in Paris, please"):
            content = [models.InputTextContentPart(text=text)]
            await answered(models.UserMessageItem(content=content))
        call_id = report["call"]["id"]
        await answered(models.FunctionCallOutputItem(call_id=call_id, output="21 degrees"))
        await connection.conversation.item.delete(item_id="item_nobody", event_id="evt_mine")
        await until("error")
    return report


if __name__ == "__main__":
    where, secret = sys.argv[1:]
    print(json.dumps(anyio.run(talk, where, secret)))
