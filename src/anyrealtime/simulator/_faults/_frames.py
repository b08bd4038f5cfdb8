"""What faults do to a frame: bytes in, bytes out. Chance is the caller's.

Pure functions; when they are called is decided in `_plan`.
"""

from __future__ import annotations

from random import Random
from typing import Final, Literal, cast

import msgspec
from msgspec import UNSET, Struct
from websockets.frames import Frame, Opcode

_TEXT_FRAME: Final = 0x81
_UNHEARD_OF_FRAME: Final = 0x83  # RFC 6455, 5.2: opcode 3 is reserved


class _Typed(Struct):
    type: str = ""


_TYPED: msgspec.json.Decoder[_Typed] = msgspec.json.Decoder(_Typed)


def type_of(frame: bytes) -> str:
    """Return the type of an event, "" where it has none that can be read."""
    try:
        return _TYPED.decode(frame).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def drifted(frame: bytes, field: str, value: object) -> bytes:
    """Return the event with `value` in the place of `field`; UNSET takes the field out.

    A frame that has no such field comes back as it is.
    """
    try:
        whole: object = msgspec.json.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frame
    *way, last = field.split(".")
    place = whole
    for name in way:
        place = _inside(place, name)
    if _inside(place, last) is UNSET:
        return frame
    if isinstance(place, list):
        _put(cast("list[object]", place), int(last), value)
    else:
        _put(cast("dict[str, object]", place), last, value)
    return msgspec.json.encode(whole)


def _inside(place: object, name: str) -> object:
    if isinstance(place, dict):
        return cast("dict[str, object]", place).get(name, UNSET)
    if isinstance(place, list) and name.isdecimal():
        members = cast("list[object]", place)
        return members[int(name)] if int(name) < len(members) else UNSET
    return UNSET


def _put(place: object, key: object, value: object) -> None:
    target = cast("dict[object, object]", place)  # or a list: both know these two
    if value is UNSET:
        del target[key]
    else:
        target[key] = value


def cut_off(frame: bytes, random: Random) -> bytes:
    """Return a beginning of the event: text, and never the whole of a JSON object."""
    return frame[: random.randrange(max(1, len(frame)))].decode(errors="ignore").encode()


def not_text(frame: bytes, random: Random) -> bytes:
    """Return the event with a byte in it that UTF-8 does not have."""
    place = random.randrange(max(1, len(frame)))
    return frame[:place] + b"\xff" + frame[place + 1 :]


def on_the_wire(message: bytes, *, opcode: Literal["text", "unheard of"] = "text") -> bytes:
    """Return the bytes of one frame that holds `message`."""
    wire = Frame(Opcode.TEXT, message).serialize(mask=False)
    return wire if opcode == "text" else bytes((_UNHEARD_OF_FRAME,)) + wire[1:]
