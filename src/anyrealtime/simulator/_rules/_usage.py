"""What a response costs: a count that is invented but adds up.

A word or a punctuation mark is a token, so is every 100 ms of sound heard and every 50 ms
spoken. Totals are sums of their parts, and what is cached is a part of what came before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from anyrealtime.simulator._rules._conversation import Entry
from anyrealtime.simulator._rules._payload import Payload

_TOKEN = re.compile(r"\w+|[^\w\s]")
_ITEM_TOKENS = 3  # for its role and its borders
_IMAGE_TOKENS = 85
_HEARD_MS = 100
_SPOKEN_MS = 50
_CACHED_STEP = 64
_MINUTE = 60
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


def heard_usage(duration_ms: int, transcript: str) -> Payload:
    """Return the `usage` of a transcription that is paid by tokens."""
    audio, made = -(-duration_ms // _HEARD_MS), count_tokens(transcript)
    return {
        "type": "tokens",
        "total_tokens": audio + made,
        "input_tokens": audio,
        "input_token_details": {"text_tokens": 0, "audio_tokens": audio},
        "output_tokens": made,
    }


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
    """How much of a minute's allowance is left; what was spent comes back as time goes on.

    Args:
        tokens_per_minute: the allowance; None is the service's, and refuses nothing.
        now: the clock, in seconds.
    """

    def __init__(self, tokens_per_minute: int | None, now: Callable[[], float]) -> None:
        self._enforced = tokens_per_minute is not None
        self._tokens = _Allowance("tokens", tokens_per_minute or _LIMIT_TOKENS, now)
        self._requests = _Allowance("requests", _LIMIT_REQUESTS, now)

    @property
    def exhausted(self) -> bool:
        """Whether nothing more may be done for now."""
        return self._enforced and self._tokens.remaining == 0

    def spend(self, tokens: int) -> None:
        """Count one request of that many tokens."""
        self._requests.spend(1)
        self._tokens.spend(tokens)

    def tokens(self) -> Payload:
        """Return the allowance of tokens."""
        return self._tokens.shown()

    def requests(self) -> Payload:
        """Return the allowance of requests, which only the beta protocol tells."""
        return self._requests.shown()


class _Allowance:
    """So much a minute of one thing."""

    def __init__(self, name: str, limit: int, now: Callable[[], float]) -> None:
        self._name = name
        self._limit = limit
        self._now = now
        self._used = 0.0
        self._at = now()

    @property
    def remaining(self) -> int:
        """What is left of it, in whole pieces."""
        now = self._now()
        self._used = max(self._used - (now - self._at) * self._limit / _MINUTE, 0.0)
        self._at = now
        return max(int(self._limit - self._used), 0)

    def spend(self, count: int) -> None:
        """Use some of it; nobody is stopped in the middle, so it may be more than is left."""
        self._used = self._limit - self.remaining + count

    def shown(self) -> Payload:
        """Return it as `rate_limits.updated` tells it."""
        remaining = self.remaining
        return {
            "name": self._name,
            "limit": self._limit,
            "remaining": remaining,
            "reset_seconds": round(_MINUTE * self._used / self._limit, 3),
        }
