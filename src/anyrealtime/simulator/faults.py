"""What can go wrong on demand: every fault is a value that says what, when and how often.

Declarations only: `_faults/_plan` decides when one strikes, `_faults/_frames` what it does to a
frame, `_websocket` how that looks on the wire. The same values are written in three ways:

    Close(1011, after=5)                                                        Python
    {"type": "simulator.fault", "fault": "close", "code": 1011, "after": 5}     admin message
    --fault close:code=1011,after=5                                             command line
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, Struct

from anyrealtime.errors import ConfigurationError

__all__ = [
    "HANDSHAKE",
    "AnyFault",
    "Close",
    "ConnectionFault",
    "Corrupt",
    "Cut",
    "Drift",
    "Drop",
    "Duplicate",
    "ErrorStorm",
    "Fault",
    "Fragment",
    "FrameFault",
    "HalfOpen",
    "Refuse",
    "Reorder",
    "Reset",
    "Slow",
    "Stall",
    "Unknown",
]

HANDSHAKE = "handshake"
"""As an `event`: the moment in which the upgrade is about to be accepted."""


class Fault(
    Struct, frozen=True, kw_only=True, tag_field="fault", forbid_unknown_fields=True
):  # fmt: skip
    """What all faults share: when they strike.

    A `FrameFault` is done to every event that counts, beyond the first `after`. A
    `ConnectionFault` happens once, in a moment between two events: as soon as `after` events
    that count were sent; with `after=0` when the first is about to be, or, where nothing says
    what counts, at once. With `p` each of these events tosses a coin instead.

    Attributes:
        event: the type of the server events that count, `*` standing for anything; None
            counts all. `HANDSHAKE` is the moment before the upgrade is accepted.
        heard: the type of the client events that count instead: for what happens to a
            connection, and for `Drop`, by which the simulator does not get the event.
        after: how many events that count pass unharmed.
        p: the probability with which each event is struck; None is always.
        times: strikes at most so often on a connection; None has no limit.
        delay: seconds after the opening of the connection in which nothing strikes or counts.
        visit: strikes the n-th client only, the first one being 1; None strikes all.
    """

    event: str | None = None
    heard: str | None = None
    after: int = 0
    p: float | None = None
    times: int | None = None
    delay: float = 0.0
    visit: int | None = None

    def __post_init__(self) -> None:
        _check(after=(self.after, 0), delay=(self.delay, 0.0))
        if self.p is not None and not 0 <= self.p <= 1:
            raise ConfigurationError(f"p={self.p!r}: a probability is between 0 and 1")
        if self.times is not None:
            _check(times=(self.times, 1))
        if self.visit is not None:
            _check(visit=(self.visit, 1))
        if self.event is not None and self.heard is not None:
            raise ConfigurationError(f"heard={self.heard!r}: give either event or heard")


# What is done to an event on its way to the client


class FrameFault(Fault, frozen=True, kw_only=True):
    """A fault that is done to the events that count, each for itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.event == HANDSHAKE:
            raise ConfigurationError(f"event={HANDSHAKE!r}: only for what happens to a connection")
        if self.heard is not None and not isinstance(self, Drop):
            raise ConfigurationError(
                f"heard={self.heard!r}: only for drop and for what happens to a connection"
            )


class Drop(FrameFault, frozen=True, kw_only=True, tag="drop"):
    """The event is lost: it is not sent, or, with `heard`, not acted upon."""


class Duplicate(FrameFault, frozen=True, kw_only=True, tag="duplicate"):
    """The event is sent again, byte for byte, `copies` times."""

    copies: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(copies=(self.copies, 1))


class Reorder(FrameFault, frozen=True, kw_only=True, tag="reorder"):
    """The event is overtaken by the `by` events behind it, or those that come `within` seconds."""

    by: int = 1
    within: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(by=(self.by, 1), within=(self.within, 0.0))


class Corrupt(FrameFault, frozen=True, kw_only=True, tag="corrupt"):
    """The event arrives broken.

    Attributes:
        what: "json" cuts it off, so that it is text but no JSON; "text" makes it a message that
            is not UTF-8; "frame" makes it a WebSocket frame with an opcode that there is not.
    """

    what: Literal["json", "text", "frame"] = "json"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.what not in {"json", "text", "frame"}:
            raise ConfigurationError(f"what={self.what!r}: there are 'json', 'text' and 'frame'")


