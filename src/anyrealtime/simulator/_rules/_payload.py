"""How an event looks on its way to the wire: a plain JSON object, and the ids in it.

The simulator writes payloads by hand and not with `anyrealtime.events`: a mistake in the
client's vocabulary must not be made twice and so pass unseen.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

Payload: TypeAlias = dict[str, object]
"""A JSON object; bytes in it become base64 when it is encoded."""


class Emit(Protocol):
    """Puts one server event behind those that wait to be sent."""

    def __call__(self, kind: str, /, **fields: object) -> None:
        """Queue the event whose `type` is `kind`."""
        ...


class Ids:
    """Ids that look like the service's, differ between connections and repeat between runs."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._count = 0

    def new(self, kind: str) -> str:
        """Return the next id of `kind`: at most 32 characters, as the service demands of items."""
        self._count += 1
        return f"{kind}_{self._serial:06d}s{self._count:014d}"
