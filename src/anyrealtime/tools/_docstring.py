"""What a function's docstring says to a model: what it does, and what each parameter means.

Reading the styles that docstrings come in (Google, NumPy, reST) is `docstring-parser`'s, of the
extra `tools`. Without it the first paragraph is the description, and parameters have none.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Descriptions:
    """What was found.

    Attributes:
        function: what the function does; None where nothing is said.
        parameters: what those parameters mean that are described, by name.
    """

    function: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


def read_docstring(function: object) -> Descriptions:
    """Read what is written under a function's first line, if anything is."""
    text = inspect.getdoc(function)
    if not text or not text.strip():
        return Descriptions()
    if find_spec("docstring_parser") is None:
        return Descriptions(_flowing(text.strip().split("\n\n")[0]))

    import docstring_parser

    try:
        read = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return Descriptions(_flowing(text.strip().split("\n\n")[0]))
    said = [part for part in (read.short_description, read.long_description) if part]
    return Descriptions(
        "\n\n".join(_flowing(part) for part in said) or None,
        {
            param.arg_name.lstrip("*"): _flowing(param.description)
            for param in read.params
            if param.description
        },
    )


def _flowing(text: str) -> str:
    """Paragraphs without the line breaks that only the margin asked for."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
