"""What a session has used, and what is left of the account's limits.

No loop, no clock: events in, totals out, never an exception. What a server does not say counts
as nothing; what it says twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
from msgspec import Struct

from anyrealtime._protocol._drift import mended
from anyrealtime.events import (
    CachedTokensDetails,
    ConversationItemInputAudioTranscriptionCompleted,
    InputTokenDetails,
    InvalidEvent,
    OutputTokenDetails,
    RateLimit,
    RateLimitsUpdated,
    ResponseDone,
    ServerEvent,
    TranscriptionUsage,
    Usage,
)


class TokenUsage(Struct, frozen=True, kw_only=True, repr_omit_defaults=True, gc=False):
    """The tokens of one response, or of many.

    Cached tokens are input tokens, too: each of them is counted in both. Reasoning tokens are
    output tokens. Text, audio and image tokens are what the others are made of, as far as the
    server says.
    """

    total_tokens: int = 0
    input_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    cached_tokens: int = 0
    cached_text_tokens: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0
    output_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def uncached_input_tokens(self) -> int:
        """The input tokens that were not cached."""
        return self.input_tokens - self.cached_tokens


class SessionUsage(TokenUsage, frozen=True, kw_only=True, repr_omit_defaults=True, gc=False):
    """What a session has used so far: its responses, and apart from them its transcriptions.

    Attributes:
        responses: how many have ended, however they ended.
        transcriptions: of how many the server said what they cost, in tokens or in seconds.
        transcription_seconds: of audio, where transcriptions are counted by time.
    """

    responses: int = 0
    transcriptions: int = 0
    transcription_total_tokens: int = 0
    transcription_input_tokens: int = 0
    transcription_input_text_tokens: int = 0
    transcription_input_audio_tokens: int = 0
    transcription_output_tokens: int = 0
    transcription_seconds: float = 0.0


class UsageTotals:
    """Counts what the responses and transcriptions of one connection use.

    Attributes:
        session: the totals so far; another object after each change.
        relevant: the event classes that `apply` does something with.
    """

    relevant: ClassVar[frozenset[type]] = frozenset(
        {ResponseDone, ConversationItemInputAudioTranscriptionCompleted, InvalidEvent}
    )

    def __init__(self) -> None:
        self.session: SessionUsage = SessionUsage()
        self._responses: dict[str, TokenUsage] = {}
        self._transcribed: set[tuple[str, int]] = set()

    def response(self, response_id: str) -> TokenUsage | None:
        """What one response used, None if it has not ended."""
        return self._responses.get(response_id)

    def apply(self, event: ServerEvent) -> None:
        """Count what an event says was used, as far as it can be read."""
        if isinstance(event, InvalidEvent):
            event = mended(event) or event
        if isinstance(event, ResponseDone):
            self._count_response(event)
        elif isinstance(event, ConversationItemInputAudioTranscriptionCompleted):
            self._count_transcription(event)

    def _count_response(self, event: ResponseDone) -> None:
        used = response_usage(event)
        response_id = event.response.id or event.response_id or ""
        counted = self._responses.get(response_id)
        if counted is None:
            self.session = _sum(self.session, SessionUsage(responses=1))
        elif counted != _NOTHING:
            return  # said again; only one that said nothing can still be made good
        if response_id:  # without one, nobody can tell a repetition
            self._responses[response_id] = used
        self.session = _sum(self.session, used)

    def _count_transcription(self, event: ConversationItemInputAudioTranscriptionCompleted) -> None:
        if event.usage is None:
            return
        if event.item_id:
            part = (event.item_id, event.content_index or 0)
            if part in self._transcribed:
                return
            self._transcribed.add(part)
        self.session = _sum(self.session, _of_transcription(event.usage))


class RateLimits(Mapping[str, RateLimit]):
    """The account's limits by name ("requests", "tokens"), as the server last told each.

    Attributes:
        relevant: the event classes that `apply` does something with.
    """

    relevant: ClassVar[frozenset[type]] = frozenset({RateLimitsUpdated})

    def __init__(self) -> None:
        self._by_name: dict[str, RateLimit] = {}

    def __getitem__(self, name: str) -> RateLimit:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"RateLimits({self._by_name!r})"

    def apply(self, event: ServerEvent) -> None:
        """Take over what an event says; limits it does not name stay."""
        if isinstance(event, RateLimitsUpdated):
            told = {limit.name: limit for limit in event.rate_limits if limit.name}
            self._by_name = self._by_name | told  # another one: somebody may be iterating


_NOTHING = TokenUsage()


def response_usage(event: ResponseDone) -> TokenUsage:
    """What a response used, wherever its server says it."""
    for usage in (event.response.usage, event.usage):  # the second is xAI's
        used = _of_response(usage) if isinstance(usage, Usage) else _NOTHING
        if used != _NOTHING:
            return used
    return _NOTHING


def _of_response(usage: Usage) -> TokenUsage:
    heard = usage.input_token_details or InputTokenDetails()
    said = usage.output_token_details or OutputTokenDetails()
    cached = heard.cached_tokens_details or CachedTokensDetails()
    input_tokens, output_tokens = _count(usage.input_tokens), _count(usage.output_tokens)
    return TokenUsage(
        total_tokens=_count(usage.total_tokens) or input_tokens + output_tokens,
        input_tokens=input_tokens,
        input_text_tokens=_count(heard.text_tokens),
        input_audio_tokens=_count(heard.audio_tokens),
        input_image_tokens=_count(heard.image_tokens),
        cached_tokens=min(_count(heard.cached_tokens), input_tokens),
        cached_text_tokens=_count(cached.text_tokens),
        cached_audio_tokens=_count(cached.audio_tokens),
        cached_image_tokens=_count(cached.image_tokens),
        output_tokens=output_tokens,
        output_text_tokens=_count(said.text_tokens),
        output_audio_tokens=_count(said.audio_tokens),
        reasoning_tokens=_count(said.reasoning_tokens),
    )


def _of_transcription(usage: TranscriptionUsage) -> SessionUsage:
    heard = usage.input_token_details or InputTokenDetails()
    input_tokens, output_tokens = _count(usage.input_tokens), _count(usage.output_tokens)
    return SessionUsage(
        transcriptions=1,
        transcription_total_tokens=_count(usage.total_tokens) or input_tokens + output_tokens,
        transcription_input_tokens=input_tokens,
        transcription_input_text_tokens=_count(heard.text_tokens),
        transcription_input_audio_tokens=_count(heard.audio_tokens),
        transcription_output_tokens=output_tokens,
        transcription_seconds=max(usage.seconds or 0.0, 0.0),
    )


def _count(tokens: object) -> int:
    """A number of tokens; what is none counts as zero."""
    return tokens if isinstance(tokens, int) and tokens > 0 else 0


def _sum(total: SessionUsage, more: TokenUsage) -> SessionUsage:
    added = {name: getattr(total, name) + getattr(more, name) for name in more.__struct_fields__}
    return msgspec.structs.replace(total, **added)
