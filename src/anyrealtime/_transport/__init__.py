"""SOCKETS: text frames in and out. One file per WebSocket library, one for endpoints.

Knows URLs, headers, TLS and close codes; knows no event and no JSON. Exceptions of the
libraries underneath are mapped here and go no further. WebSocket libraries are imported when
a connection is opened with them, never before.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

from anyio.abc import TaskGroup

from anyrealtime._transport._base import Transport, TransportOptions
from anyrealtime._transport._endpoint import Endpoint
from anyrealtime.errors import ConfigurationError

if TYPE_CHECKING:
    from trio_websocket import WebSocketConnection

    TransportChoice: TypeAlias = (
        Literal["anyio", "trio-websocket"] | Transport | WebSocketConnection
    )

__all__ = ["TransportChoice", "check_transport", "is_open_transport", "open_transport"]

_NAMES = ("anyio", "trio-websocket")


def check_transport(choice: TransportChoice) -> None:
    """Refuse what is no transport.

    Raises:
        ConfigurationError: naming what would be right.
    """
    if choice not in _NAMES and not is_open_transport(choice):
        raise ConfigurationError(
            'transport= must be "anyio", "trio-websocket", a trio_websocket.WebSocketConnection '
            f"or an object with receive, send, aclose, abort and raw, not {choice!r}"
        )


def is_open_transport(choice: TransportChoice) -> bool:
    """Whether `choice` is a connection that the caller has opened: it needs no endpoint."""
    return not isinstance(choice, str) and (
        _is_trio_websocket(choice) or isinstance(choice, Transport)
    )


def _is_trio_websocket(choice: object) -> TypeGuard[WebSocketConnection]:
    library = sys.modules.get("trio_websocket")  # who holds such an object has imported it
    return library is not None and isinstance(choice, library.WebSocketConnection)


async def open_transport(
    choice: TransportChoice, endpoint: Endpoint | None, options: TransportOptions, tasks: TaskGroup
) -> Transport:
    """Open the transport of that name, or take over one that is open; its tasks go to `tasks`.

    Raises:
        ConnectFailed: the server cannot be reached or refuses.
        ConfigurationError: the transport does not run on this event loop.
    """
    if _is_trio_websocket(choice):
        from anyrealtime._transport._trio_websocket import wrap_trio_websocket

        return await wrap_trio_websocket(choice, options, tasks)
    if isinstance(choice, Transport):
        return choice
    assert endpoint is not None
    if choice == "trio-websocket":
        from anyrealtime._transport._trio_websocket import open_trio_websocket

        return await open_trio_websocket(endpoint, options, tasks)
    from anyrealtime._transport._anyio import open_anyio

    return await open_anyio(endpoint, options, tasks)
