"""What the default model decides to call: one function, several, one after the other, badly."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrealtime import open_realtime
from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    InputText,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpCallError,
    McpListedTool,
    Message,
    Session,
)
from anyrealtime.simulator import FunctionCallRequest, McpCallRequest, open_simulator
from anyrealtime.simulator._models._decisions import (
    MOST_ROUNDS,
    UNKNOWN,
    Call,
    outcomes,
    wanted_calls,
)
from tests.simulator.asking import request

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = (
    FunctionTool(name="get_weather", parameters=CITY),
    FunctionTool(name="get_time", parameters={"type": "object", "properties": {}}),
)
TIME = FunctionCallRequest("get_time", {})


def weather(city: str) -> FunctionCallRequest:
    return FunctionCallRequest("get_weather", {"city": city})


def decide(text: str, *outputs: str, **fields: Any) -> list[Call]:
    """What is called after so many calls were made and gave these outputs."""
    earlier = FunctionCall(call_id="call_x", name="get_time", arguments="{}")
    items: list[Any] = [earlier, Message(role="user", content=[InputText(text=text)])]
    for index, output in enumerate(outputs):
        call_id = f"call_{index}"
        items += [
            FunctionCall(call_id=call_id, name="get_time", arguments="{}"),
            FunctionCallOutput(call_id=call_id, output=output),
        ]
    return wanted_calls(request(text, **{"items": tuple(items), "tools": TOOLS} | fields))


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("What is the weather in Paris?", [weather("Paris")]),
        ("What is the weather in Paris, and the time?", [weather("Paris"), TIME]),
        ("The weather in Paris and New York", [weather("Paris"), weather("New York")]),
        ("The weather in Rome, Paris, and Oslo?", [weather(c) for c in ("Rome", "Paris", "Oslo")]),
        ("The weather for Ann Lee in Oslo?", [weather("Ann Lee")]),
        ('The weather in "Paris and Rome"?', [weather("Paris and Rome")]),
        ("The time in Paris and Rome?", [TIME]),
        ("The time, twice, in parallel", [TIME, TIME]),
        ("The time 3 times at once", [TIME] * 3),
        ("How are you?", []),
        ("Call an unknown function!", [FunctionCallRequest(UNKNOWN, {})]),
        ("The time and an unknown tool", [TIME, FunctionCallRequest(UNKNOWN, {})]),
        (
            "Ask for the weather in Paris with malformed arguments",
            [FunctionCallRequest("get_weather", '{"city":"P')],
        ),
        ("The time, with broken JSON", [FunctionCallRequest("get_time", "{")]),
        (
            "Use malformed arguments.",
            [FunctionCallRequest("get_weather", '{"city":"Use malformed ')],
        ),
    ],
)
def test_one_round(text: str, calls: list[FunctionCallRequest]) -> None:
    assert decide(text) == calls
    assert decide(text, *["output"] * len(calls)) == []


def test_rounds_one_after_the_other() -> None:
    text = "The weather in Paris and Rome, then the time, and after that the weather in Oslo."
    assert decide(text) == [weather("Paris"), weather("Rome")]
    assert decide(text, "sunny", "grey") == [TIME]
    assert decide(text, "sunny", "grey", "noon") == [weather("Oslo")]
    assert decide(text, "sunny", "grey", "noon", "snow") == []


@pytest.mark.parametrize(("text", "rounds"), [("The time twice", 2), ("The time three times", 3)])
def test_the_same_again(text: str, rounds: int) -> None:
    assert [decide(text, *["noon"] * done) for done in range(rounds + 1)] == [[TIME]] * rounds + [
        []
    ]


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("Ask the time until it says “half past noon”.", "It is half past noon!"),
        ("Ask the time until it is noon.", "noon"),
        ("Ask the time until done.", "Done"),
    ],
)
def test_until_an_output_says_so(text: str, goal: str) -> None:
    assert decide(text) == [TIME]
    assert decide(text, *["morning"] * (MOST_ROUNDS - 1)) == [TIME]
    assert decide(text, *["morning"] * MOST_ROUNDS) == []
    assert decide(text, "morning", goal) == []


def test_until_is_also_just_a_word() -> None:
    assert decide("The time until Friday?") == [TIME]
    assert decide("The time until Friday?", "noon") == []


def test_what_the_client_allows() -> None:
    both = "The weather in Paris and the time"
    assert decide(both, tools=()) == []
    assert decide(both, tool_choice="none") == []
    assert decide(both, tool_choice="get_time") == [TIME]
    assert decide("Hello", tool_choice="get_time") == [TIME]
    assert decide("Hello", tool_choice="required") == [weather("Hello")]
    assert decide("Hello", "12", tool_choice="required") == []
    assert decide(both, parallel_tool_calls=False) == [weather("Paris")]
    assert decide(both, "sunny", parallel_tool_calls=False) == [TIME]


async def test_chained_rounds_over_a_real_socket(anyio_backend: str) -> None:
    session = Session(output_modalities=["text"], tools=list(TOOLS))
    rounds: list[list[str]] = []
    with anyio.fail_after(10):
        async with (
            open_simulator() as simulator,
            open_realtime(url=simulator.url, session=session) as connection,
        ):
            items = connection.conversation.item
            await items.create("The weather in Paris and Rome, then the time with broken JSON.")
            while True:
                async with connection.respond() as response:
                    calls = [call async for call in response.function_calls]
                    text = "".join([piece async for piece in response.text])
                if not calls:
                    break
                rounds.append([call.arguments for call in calls])
                for call in calls:
                    await items.create(
                        FunctionCallOutput(call_id=call.call_id, output=f"{call.name}!")
                    )
    assert [json.loads(text) for text in rounds[0]] == [{"city": "Paris"}, {"city": "Rome"}]
    assert rounds[1:] == [["{"]]
    assert text.split("\n") == [
        "get_weather answered: get_weather!",
        "get_weather answered: get_weather!",
        "get_time answered: get_time!",
    ]


ASKED = (
    *("the weather", "time", "in Paris", "and Rome,", "then", "twice", "99 times", "0 times"),
    *("at once", "until done", "until it is", "malformed arguments", "unknown tool", '"'),
)


@given(
    st.lists(st.sampled_from(ASKED) | st.text(max_size=5)),
    st.sampled_from(["auto", "required", "get_time"]),
)
def test_whatever_is_asked_ends(words: list[str], choice: str) -> None:
    text, done = " ".join(words), 0
    while calls := decide(text, *["nothing"] * done, tool_choice=choice):
        done += len(calls)
    assert done <= 4 * MOST_ROUNDS * (1 + len(words))


def test_tools_of_an_mcp_server() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    docs = {"docs": (McpListedTool(name="search_docs", input_schema=schema),)}
    text = "Search the docs for Rain and Snow, then the time with malformed arguments"
    searches = [McpCallRequest("docs", "search_docs", {"q": q}) for q in ("Rain", "Snow")]
    assert decide(text, mcp_tools=docs) == searches
    assert decide("Hello", mcp_tools=docs, tools=(), tool_choice="search_docs") == [
        McpCallRequest("docs", "search_docs", {"q": "Hello"})
    ]
    asked = Message(role="user", content=[InputText(text=text)])
    approval = McpApprovalRequest(id="ask_1", server_label="docs", name="search_docs")
    no = McpApprovalResponse(approval_request_id="ask_1", approve=False)
    made = McpCall(name="search_docs", output="wet")
    assert decide(text, mcp_tools=docs, items=(asked, approval, no)) == searches[1:]
    assert decide(text, mcp_tools=docs, items=(asked, approval, no, made)) == [
        FunctionCallRequest("get_time", "{")
    ]


def test_what_became_of_the_calls_is_told() -> None:
    items = (
        FunctionCall(call_id="call_1", name="f", arguments="{}"),
        FunctionCallOutput(call_id="call_1", output="12"),
        FunctionCallOutput(call_id="call_2", output="13"),
        McpApprovalRequest(id="ask_1", server_label="docs", name="g"),
        McpApprovalResponse(approval_request_id="ask_1", approve=False),
        McpApprovalResponse(approval_request_id="ask_2", approve=False),
        McpApprovalResponse(approval_request_id="ask_3", approve=True),
        McpCall(name="h", output="14"),
        McpCall(name="i", error=McpCallError(message="No such page.")),
    )
    assert outcomes(request(items=items)) == [
        "f answered: 12",
        "The function answered: 13",
        "g was not approved",
        "The tool was not approved",
        "h answered: 14",
        "i failed: No such page.",
    ]
