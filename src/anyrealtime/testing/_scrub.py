"""Takes keys out of what is written down: known ones, and whatever looks like one.

Rather a word too many than a key: nothing here tries to be clever about what a string means.
Pure; a frame that holds no key comes out as it went in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, cast

HIDDEN: Final = "***"

_MIN_KNOWN_CHARS: Final = 8  # shorter ones are placeholders, and would tear words apart
_NAMES: Final = (
    r"(?:[\w-]*[-_])?(?:authorization|api[-_]?key|secret|password|credentials?|cookie)"
    r"|(?:access|auth|bearer|id|refresh|session)[-_]?token|apikey|jwt"
)
_NAME: Final = re.compile(_NAMES, re.IGNORECASE)
# Each begins with what stays legible.
_KEYS: Final = re.compile(
    rf"""
      (?P<prefix> (?<![A-Za-z0-9]) (?:sk-|ek_|xai-) ) [A-Za-z0-9_-]{{4,}}
    | (?P<scheme> \b bearer \s+ ) [A-Za-z0-9._~+/=-]{{4,}}
    | (?P<protocol> openai-insecure-api-key\. ) [^\s,"\\]+
    | (?P<jwt> (?<![A-Za-z0-9]) eyJ ) [A-Za-z0-9_-]{{4,}} \. [A-Za-z0-9_.-]+
    | (?P<query> [?&] (?: {_NAMES} | key | token | sig | signature ) = ) [^&\s"\\\#]+
    | (?P<json> " (?: {_NAMES} ) \\?" \s* : \s* \\?" ) (?: [^"\\] | \\[^"] )+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SCHEMA_TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")
# One of them is in whatever the above matches: most texts, and all audio, need no second look.
_HINTS: Final = ("sk-", "ek_", "xai-", "bearer", "insecure-api-key", "?", "&", '"')


class Scrubber:
    """Hides keys in texts and in JSON.

    Args:
        secrets: keys that are known; those of fewer than 8 characters do not count.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= _MIN_KNOWN_CHARS}
        self._known = sorted(known, key=len, reverse=True)  # a longer one may hold a shorter one

    def text(self, text: str) -> str:
        """The text without keys."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        lower = text.lower()
        if not any(hint in lower for hint in _HINTS) and not ("eyj" in lower and "." in lower):
            return text
        return _KEYS.sub(lambda found: f"{found[found.lastgroup or 0]}{HIDDEN}", text)

    def tree(self, value: object) -> object:
        """A JSON value without keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.tree(inner) for inner in cast("list[object]", value)]
        if isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            is_mcp = fields.get("type") == "mcp"
            return {
                self.text(name): self._field(name, inner, is_mcp=is_mcp)
                for name, inner in fields.items()
            }
        return value

    def _field(self, name: str, value: object, *, is_mcp: bool) -> object:
        clean = self.tree(value)
        if is_mcp and name == "headers":
            return _hidden(clean)
        if _NAME.fullmatch(name) and not _is_schema(clean):
            return _hidden(clean)
        return clean


def _hidden(value: object) -> object:
    """What stands where a secret is expected: a text, or texts right in a list or an object."""
    if isinstance(value, str):
        return HIDDEN
    if isinstance(value, list):
        inner = cast("list[object]", value)
        return [HIDDEN if isinstance(item, str) else item for item in inner]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: HIDDEN if isinstance(item, str) else item for name, item in fields.items()}
    return value


def _is_schema(value: object) -> bool:
    """Whether a value describes the parameter of a function that has a secret's name."""
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, object]", value)
    return fields.get("type") in _SCHEMA_TYPES or "enum" in fields or "$ref" in fields
