"""What a client may write as an item: each kind has its fields, and no others."""

from __future__ import annotations

import pytest

from anyrealtime.simulator._rules import _grammar_items as items
from anyrealtime.simulator._rules._errors import Refusal
from tests.simulator.schemas import Json

ANSWER: Json = {"type": "mcp_approval_response", "approval_request_id": "a"}


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        ({}, "missing_required_parameter", "item.type"),
        ({"type": "message"}, "missing_required_parameter", "item.role"),
        ({"type": "message", "role": "tool"}, "invalid_value", "item.role"),
        ({"type": "message", "role": 3}, "invalid_type", "item.role"),
        ({"type": "nope"}, "invalid_value", "item.type"),
        (ANSWER, "missing_required_parameter", "item.approve"),
        ({**ANSWER, "approve": "yes"}, "invalid_type", "item.approve"),
        ({**ANSWER, "approve": True, "output": ""}, "unknown_parameter", "item.output"),
        ({"type": "function_call", "name": "f"}, "missing_required_parameter", "item.arguments"),
        (
            {"type": "message", "role": "user", "content": [{"type": "output_text", "text": ""}]},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": ""}, {"type": "output_audio"}],
            },
            "missing_required_parameter",
            "item.content[1].text",
        ),
        (
            {"type": "message", "role": "user", "content": [], "id": "x" * 33},
            "string_above_max_length",
            "item.id",
        ),
    ],
)
def test_items_that_are_none(item: Json, code: str, param: str) -> None:
    with pytest.raises(Refusal) as raised:
        items.check_item(item, "item")
    assert (raised.value.code, raised.value.param) == (code, param)