class Drift(FrameFault, frozen=True, kw_only=False, tag="drift"):
    """A field of the event is not what it used to be; events without it are left alone.

    Attributes:
        field: the way to it, such as "delta" or "response.output.0.status".
        value: what it is instead, anything that JSON can say; without one the field is missing.
    """

    field: str
    value: object = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(self.field.split(".")):
            raise ConfigurationError(
                f"field={self.field!r}: names with dots between them are meant"
            )


class Fragment(FrameFault, frozen=True, kw_only=True, tag="fragment"):
    """The event comes in WebSocket frames of at most `size_bytes`, characters cut in the middle."""

    size_bytes: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(size_bytes=(self.size_bytes, 1))


# What happens to a connection


class ConnectionFault(Fault, frozen=True, kw_only=True):
    """A fault that happens between two events. What had been sent before arrives before it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.event == HANDSHAKE and isinstance(self, Close | Unknown | ErrorStorm):
            raise ConfigurationError(f"event={HANDSHAKE!r}: there is no WebSocket yet")


class Close(ConnectionFault, frozen=True, kw_only=False, tag="close"):
    """The server says CLOSE, with any code, even one that must not be on the wire; None is none."""

    code: int | None = 1011
    reason: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code is None:
            if self.reason:
                raise ConfigurationError(
                    f"reason={self.reason!r}: there is no reason without a code"
                )
        elif not 0 <= self.code < 2**16:
            raise ConfigurationError(f"code={self.code!r}: a close code has 16 bits")
        if len(self.reason.encode()) > _REASON_BYTES:
            raise ConfigurationError(
                f"reason={self.reason!r}: at most {_REASON_BYTES} bytes of UTF-8"
            )


class Cut(ConnectionFault, frozen=True, kw_only=True, tag="cut"):
    """The stream ends without CLOSE; with `mid_frame` in the middle of an event."""

    mid_frame: bool = False


class Reset(ConnectionFault, frozen=True, kw_only=True, tag="reset"):
    """TCP RST: the client may lose what it has not read yet."""


class HalfOpen(ConnectionFault, frozen=True, kw_only=True, tag="half_open"):
    """The server is there no more, and nothing says so: it neither reads nor writes, PONG included.

    It lasts as long as the session may.
    """


class Stall(ConnectionFault, frozen=True, kw_only=False, tag="stall"):
    """Nothing is sent for `seconds`, PONG included."""

    seconds: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(seconds=(self.seconds, 0.0))


class Slow(ConnectionFault, frozen=True, kw_only=False, tag="slow"):
    """From here on the client gets at most `bytes_per_second`."""

    bytes_per_second: float = 2_000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.bytes_per_second > 0:
            raise ConfigurationError(f"bytes_per_second={self.bytes_per_second!r}: must be above 0")


class Unknown(ConnectionFault, frozen=True, kw_only=True, tag="unknown"):
    """An event is sent that no client knows; its type is `name`."""

    name: str = "simulator.unheard_of"


class ErrorStorm(ConnectionFault, frozen=True, kw_only=False, tag="error_storm"):
    """`count` `error` events in a row, which answer nothing."""

    count: int = 100
    code: str | None = None
    message: str = "The server had an error while processing your request."

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(count=(self.count, 1))


class Refuse(Fault, frozen=True, kw_only=False, tag="refuse"):
    """The upgrade is answered with an HTTP status.

    `after`, `p` and `times` count the clients that come; the rest of `when` means nothing here.

    Attributes:
        status: from 200 to 599.
        body: text of the response.
        retry_after: seconds for a Retry-After header.
        location: for a Location header.
    """

    status: int = 503
    body: str = ""
    retry_after: int | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.event is not None or self.heard is not None or self.delay:
            raise ConfigurationError("event, heard, delay: a refusal strikes the handshake")
        if not 200 <= self.status <= 599:
            raise ConfigurationError(f"status={self.status!r}: must be from 200 to 599")
        if self.location is not None and not self.location.isprintable():
            raise ConfigurationError(f"location={self.location!r}: not fit for a header")


AnyFault: TypeAlias = (
    Close
    | Corrupt
    | Cut
    | Drift
    | Drop
    | Duplicate
    | ErrorStorm
    | Fragment
    | HalfOpen
    | Refuse
    | Reorder
    | Reset
    | Slow
    | Stall
    | Unknown
)
"""Every fault there is."""

_REASON_BYTES = 123  # RFC 6455, 5.5: a control frame has 125 bytes, two of them the code


def _check(**bounded: tuple[float, float]) -> None:
    """Refuse an argument that is below its least value."""
    for name, (value, least) in bounded.items():
        if not value >= least:
            raise ConfigurationError(f"{name}={value!r}: must be at least {least:g}")
