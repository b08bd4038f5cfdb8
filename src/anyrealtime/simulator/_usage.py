"""What a response costs: a count that is invented but adds up.

A word or a punctuation mark is a token, so is every 100 ms of sound heard and every 50 ms
spoken. Totals are sums of their parts, and what is cached is a part of what came before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from anyrealtime.simulator._conversation import Entry
from anyrealtime.simulator._payload import Payload

_TOKEN = re.compile(r"\w+|[^\w\s]")
_ITEM_TOKENS = 3  # for its role and its borders
_IMAGE_TOKENS = 85
_HEARD_MS = 100
_SPOKEN_MS = 50
_CACHED_STEP = 64
_LIMIT_TOKENS = 15_000_000
_LIMIT_REQUESTS = 20_000


def count_tokens(text: str) -> int:
    """Return how many tokens `text` is."""
    return len(_TOKEN.findall(text))


def spoken_tokens(duration_ms: int) -> int:
    """Return how many tokens that much speech of the model's is."""
    return -(-duration_ms // _SPOKEN_MS)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by modality."""

    text: int = 0
    audio: int = 0
    image: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.text + self.audio + self.image

    def cached_after(self, before: Tokens) -> Tokens:
        """Return what of these the context of an earlier response has already paid for."""
        return Tokens(
            min(self.text, before.text) // _CACHED_STEP * _CACHED_STEP,
            min(self.audio, before.audio) // _CACHED_STEP * _CACHED_STEP,
        )

    def details(self) -> Payload:
        """Return them as the `…_token_details` of a usage."""
        return {
            "text_tokens": self.text,
            "audio_tokens": self.audio,
            "image_tokens": self.image,
        }


def input_tokens(instructions: str, entries: Iterable[Entry]) -> Tokens:
    """Count what a model is given to read."""
    text, audio, image = count_tokens(instructions), 0, 0
    for entry in entries:
        text += _ITEM_TOKENS
        for name in ("arguments", "output", "name"):
            text += count_tokens(cast("str", entry.item.get(name) or ""))
        for index, part in enumerate(entry.content):
            text += count_tokens(cast("str", part.get("text", "")))
            image += _IMAGE_TOKENS if part["type"] == "input_image" else 0
            if sound := entry.sounds.get(index):
                audio += -(-sound.duration_ms // _HEARD_MS)
    return Tokens(text, audio, image)


def usage(given: Tokens, cached: Tokens, made: Tokens, reasoned: int | None) -> Payload:
    """Return the `usage` of a response; `reasoned` of its text tokens were only thought."""
    spent: Payload = {"text_tokens": made.text, "audio_tokens": made.audio}
    if reasoned is not None:
        spent["reasoning_tokens"] = reasoned
    return {
        "total_tokens": given.total + made.total,
        "input_tokens": given.total,
        "output_tokens": made.total,
        "input_token_details": {
            **given.details(),
            "cached_tokens": cached.total,
            "cached_tokens_details": cached.details(),
        },
        "output_token_details": spent,
    }


class RateLimits:
    """How much of a minute's allowance is left; nothing is ever refused for it."""

    def __init__(self) -> None:
        self._tokens = 0
        self._requests = 0

    def spend(self, tokens: int) -> None:
        """Count one request of that many tokens."""
        self._requests += 1
        self._tokens += tokens

    def tokens(self) -> Payload:
        """Return the allowance of tokens."""
        return _limit("tokens", _LIMIT_TOKENS, self._tokens)

    def requests(self) -> Payload:
        """Return the allowance of requests, which only the beta protocol tells."""
        return _limit("requests", _LIMIT_REQUESTS, self._requests)


def _limit(name: str, limit: int, used: int) -> Payload:
    remaining = max(limit - used, 0)
    return {
        "name": name,
        "limit": limit,
        "remaining": remaining,
        "reset_seconds": round(60 * (limit - remaining) / limit, 3),
    }
