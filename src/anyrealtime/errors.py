"""Every exception this library raises on purpose.

    RealtimeError
    ├── ConfigurationError    an argument is wrong or missing; nothing was opened or sent
    ├── ConnectFailed         the connection did not become usable
    ├── ConnectionClosed      it was usable and ended, and not by us
    ├── RequestError          the server refused one command
    ├── ServerError           an `error` event that nobody claimed
    ├── ResponseFailed        a response ended with the status "failed"
    ├── AckTimeout            a command was sent and its answer did not come in time
    ├── StreamOverflow        a stream was not read fast enough and lost events
    ├── ProtocolViolation     the call is illegal now; nothing was sent
    ├── ToolError             raised by a tool, for the model to read
    └── InternalError         a bug of this library: please report it

No other module defines a public exception, and this one imports nothing of the
package. Messages never contain a key: what goes in is the caller's or the server's text.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = [
    "AckTimeout",
    "ClosedBy",
    "ConfigurationError",
    "ConnectFailed",
    "ConnectionClosed",
    "InternalError",
    "ProtocolViolation",
    "RealtimeError",
    "RequestError",
    "ResponseFailed",
    "ServerError",
    "StreamOverflow",
    "ToolError",
]

ClosedBy: TypeAlias = Literal["client", "server", "network"]
"""Who ended a connection: we did, the server's CLOSE frame did, or the network did without one."""


class RealtimeError(Exception):
    """The root of everything this library raises. Copies and pickles keep every attribute."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[RealtimeError], args: tuple[object, ...], state: dict[str, object]
) -> RealtimeError:
    error = kind.__new__(kind, *args)
    error.args = args  # TimeoutError's constructor does not
    error.__dict__.update(state)
    return error


class ConfigurationError(RealtimeError, ValueError):
    """An argument is wrong or missing. Nothing was opened or sent."""


class ConnectFailed(RealtimeError):
    """The connection did not become usable.

    Attributes:
        status: the HTTP status of a refused upgrade, else None.
        close_code: the WebSocket close code, if the server upgraded and then closed.
        type, code, param: of the server's `error` event, where it sent one.
        retry_after: seconds the server asked to wait (HTTP `Retry-After`), else None.
        body: the beginning of the body of a refused upgrade, else empty.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        close_code: int | None = None,
        type: str | None = None,  # noqa: A002 - the protocol's own name
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.close_code = close_code
        self.type = type
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.body = body


class _ErrorFromServer(RealtimeError):
    """What RequestError and ServerError share: the fields of the protocol's error object."""

    def __init__(
        self,
        message: str,
        *,
        type: str | None = None,  # noqa: A002 - the protocol's own name
        code: str | None = None,
        param: str | None = None,
        event_id: str | None = None,
    ) -> None:
        details = [f"code={code}" if code else "", f"param={param}" if param else ""]
        suffix = " ".join(filter(None, details))
        super().__init__(f"{message} ({suffix})" if suffix else message)
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.event_id = event_id


class RequestError(_ErrorFromServer):
    """The server refused one command; the connection goes on.

    Attributes:
        message: the server's sentence.
        type, code, param: as the server gave them.
        event_id: of the command that was refused.
    """


class ServerError(_ErrorFromServer):
    """The server sent an `error` event that answers no command and that no subscription names.

    Attributes:
        message: the server's sentence.
        type, code, param: as the server gave them.
        event_id: of the client event the server blames, if it named one.
    """


class ConnectionClosed(RealtimeError):
    """The connection ended, and it was not this side that ended it.

    Attributes:
        code: the close code; 1006 where there was no CLOSE frame.
        reason: the peer's reason, or what the network said.
        by: "server" for a CLOSE frame, "network" for a loss without one, "client" after our own close.
        error: the `error` event the server sent just before, if any.
    """

    def __init__(
        self,
        code: int,
        reason: str = "",
        by: ClosedBy = "network",
        error: ServerError | None = None,
    ) -> None:
        text = f"the connection was closed by the {by} ({code}{f': {reason}' if reason else ''})"
        super().__init__(f"{text} after the error: {error}" if error else text)
        self.code = code
        self.reason = reason
        self.by: ClosedBy = by
        self.error = error


class ResponseFailed(RealtimeError):
    """A response ended with the status "failed"; `code` and `message` are the server's."""

    def __init__(
        self, message: str, *, code: str | None = None, response_id: str | None = None
    ) -> None:
        super().__init__(f"{message} (code={code})" if code else message)
        self.message = message
        self.code = code
        self.response_id = response_id


class AckTimeout(RealtimeError, TimeoutError):
    """A command was sent and its answer did not come in time. It may still take effect."""

    def __init__(self, event_type: str, timeout: float) -> None:
        super().__init__(f"no answer to {event_type!r} within {timeout:g} s")
        self.event_type = event_type
        self.timeout = timeout


class StreamOverflow(RealtimeError):
    """A stream was read too slowly and reached its bound; raised after what it still held."""


class ProtocolViolation(RealtimeError):
    """The call is illegal in the present state. Nothing was sent."""


class ToolError(RealtimeError):
    """A tool raises this to tell the model why there is no result: its text is what the model reads."""


class InternalError(RealtimeError):
    """A bug of this library. Please report it, with the traceback."""
