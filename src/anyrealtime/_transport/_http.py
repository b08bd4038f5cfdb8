"""What an HTTP peer answers before there is a WebSocket: the head of its response, and refusals.

Pure functions, for the transports and for the tunnel through a proxy. No body is decoded
here, no connection is known, and no text of a peer leaves unscrubbed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from anyrealtime._transport._endpoint import Endpoint, scrub
from anyrealtime.errors import ConnectFailed

HEAD_END: Final = b"\r\n\r\n"
MAX_HEAD_BYTES: Final = 64 * 2**10
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_STATUS_LINE: Final = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: (.*))?")
_MAX_QUOTED_CHARS: Final = 500
_MAX_BODY_CHARS: Final = 8 * 2**10


class Head(NamedTuple):
    """The head of a response. Header names are in lower case; the last of a repeated one counts."""

    status: int
    phrase: str
    headers: Mapping[str, str]


def parse_head(data: bytes) -> Head | None:
    """Take apart what stands before the blank line; None if it is not HTTP/1."""
    first, *lines = data.decode("latin-1").split("\r\n")
    match = _STATUS_LINE.fullmatch(first)
    if match is None:
        return None
    pairs = (line.partition(":")[::2] for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    return Head(int(match[1]), quotable(match[2] or ""), headers)


def refusal(
    endpoint: Endpoint, status: int, body: str = "", retry_after: str | None = None
) -> ConnectFailed:
    """The error for an upgrade that was answered with an HTTP status other than 101."""
    body = scrub(body, endpoint)[:_MAX_BODY_CHARS]
    said = quotable(body)
    text = f"{endpoint.address} refused the WebSocket handshake with HTTP {status}"
    return ConnectFailed(
        f"{text}: {said}" if said else text,
        status=status,
        retry_after=_seconds(retry_after),
        body=body,
    )


def quotable(text: str) -> str:
    """One line, printable, of bounded length."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _MAX_QUOTED_CHARS else f"{line[: _MAX_QUOTED_CHARS - 1]}…"


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds. Its other form, a date, is not worth trusting two clocks."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
