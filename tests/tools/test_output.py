"""Results and failures as the text that the model reads."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pydantic
import pytest

from anyrealtime.tools._output import output_of, output_of_exception, output_of_failure


@dataclass
class Weather:
    celsius: int


class Model(pydantic.BaseModel):
    celsius: int


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("It is foggy.", "It is foggy."),
        ("", ""),
        ("a\ud800b", "a?b"),
        (None, "null"),
        (3, "3"),
        ({"a": [1, True]}, '{"a":[1,true]}'),
        (Weather(12), '{"celsius":12}'),
        (Model(celsius=12), '{"celsius":12}'),
        ([Model(celsius=12)], '[{"celsius":12}]'),
    ],
)
def test_text_is_told_as_it_is_and_everything_else_as_json(result: object, text: str) -> None:
    assert output_of(result) == text


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="must be text or what JSON can say, not object"):
        output_of(object())


def test_a_failure_has_one_shape() -> None:
    assert json.loads(output_of_failure("timeout", "It took \ud800 too long.")) == {
        "error": {"code": "timeout", "message": "It took ? too long."}
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [(ValueError("No fog."), "ValueError: No fog."), (KeyError(), "KeyError")],
)
def test_what_was_raised_is_told_by_its_words(error: Exception, message: str) -> None:
    told = json.loads(output_of_exception(error))
    assert told == {"error": {"code": "tool_error", "message": message}}


def test_an_exception_that_has_no_words_is_told_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    told = json.loads(output_of_exception(Mute()))
    assert told["error"]["message"] == "Mute: (and its text cannot be had: ValueError)"
