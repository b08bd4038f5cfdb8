"""What every event is made of: the base struct, the two events that stand for bad frames.

`Maybe` is the three-state field: left away, null, or a value. No event of the protocol is
named here, and nothing here knows a direction of travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from msgspec import Struct, UnsetType

T = TypeVar("T")

Frame: TypeAlias = bytes | bytearray | memoryview | str
"""A WebSocket message that holds one event."""

Maybe: TypeAlias = T | UnsetType | None
"""A field that is absent (`msgspec.UNSET`), null (`None`), or a value.

In `session.update` these mean: keep what is set, turn it off, set it. In what a server
sends, it marks the fields that only some servers know: they appear when they were there.
"""

if TYPE_CHECKING:
    JsonObject: TypeAlias = Mapping[str, object]
    """A JSON object whose keys the protocol leaves open."""
else:
    JsonObject = Mapping[str, Any]  # to msgspec, `object` is a class it does not know


class Object(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """The base of whatever the protocol writes as an object."""


class Tagged(Object, tag_field="type", frozen=True, kw_only=True):
    """The base of an object whose class is told by its `type`."""

    @property
    def type(self) -> str:
        """The tag on the wire."""
        return str(self.__struct_config__.tag)


class Event(Tagged, frozen=True, kw_only=True):
    """The base of every event that has a class of its own."""

    event_id: str | None = None


class Undecoded(Struct, frozen=True):
    """A frame that became none of the protocol's events."""

    type: str
    raw: bytes

    def __repr__(self) -> str:
        shown = self.raw if len(self.raw) <= 80 else self.raw[:80] + b"..."
        return f"{self.__class__.__name__}(type={self.type!r}, raw={shown!r})"


class UnknownEvent(Undecoded, frozen=True):
    """An event whose type this library does not know; `raw` is the whole frame."""

    event_id: str | None = None


class InvalidEvent(Undecoded, frozen=True):
    """A frame that is not what its type promises; `error` says where, `raw` is all of it.

    `type` is empty where the frame is no JSON object or names no type.
    """

    error: str
    event_id: str | None = None

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, error={self.error!r})"


class Masked(Struct, frozen=True, kw_only=True):
    """Mixed into what holds a secret: the repr hides the fields named here."""

    secrets: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{self.__class__.__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        fields = super().__rich_repr__()
        return [(name, "***" if name in self.secrets else value) for name, value in fields]


def empty_text() -> str:
    """Default of text that is written even where defaults are left away."""
    return ""
