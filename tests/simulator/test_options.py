"""What a simulator may be told, refused before anything listens."""

from __future__ import annotations

from typing import Any

import pytest

from anyrealtime import ConfigurationError
from anyrealtime.simulator import RemoteTool, open_simulator

SEARCH = RemoteTool(name="search", call=lambda _: "found")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pace": -0.5}, "pace must be at least 0, not -0.5"),
        ({"words_per_delta": 0}, "words_per_delta must be at least 1, not 0"),
        ({"session_seconds": -1}, "session_seconds must be at least 0, not -1"),
        ({"tokens_per_minute": 0}, "tokens_per_minute must be at least 1, not 0"),
        ({"max_message_bytes": 0}, "max_message_bytes must be at least 1, not 0"),
        ({"max_unsent_bytes": -1}, "max_unsent_bytes must be at least 0, not -1"),
        ({"close_timeout": -1}, "close_timeout must be at least 0, not -1"),
        ({"mcp": {"docs": [SEARCH, SEARCH]}}, "mcp: the server 'docs' has 2 tools 'search'"),
    ],
)
async def test_what_makes_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        async with open_simulator(**options):
            pytest.fail("it was opened")
    assert str(raised.value) == message


async def test_what_does() -> None:
    options: dict[str, Any] = {"words_per_delta": None, "tokens_per_minute": 1}
    async with open_simulator(pace=0, mcp={"docs": [SEARCH]}, **options) as simulator:
        assert simulator.port
