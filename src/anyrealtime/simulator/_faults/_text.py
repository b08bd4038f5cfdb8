"""Reads a fault as people and clients write it: `close:code=1011,after=5`, or a JSON object.

What is wrong is said in the words of whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, get_args

import msgspec

from anyrealtime.errors import ConfigurationError
from anyrealtime.simulator.faults import AnyFault

ADMIN_EVENT: Final = "simulator.fault"
"""The type of the client event that asks for a fault; no real server knows it."""

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    str(kind.__struct_config__.tag): kind.__struct_fields__ for kind in get_args(AnyFault)
}


def parse_fault(text: str) -> AnyFault:
    """Read `kind` or `kind:name=value,name=value`; or the same as a JSON object.

    The kinds and names are those of `anyrealtime.simulator.faults`: `half-open`,
    `drop:p=0.01`, `drift:field=delta,value=null`, `{"fault": "close", "code": 1011}`.

    Raises:
        ConfigurationError: it is none; the message says why and what there is.
    """
    if text.lstrip().startswith("{"):
        try:
            fields: object = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"not JSON: {error}") from error
        return fault_from_fields(cast("Mapping[str, object]", fields))
    kind, colon, rest = text.partition(":")
    said: dict[str, object] = {"fault": kind.strip().replace("-", "_")}
    for pair in rest.split(",") if colon else ():
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise ConfigurationError(f"{pair!r} is not name=value")
        if name in said:
            raise ConfigurationError(f"{name} is given twice")
        said[name] = _json_or_text(value) if name == "value" else value.strip()
    return _fault(said, strict=False)


def fault_from_fields(fields: Mapping[str, object]) -> AnyFault:
    """Read a fault from a JSON object, where `fault` is its kind; an event's own fields are none.

    Raises:
        ConfigurationError: it is none; the message says why and what there is.
    """
    said = {name: value for name, value in fields.items() if name not in {"type", "event_id"}}
    return _fault(said, strict=True)


def _fault(said: dict[str, object], *, strict: bool) -> AnyFault:
    kind = said.get("fault")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ConfigurationError(
            f"no fault is called {kind!r}; there are {', '.join(sorted(_KINDS))}"
        )
    known = _KINDS[kind]
    for name in said.keys() - {"fault", *known}:
        raise ConfigurationError(f"{kind} has no {name!r}; it takes {', '.join(sorted(known))}")
    try:
        fault: AnyFault = msgspec.convert(said, AnyFault, strict=strict)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise ConfigurationError(
            f"{kind}: {where.rstrip('`')}{': ' if where else ''}{what}"
        ) from error
    return fault


def _json_or_text(value: str) -> object:
    try:
        return cast("object", msgspec.json.decode(value))
    except msgspec.DecodeError:
        return value
