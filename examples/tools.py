"""Let the model call functions: a slow one, one that fails, and one that asks first.

    python examples/tools.py

With OPENAI_API_KEY it talks to OpenAI; without, to the simulator on this machine.
"""

from __future__ import annotations

import os
from typing import Annotated

import anyio
from msgspec import Meta

from anyrealtime import ToolError, open_realtime
from anyrealtime.events import Session
from anyrealtime.simulator import open_simulator
from anyrealtime.tools import ApprovalRequest, ToolCallFinished, ToolContext, tool

PARCELS = {7: "a teapot, on its way"}
BOOKINGS = {3: "a table for two"}


@tool(timeout=5)
async def get_weather(city: str, context: ToolContext) -> dict[str, object]:
    """The weather in a city, now. It is slow: a task of its own, so nothing waits for it.

    Args:
        city: its name, without the country.
    """
    context.report(f"asking about {city}")
    await anyio.sleep(0.5)
    return {"city": city, "sky": "clear", "celsius": 21}


@tool
def track_parcel(number: Annotated[int, Meta(ge=1)]) -> str:
    """Where a parcel is. Not async: it runs in a worker thread, and may block."""
    if number not in PARCELS:
        raise ToolError(f"There is no parcel {number}. There are: {sorted(PARCELS)}.")
    return PARCELS[number]


@tool(needs_approval=True)
async def cancel_booking(number: int) -> str:
    """Cancel a booking."""
    return f"Booking {number} is cancelled: {BOOKINGS.pop(number)}."


async def approve(request: ApprovalRequest) -> bool:
    """Whether a call may be made. Here it is decided by rule; a function that is not async may
    ask by input(), for it runs in a thread."""
    print(f"[{request.name} {request.arguments}: approved]")
    return True


async def main(url: str | None = None) -> None:
    """Ask what only the functions can know; each answer comes after the calls it needs."""
    async with (
        open_realtime(
            "gpt-realtime",
            url=url,
            session=Session(output_modalities=["text"]),
            tools=[get_weather, track_parcel, cancel_booking],
            approve=approve,
        ) as connection,
        anyio.create_task_group() as tasks,
        connection.subscribe(ToolCallFinished) as finished,
    ):

        async def show() -> None:
            async for call in finished:
                print(f"[{call.name}: {call.outcome} after {call.duration:.1f} s]")

        tasks.start_soon(show)
        for question in (
            "What is the weather in Lisbon?",
            "Track parcel 12, please.",
            "Cancel booking 3.",
        ):
            print(f"{question}\n  {await connection.ask(question)}")
        tasks.cancel_scope.cancel()


async def offline() -> None:
    """The same, without a key and without a network."""
    async with open_simulator() as simulator:
        await main(simulator.url)


if __name__ == "__main__":
    anyio.run(main if os.environ.get("OPENAI_API_KEY") else offline)
