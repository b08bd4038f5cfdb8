"""What every Python script here shares: its command line, what is said, and the speech.

    python -m interop.clients.NAME VARIANT STEP URL KEY SPEECH

STEP is one of `text`, `function`, `error`, `cancel`, `vad`, `interruption`; SPEECH a file of
24 kHz PCM16. One line of JSON says what the client showed its user. Runs where the client is
installed, with the standard library and nothing of ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HELLO = "hello"
ASK = "get_weather in Paris, please"
OUTPUT = "21 degrees"
LONG = "five paragraphs, please"
NOBODY = "item_nobody"
NAME, DESCRIPTION = "get_weather", "The weather of a city."
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": NAME, "description": DESCRIPTION, "parameters": CITY}

RATE_HZ = 24_000
CHUNK_BYTES = RATE_HZ // 10 * 2
SILENCE_MS = 1500

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What a script is told to do; `speech` is somebody talking."""

    variant: str
    step: str
    url: str
    key: str
    speech: bytes

    @property
    def beta(self) -> bool:
        """Whether the beta dialect is to be spoken."""
        return self.variant.startswith("beta")

    @property
    def aloud(self) -> bool:
        """Whether the step is about sound."""
        return self.step in {"vad", "interruption"}

    @property
    def utterance(self) -> list[bytes]:
        """The speech and the silence behind it, in pieces of 100 ms."""
        sound = self.speech + bytes(RATE_HZ * 2 * SILENCE_MS // 1000)
        return [sound[at : at + CHUNK_BYTES] for at in range(0, len(sound), CHUNK_BYTES)]


def run(play: Callable[[Order], Report]) -> None:
    """Read the command line, play the step and print the report."""
    variant, step, url, key, speech = sys.argv[1:]
    order = Order(variant, step, url, key, Path(speech).read_bytes())
    sys.stdout.write(json.dumps(play(order)) + "\n")
