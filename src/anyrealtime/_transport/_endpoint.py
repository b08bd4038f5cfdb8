"""Where to connect and as whom: pure building of URL, headers and subprotocols.

No I/O and no environment: what the environment says is passed in. Keys live in here and
never leave through a repr or an exception.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """A WebSocket URL (ws or wss) with the headers and subprotocols to open it with."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
