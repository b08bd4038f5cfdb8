"""What a simulator tells whoever watches it, as it happens. Declarations only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    Attributes:
        what: "arrived", a client came in; "refused", it was not let in; "heard", it sent a
            message; "said", it was sent one; "fault", something was done to it that no rule
            asks for; "left", it is gone; "failed", a model or the simulator itself raised.
        client: which one, the first being 1; 0 where it is none's.
        text: what to say about it; empty for messages.
        message: the message that was heard or said.
        error: what was raised.
    """

    what: Literal["arrived", "refused", "heard", "said", "fault", "left", "failed"]
    client: int
    text: str = ""
    message: bytes = b""
    error: Exception | None = None


Watch: TypeAlias = Callable[[Notice], None]
"""Is told of everything, in order. It must not wait, and what it raises ends the client."""
