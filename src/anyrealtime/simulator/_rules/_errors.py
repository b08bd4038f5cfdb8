"""What the service says no with: error types, codes and parameter paths.

A rule that refuses raises Refusal; the rulebook turns it into one `error` event. The
grammar's own complaints (msgspec's) are translated here. No state, no I/O.
"""

from __future__ import annotations

import re

import msgspec

from anyrealtime.simulator._rules._payload import Payload

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"


class Refusal(Exception):
    """A client event is refused; nothing of it took effect."""

    def __init__(
        self,
        code: str | None,
        message: str,
        *,
        param: str | None = None,
        type: str = INVALID_REQUEST,  # noqa: A002 - the protocol's own name
    ) -> None:
        super().__init__(message)
        self.type = type
        self.code = code
        self.message = message
        self.param = param

    def detail(self, event_id: str | None) -> Payload:
        """Return the `error` object of the event, blaming the client event `event_id`."""
        return {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id,
        }

    @property
    def close_reason(self) -> str:
        """The reason of a CLOSE frame that follows this error."""
        return f"{self.type}.{self.code}" if self.code else self.type


def unknown_parameter(param: str) -> Refusal:
    """Refuse a field the grammar does not have."""
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param=param)


def missing_parameter(param: str) -> Refusal:
    """Refuse the absence of a field the grammar demands."""
    return Refusal(
        "missing_required_parameter", f"Missing required parameter: '{param}'.", param=param
    )


def invalid_value(param: str, value: object, supported: tuple[str, ...] = ()) -> Refusal:
    """Refuse a value, naming the `supported` ones where there is a list."""
    hint = f" Supported values are: {_listed(supported)}." if supported else ""
    return Refusal("invalid_value", f"Invalid value: {value!r}.{hint}", param=param)


def _listed(names: tuple[str, ...]) -> str:
    *first, last = (f"'{name}'" for name in names)
    if len(first) < 2:
        return " and ".join([*first, last])
    return f"{', '.join(first)}, and {last}"


def invalid_type(param: str, expected: str, got: str) -> Refusal:
    """Refuse a JSON value of the wrong kind."""
    return Refusal(
        "invalid_type",
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
    )


def no_such_item(verb: str, item_id: str) -> Refusal:
    """Refuse to retrieve, truncate or delete an item the conversation does not hold."""
    return Refusal(
        f"item_{verb}_invalid_item_id",
        f"Error: cannot {verb} the item with id '{item_id}', it does not exist.",
        param="item_id",
    )


_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?P<kind>contains unknown|missing required) field `(?P<name>[^`]*)`")
_BOUND = re.compile(
    r"Expected `(?P<kind>\w+)` (?P<of>of length )?(?P<sign>>=|<=|>|<) (?P<bound>\S+)"
)
_TYPE = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`")
_KINDS = {
    "array": "an array",
    "bool": "a boolean",
    "float": "a decimal",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
}
_MEASURES = {"object": "properties"}
_BOUNDED = {"bytes": "string", "float": "decimal", "int": "integer", "str": "string"}


def from_validation(error: msgspec.ValidationError, root: str) -> Refusal:
    """Say in the service's words what msgspec found wrong below the parameter `root`."""
    found = _COMPLAINT.fullmatch(str(error))
    assert found is not None  # the pattern matches every text
    what = found["what"]
    # For a value of a mapping msgspec names no key; the mapping is to blame, then.
    param = f"{root}{found['path'] or ''}".lstrip(".").removesuffix("[...]")
    if field := _FIELD.match(what):
        name = f"{param}.{field['name']}".lstrip(".")
        return unknown_parameter(name) if "unknown" in field["kind"] else missing_parameter(name)
    if bound := _BOUND.match(what):
        return _out_of_bounds(param, bound)
    if wrong := _TYPE.match(what):
        expected = " or ".join(_KINDS.get(kind, kind) for kind in wrong["expected"].split(" | "))
        return invalid_type(param, expected, _KINDS.get(wrong["got"], wrong["got"]))
    return Refusal("invalid_value", f"{what}.", param=param or None)


def _out_of_bounds(param: str, found: re.Match[str]) -> Refusal:
    kind = _BOUNDED.get(found["kind"], found["kind"])
    low = found["sign"].startswith(">")
    of = _MEASURES.get(kind, "length") if found["of"] else "value"
    limit = f"{'min' if low else 'max'}_{of}"
    size = f"a {of}" if of != "properties" else "a number of properties"
    return Refusal(
        f"{kind}_{'below' if low else 'above'}_{limit}",
        f"Invalid '{param}': expected {size} {found['sign']} {found['bound']}.",
        param=param,
    )
