"""Makes what a model is asked, for tests that ask one without a session."""

from __future__ import annotations

from typing import Any

from anyrealtime.simulator import ModelRequest


def request(text: str = "", **fields: Any) -> ModelRequest:
    """A request in which the user said `text` and everything else is plain, unless given."""
    plain: dict[str, Any] = {
        "items": (),
        "instructions": "",
        "tools": (),
        "tool_choice": "auto",
        "modality": "text",
        "text": text,
        "heard_seconds": 0.0,
        "metadata": {},
        "model": "mine",
    }
    return ModelRequest(**plain | fields)
