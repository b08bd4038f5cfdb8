"""What `anyrealtime serve` says on stderr: what went wrong, and with `--log` one line an event.

    19:02:11.480 #1 <- conversation.item.create event_id=evt_1 item.id=item_2

`#1` is the first client, `<-` what it sent, `->` what it was sent, `!!` what was done to it.
No text of a conversation, no audio, no header and no query gets here: they may be secrets.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from anyrealtime.cli._exit import complain, harmless
from anyrealtime.simulator import Notice, ScriptMismatch

_SIGNS: Final = {"heard": "<-", "said": "->", "fault": "!!", "arrived": "++", "left": "--"}
_LONGEST_ID: Final = 80


class _Owner(Struct, frozen=True):
    """What an event may hold that has an id, or, for an error, a code."""

    id: str = ""
    code: str | None = None


class _Named(Struct):
    """The part of an event that a line shows."""

    type: str
    event_id: str = ""
    response_id: str = ""
    item_id: str = ""
    call_id: str = ""
    session: _Owner = _Owner()
    item: _Owner = _Owner()
    response: _Owner = _Owner()
    error: _Owner = _Owner()


_NAMED: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)


class Log:
    """Watches a simulator; see `anyrealtime.simulator.Notice`.

    Attributes:
        first_failure: what was raised first in there, which is what the simulator ends with.
    """

    def __init__(self, *, everything: bool) -> None:
        self.first_failure: Exception | None = None
        self._everything = everything

    def __call__(self, notice: Notice) -> None:
        """Write what there is to write about `notice`."""
        if notice.error is not None:
            self.first_failure = self.first_failure or notice.error
            self._complain(notice.client, notice.error)
        elif self._everything:
            sign = _SIGNS.get(notice.what, "!!")
            what = describe(notice.message) if notice.message else notice.text
            now = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
            line = f"{now} #{notice.client} {sign} {what}"
            print(harmless(line).replace("\n", " "), file=sys.stderr, flush=True)

    def _complain(self, client: int, error: Exception) -> None:
        whose = f"client {client}: " if client else ""
        if isinstance(error, ScriptMismatch):
            complain(f"{whose}it did not do what the script expects")
            print(harmless(str(error)), file=sys.stderr, flush=True)  # a diff has lines
        else:
            complain(f"{whose}unexpected {type(error).__name__}: {error}")


def describe(message: bytes) -> str:
    """The type of an event and the ids in it."""
    try:
        event = _NAMED.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"(no event, {len(message)} bytes)"
    ids = {
        "event_id": event.event_id,
        "response_id": event.response_id,
        "item_id": event.item_id,
        "call_id": event.call_id,
        "session.id": event.session.id,
        "item.id": event.item.id,
        "response.id": event.response.id,
        "error.code": event.error.code,
    }
    shown = [f"{name}={value[:_LONGEST_ID]}" for name, value in ids.items() if value]
    return " ".join([event.type[:_LONGEST_ID], *shown])
