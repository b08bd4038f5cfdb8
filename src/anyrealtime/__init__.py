"""anyrealtime: the Realtime protocol as structured concurrency, on asyncio and on Trio.

The two paths, from file to file:

    an event    socket (_transport/_tcp.py) → _anyio.py (bytes → frames, in _frames.py)
                → events/codec.py (frame → event) → _runtime/_reader.py (what it changes,
                by _protocol) → _runtime/_dispatch.py (who gets it) → _runtime/_stream.py
                → your `async for`
    a command   your call → _runtime/_namespaces.py → _runtime/_requests.py
                (ids and the dialect's words, by _protocol/_commands.py) → events/codec.py
                → _runtime/_outbox.py → _transport/_anyio.py → socket; its answer, or its
                error, comes back through _protocol/_replies.py to the call that waits

`open_realtime` (_runtime/_open.py) starts and ends it all; _runtime/_lifetime.py says how a
connection ends and who is told. Events are in `anyrealtime.events`, functions as tools in
`anyrealtime.tools`.
"""

from anyrealtime._protocol._changes import (
    Change,
    ItemAdded,
    ItemChanged,
    ItemDeleted,
    ItemDelta,
    ItemDone,
    ItemsReordered,
    ItemTruncated,
)
from anyrealtime._protocol._usage import SessionUsage
from anyrealtime._runtime._connection import Connection
from anyrealtime._runtime._handle import ResponseHandle
from anyrealtime._runtime._lifetime import SessionExpiring
from anyrealtime._runtime._open import open_realtime
from anyrealtime._runtime._stream import Dropped, EventStream
from anyrealtime._transport._base import Transport, TransportClosed
from anyrealtime._transport._tap import ConnectionTap, Tap
from anyrealtime.errors import (
    AckTimeout,
    ConfigurationError,
    ConnectFailed,
    ConnectionClosed,
    InternalError,
    ProtocolViolation,
    RealtimeError,
    RequestError,
    ResponseFailed,
    ServerError,
    StreamOverflow,
    ToolError,
)

__all__ = [
    "AckTimeout",
    "Change",
    "ConfigurationError",
    "ConnectFailed",
    "Connection",
    "ConnectionClosed",
    "ConnectionTap",
    "Dropped",
    "EventStream",
    "InternalError",
    "ItemAdded",
    "ItemChanged",
    "ItemDeleted",
    "ItemDelta",
    "ItemDone",
    "ItemTruncated",
    "ItemsReordered",
    "ProtocolViolation",
    "RealtimeError",
    "RequestError",
    "ResponseFailed",
    "ResponseHandle",
    "ServerError",
    "SessionExpiring",
    "SessionUsage",
    "StreamOverflow",
    "Tap",
    "ToolError",
    "Transport",
    "TransportClosed",
    "open_realtime",
]
