"""What a function takes: as JSON schema for the model, and as a check of what the model gives.

Both come from the signature, by msgspec. Parameters that are no business of the model's (a
`ToolContext`) are told apart here.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from datetime import datetime, time
from functools import partial
from typing import Annotated, Any, Final, Protocol, TypeAlias, cast

import msgspec

from anyrealtime.errors import ConfigurationError, ToolError
from anyrealtime.tools._context import ToolContext
from anyrealtime.tools._docstring import Descriptions
from anyrealtime.tools._schema import Schema, inlined

Arguments: TypeAlias = dict[str, Any]

_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TOLD_BETTER: Final[Mapping[object, Any]] = {  # what msgspec cannot describe, or not as well
    object: Any,
    datetime: Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})],
    time: Annotated[time, msgspec.Meta(extra_json_schema={"format": "time"})],
}
_WHAT_WOULD_DO: Final = "Call it again with arguments that fit its schema."


class Parameters(Protocol):
    """How a tool's arguments are described and checked."""

    @property
    def schema(self) -> Schema:
        """What the model is told."""
        ...

    def decode(self, text: str) -> Arguments:
        """What the model gave, by name.

        Raises:
            ToolError: it does not fit; the message is for the model.
        """
        ...

    def call(self, arguments: Arguments, context: ToolContext | None) -> object:
        """Call the function."""
        ...


class SignatureParameters:
    """The parameters that a signature declares.

    Raises:
        ConfigurationError: a model could not call this function.
    """

    def __init__(self, function: Callable[..., object], name: str, told: Descriptions) -> None:
        self._function = function
        self._name = name
        signature, hints = _read(function, name)
        self._context_name = _context_parameter(signature, hints)
        self._positional: list[str] = []
        fields: list[tuple[str, Any, Any]] = []
        defaults: dict[str, object] = {}
        for parameter in signature.parameters.values():
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                self._positional.append(parameter.name)
            elif parameter.kind not in _NAMED:
                raise ConfigurationError(
                    f"tool {name!r}: {parameter} has no name for the model to give; "
                    "declare each parameter"
                )
            if parameter.name == self._context_name:
                continue
            default: Any = msgspec.NODEFAULT
            if parameter.default is not parameter.empty:
                defaults[parameter.name] = parameter.default
                default = msgspec.field(default_factory=partial(_same, parameter.default))
            kind = hints.get(parameter.name, Any)
            fields.append((parameter.name, _TOLD_BETTER.get(_hashable(kind), kind), default))
        try:
            given = msgspec.defstruct(
                "Arguments",
                [field if field[2] is not msgspec.NODEFAULT else field[:2] for field in fields],
                kw_only=True,
                forbid_unknown_fields=True,
            )
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(given, dec_hook=_decode)
            self._schema: Schema = _schema(given)
        except (TypeError, ValueError, NameError, NotImplementedError) as exc:
            raise _unfit(name, fields, exc) from exc
        _describe(self._schema, defaults, told)

    @property
    def schema(self) -> Schema:
        """See `Parameters`."""
        return self._schema

    def decode(self, text: str) -> Arguments:
        """See `Parameters`."""
        try:
            # Servers send nothing at all for a function that takes nothing.
            given = self._decoder.decode(text.strip() or "{}")
        except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
            raise _misfit(self._name, exc) from exc
        return {name: getattr(given, name) for name in given.__struct_fields__}

    def call(self, arguments: Arguments, context: ToolContext | None) -> object:
        """See `Parameters`."""
        if self._context_name is not None:
            arguments = {**arguments, self._context_name: context}
        named = {name: v for name, v in arguments.items() if name not in self._positional}
        return self._function(*(arguments[name] for name in self._positional), **named)


class RawParameters:
    """Parameters whose schema was written by hand. What it demands is the function's to check."""

    def __init__(
        self, function: Callable[..., object], name: str, schema: Mapping[str, Any]
    ) -> None:
        self._function = function
        self._name = name
        self._schema = dict(schema)
        self._signature, hints = _read(function, name)
        self._context_name = _context_parameter(self._signature, hints)

    @property
    def schema(self) -> Schema:
        """See `Parameters`."""
        return self._schema

    def decode(self, text: str) -> Arguments:
        """See `Parameters`."""
        try:
            arguments = msgspec.json.decode(text.strip() or "{}", type=dict[str, Any])
            context = {} if self._context_name is None else {self._context_name: None}
            self._signature.bind(**{**arguments, **context})
        except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError) as exc:
            raise _misfit(self._name, exc) from exc
        return arguments

    def call(self, arguments: Arguments, context: ToolContext | None) -> object:
        """See `Parameters`."""
        if self._context_name is not None:
            arguments = {**arguments, self._context_name: context}
        return self._function(**arguments)


def _hashable(kind: Any) -> object:
    return kind if isinstance(kind, type) else None


def _same(value: object) -> object:
    return value


def _read(function: Callable[..., object], name: str) -> tuple[inspect.Signature, dict[str, Any]]:
    annotated: Any = function
    while isinstance(annotated, partial):
        annotated = cast("partial[object]", annotated).func
    if not inspect.isroutine(annotated):
        annotated = type(annotated).__call__
    try:
        return inspect.signature(function), typing.get_type_hints(annotated, include_extras=True)
    except (NameError, TypeError, ValueError) as exc:
        raise ConfigurationError(f"tool {name!r}: its signature cannot be read: {exc}") from exc


def _context_parameter(signature: inspect.Signature, hints: Mapping[str, Any]) -> str | None:
    for name in signature.parameters:
        hint = hints.get(name)
        if hint is ToolContext or ToolContext in typing.get_args(hint):
            return name
    return None


def _schema(kind: type) -> Schema:
    (root,), definitions = msgspec.json.schema_components(
        [kind], schema_hook=_schema_of, ref_template="#/$defs/{name}"
    )
    own = root["$ref"].removeprefix("#/$defs/")
    schema: Schema = {**definitions.pop(own)}
    del schema["title"]
    return inlined(schema, definitions)


def _describe(schema: Schema, defaults: Mapping[str, object], told: Descriptions) -> None:
    """Add what msgspec cannot know: the function's defaults and its docstring."""
    properties = cast("dict[str, Schema]", schema["properties"])
    for name, member in properties.items():
        if name in told.parameters:
            member.setdefault("description", told.parameters[name])
        if name in defaults:
            try:
                member["default"] = msgspec.to_builtins(defaults[name])
            except (TypeError, ValueError):
                member.pop("default", None)  # no value of JSON's: the function's own business


def _unfit(name: str, fields: list[tuple[str, Any, Any]], exc: Exception) -> ConfigurationError:
    """Name the parameter that cannot be described, if it is one alone."""
    for parameter, kind, _ in fields:
        try:
            msgspec.json.schema(kind, schema_hook=_schema_of)
            msgspec.json.Decoder(kind, dec_hook=_decode)
        except Exception as cause:
            return ConfigurationError(
                f"tool {name!r}: its parameter {parameter!r} has a type that no JSON fits: {cause}"
            )
    return ConfigurationError(f"tool {name!r}: its parameters have no JSON schema: {exc}")


def _misfit(name: str, exc: Exception) -> ToolError:
    return ToolError(f"The arguments of {name} do not fit: {exc}. {_WHAT_WOULD_DO}")


# Types that bring their own validation, as pydantic's models do, describe and check themselves.


def _schema_of(kind: Any) -> Schema:
    if not (hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")):
        raise NotImplementedError(f"{kind!r} has no JSON schema")
    return cast("Schema", kind.model_json_schema())


def _decode(kind: Any, value: object) -> object:
    return kind.model_validate(value)
