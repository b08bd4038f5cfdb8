"""What a simulator was told when it was opened, as its connections see it. Declarations only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from anyrealtime.simulator._admission import Door
from anyrealtime.simulator._model import Model

Speak: TypeAlias = Callable[[str], bytes]
"""Turns a piece of an answer into 16-bit little-endian mono PCM at 24 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Options:
    """See `open_simulator`, whose arguments these are."""

    model: Model
    speak: Speak
    pace: float
    words_per_delta: int | None
    door: Door
    session_seconds: float
    obfuscation: bool
    record: bool
    max_message_bytes: int
    max_unsent_bytes: int
    close_timeout: float
