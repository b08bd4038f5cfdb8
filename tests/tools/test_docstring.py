"""Docstrings as descriptions, in the styles that people write, with and without the parser."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from anyrealtime.tools import tool
from anyrealtime.tools._docstring import Descriptions, read_docstring


def google(city: str, days: int) -> None:
    """The weather in a city.

    It is fetched anew,
    each time.

    Args:
        city (str): where,
            by its name.
        days: how many.

    Returns:
        Nothing.
    """


def numpy(city: str, days: int) -> None:
    """The weather in a city.

    It is fetched anew,
    each time.

    Parameters
    ----------
    city : str
        where,
        by its name.
    days : int
        how many.
    """


def rest(city: str, days: int) -> None:
    """The weather in a city.

    It is fetched anew,
    each time.

    :param city: where,
        by its name.
    :param days: how many.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_every_style_says_the_same(function: Any) -> None:
    assert read_docstring(function) == Descriptions(
        "The weather in a city.\n\nIt is fetched anew, each time.",
        {"city": "where, by its name.", "days": "how many."},
    )


def test_nothing_said_is_nothing_described() -> None:
    def silent() -> None: ...

    def blank() -> None:
        """ """

    assert read_docstring(silent) == read_docstring(blank) == Descriptions()


def test_without_the_parser_the_first_paragraph_is_the_description(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("anyrealtime.tools._docstring.find_spec", dict[str, None]().get)
    assert read_docstring(google) == Descriptions("The weather in a city.")


def test_a_docstring_that_cannot_be_parsed_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import docstring_parser

    def refuse(text: str) -> None:
        raise docstring_parser.ParseError("no")

    assert importlib.util.find_spec("docstring_parser")
    monkeypatch.setattr(docstring_parser, "parse", refuse)
    assert read_docstring(google) == Descriptions("The weather in a city.")


def test_what_the_annotation_says_goes_before_the_docstring() -> None:
    from typing import Annotated

    from msgspec import Meta

    def weather(city: Annotated[str, Meta(description="by Meta")], day: str) -> None:
        """Weather.

        Args:
            city: by the docstring.
            day: too.
        """

    weather.__annotations__["city"] = Annotated[str, Meta(description="by Meta")]
    parameters: Any = tool(weather).declaration.parameters
    told = {name: one["description"] for name, one in parameters["properties"].items()}
    assert told == {"city": "by Meta", "day": "too."}
