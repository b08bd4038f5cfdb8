"""Unions that a server may extend: told apart by `type`, and what is not known is kept whole.

msgspec's own unions refuse a tag they do not know, and the whole event with it. The ones
made here are custom types to msgspec: it decodes such a value as plain JSON and leaves the
rest to `read_open`, the hook that every decoder of this package is given.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import NoneType
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

T = TypeVar("T")


class UnknownObject(dict[str, object]):
    """An object of a kind this library does not know, or cannot read: all of its JSON.

    It stands where the protocol has a union (items, content parts, tools, turn detection),
    so that a new kind costs no event. It is sent as it is, so it is also how a vendor's own
    kind is written: `UnknownObject(type="azure_semantic_vad", threshold=0.5)`. What is no
    object at all is kept under "value".
    """

    @property
    def type(self) -> str | None:
        """The object's own `type`, if it names one."""
        tag = self.get("type")
        return tag if isinstance(tag, str) else None


class OpenType(type):
    """The run-time class of a union made here; `isinstance` works as with any union."""

    members: tuple[type, ...]

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.members)


_readers: dict[type, Callable[[object], object]] = {}


def _open_type(name: str, members: tuple[type, ...], read: Callable[[object], object]) -> OpenType:
    made = OpenType(name, (), {})
    made.members = members
    _readers[made] = read
    return made


def one_of(name: str, *kinds: type[Struct], text: bool = False) -> OpenType:
    """Make a union of tagged structs; what none of them can read is an UnknownObject.

    Args:
        name: what tracebacks call it.
        kinds: the structs.
        text: whether a bare string is a member, too.
    """
    by_type = {str(kind.__struct_config__.tag): kind for kind in kinds}

    def read(value: object) -> object:
        tree = _as_object(value)
        if tree is None:
            return value if text and isinstance(value, str) else UnknownObject(value=value)
        kind = by_type.get(str(tree.get("type")))
        if kind is not None:
            with suppress(msgspec.ValidationError):
                return convert(tree, kind)
        return UnknownObject(tree)

    return _open_type(name, (*kinds, UnknownObject, *((str,) if text else ())), read)


def one_of_or(name: str, *kinds: type[Struct], other: type[Struct]) -> OpenType:
    """Make a union of tagged structs, and of `other`, which reads what names none of them.

    What cannot be read fails, and the event with it.
    """
    by_type = {str(kind.__struct_config__.tag): kind for kind in kinds}

    def read(value: object) -> object:
        tree = _as_object(value)
        return convert(value, by_type.get(str(tree.get("type")), other) if tree else other)

    return _open_type(name, (*kinds, other), read)


def or_none(kind: type[Struct]) -> OpenType:
    """Make a type that reads an object as `kind` and anything else as None."""

    def read(value: object) -> object:
        return None if _as_object(value) is None else convert(value, kind)

    return _open_type(kind.__name__, (kind, NoneType), read)


def in_words(kind: type[Struct], field: str) -> OpenType:
    """Make a type that reads an object as `kind`, all of it text, and bare text as its `field`."""

    def read(value: object) -> object:
        tree = _as_object({field: value} if isinstance(value, str) else value)
        if tree is None:
            return convert(value, kind)
        words = {name: None if word is None else str(word) for name, word in tree.items()}
        return convert(words, kind)

    return _open_type(kind.__name__, (kind,), read)


def read_open(kind: type[Any], value: object) -> object:
    """The `dec_hook` of every decoder of this package."""
    return _readers[kind](value)


def convert(tree: object, kind: type[T]) -> T:
    """Read decoded JSON as `kind`; a null that has no meaning there counts as absent."""
    try:
        return msgspec.convert(tree, kind, dec_hook=read_open)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(tree), kind, dec_hook=read_open)


def _as_object(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _without_nulls(tree: object) -> object:
    fields = _as_object(tree)
    if fields is not None:
        return {key: _without_nulls(value) for key, value in fields.items() if value is not None}
    if isinstance(tree, list):
        return [_without_nulls(value) for value in cast("list[object]", tree)]
    return tree
