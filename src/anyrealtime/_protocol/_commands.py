"""What a client event needs before it leaves: ids by which its answer is known, the dialect's words.

No loop, no clock, no randomness: the prefix of the ids is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from msgspec import UnsetType
from msgspec.structs import replace

from anyrealtime._protocol._answers import TAG, item_id
from anyrealtime._protocol._dialect import Dialect, lower
from anyrealtime.errors import ConfigurationError
from anyrealtime.events import (
    CLIENT_EVENTS,
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    ResponseCreate,
    ResponseCreateParams,
    UnknownEvent,
    UnknownObject,
)

_CLIENT_CLASSES = frozenset(CLIENT_EVENTS.values())


class Commands:
    """Makes the client events of one connection ready.

    Args:
        prefix: of the ids; short, for servers take 32 characters, and different for each connection.
        on_prepared: is shown each event as the program means it, before the dialect's words.
    """

    def __init__(
        self,
        prefix: str,
        dialect: Dialect,
        on_prepared: Callable[[ClientEvent], None] | None = None,
    ) -> None:
        self._prefix = prefix
        self._dialect: Dialect = dialect
        self._on_prepared = on_prepared
        self._count = 0

    def prepare(self, event: ClientEvent) -> ClientEvent:
        """Give an event an `event_id`, and the words of the connection's dialect.

        Raises:
            ConfigurationError: it is no client event, or the dialect cannot say it.
        """
        if isinstance(event, UnknownEvent):  # a vendor's own, sent as it is
            return event
        if type(event) not in _CLIENT_CLASSES:
            raise ConfigurationError(
                "a client event of anyrealtime.events is wanted, such as ResponseCreate(), "
                f"not {type(event).__name__}"
            )
        if event.event_id is None:
            event = replace(event, event_id=self.new_id("evt"))
        if self._on_prepared is not None and not isinstance(event, InputAudioBufferAppend):
            self._on_prepared(event)
        return event if self._dialect == "ga" else lower(event)

    def prepare_request(self, event: ClientEvent) -> ClientEvent:
        """The same for an event whose answer is waited for: what it makes gets a name of ours."""
        if isinstance(event, ConversationItemCreate) and item_id(event.item) is None:
            named = self.new_id("item")
            if isinstance(event.item, UnknownObject):
                event = replace(event, item=UnknownObject({**event.item, "id": named}))
            else:
                event = replace(event, item=replace(cast("Any", event.item), id=named))
        elif isinstance(event, ResponseCreate):
            params = event.response or ResponseCreateParams()
            given = {} if isinstance(params.metadata, UnsetType) else dict(params.metadata or {})
            given[TAG] = self.new_id("tag")  # also over one that came back with another response
            event = replace(event, response=replace(params, metadata=given))
        return self.prepare(event)

    def new_id(self, kind: str) -> str:
        """An id that this connection has not used before."""
        self._count += 1
        return f"{kind}_{self._prefix}_{self._count}"
