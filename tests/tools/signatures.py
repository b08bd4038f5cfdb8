"""Thirty signatures of every kind that a tool's may be. Called by tests, never by a model."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final, Literal, NotRequired, Optional, Union
from uuid import UUID

import msgspec
from msgspec import Meta
from pydantic import Field
from typing_extensions import TypedDict


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: float = 1.0


@dataclass
class Line:
    """From here to there."""

    start: Point
    end: Point
    dashes: list[int] = field(default_factory=list[int])


class Options(TypedDict):
    wait: bool
    retries: NotRequired[int]


@dataclass
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list["Tree"])


class Order(msgspec.Struct):
    """What somebody wants."""

    dish: str
    count: int = 1


def nothing() -> None: ...
def one_text(city: str) -> None: ...
def one_number(days: int) -> None: ...
def fraction(share: float) -> None: ...
def truth(really: bool) -> None: ...
def with_default(city: str, days: int = 3) -> None: ...
def keyword_only(*, city: str, unit: str = "celsius") -> None: ...
def optional(city: Optional[str] = None) -> None: ...  # noqa: UP045 - as older code has it
def required_but_null(city: str | None) -> None: ...
def union(value: int | str) -> None: ...
def old_union(value: Union[int, str, None] = None) -> None: ...  # noqa: UP007 - the same
def choice(unit: Literal["celsius", "fahrenheit"]) -> None: ...
def number_choice(size: Literal[1, 2, 3] = 2) -> None: ...
def colour(colour: Colour) -> None: ...
def level(level: Level = Level.LOW) -> None: ...
def texts(names: list[str]) -> None: ...
def sequence(names: Sequence[int]) -> None: ...
def mapping(prices: dict[str, float]) -> None: ...
def read_only_mapping(prices: Mapping[str, int]) -> None: ...
def fixed_tuple(pair: tuple[str, int]) -> None: ...
def open_tuple(names: tuple[str, ...]) -> None: ...
def distinct(tags: set[str]) -> None: ...
def anything(value: Any) -> None: ...
def of_dataclass(point: Point) -> None: ...
def nested(line: Line, scale: float = 2.5) -> None: ...
def several(points: list[Point], by_name: dict[str, Point]) -> None: ...
def typed_dict(options: Options) -> None: ...
def recursive(tree: Tree) -> None: ...
def moments(day: date, at: datetime, clock: time, wait: timedelta, who: UUID) -> None: ...
def struct_or_none(point: Point | None = None, colours: list[Colour] = []) -> None: ...  # noqa: B006


def constrained(
    n: Annotated[int, Meta(ge=1, le=10)],
    city: Annotated[str, Meta(min_length=1, max_length=80, description="Where.")],
    tags: Annotated[list[str], Meta(max_length=3)],
    ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.5,
) -> None: ...


def constrained_as_pydantic_has_it(
    n: Annotated[int, Field(ge=1, le=10)],
    city: Annotated[str, Field(min_length=1, max_length=80, description="Where.")],
    tags: Annotated[list[str], Field(max_length=3)],
    ratio: Annotated[float, Field(gt=0, lt=1)] = 0.5,
) -> None: ...


SIGNATURES: Final[list[Callable[..., None]]] = [
    nothing, one_text, one_number, fraction, truth, with_default, keyword_only, optional,
    required_but_null, union, old_union, choice, number_choice, colour, level, texts, sequence,
    mapping, read_only_mapping, fixed_tuple, open_tuple, distinct, anything, of_dataclass, nested,
    several, typed_dict, recursive, moments, struct_or_none,
]  # fmt: skip
"""pydantic reads these as they stand."""
