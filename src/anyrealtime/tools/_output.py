"""What the model is told of a call, as the text that `function_call_output` carries. Pure."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

FailureCode: TypeAlias = Literal[
    "tool_error",
    "invalid_arguments",
    "unknown_tool",
    "timeout",
    "denied",
    "cancelled",
    "not_run",
]


def output_of(result: object) -> str:
    """A tool's result: text as it is, everything else as JSON.

    Raises:
        TypeError: JSON has no word for it.
    """
    if isinstance(result, str):
        return clean(result)
    return msgspec.json.encode(result, enc_hook=_encode).decode()


def output_of_failure(code: FailureCode, message: str) -> str:
    """Why there is no result, in one shape for all reasons: `{"error": {"code", "message"}}`."""
    return msgspec.json.encode({"error": {"code": code, "message": clean(message)}}).decode()


def output_of_exception(error: BaseException) -> str:
    """What a tool raised, by its class and its words; never its traceback."""
    name = type(error).__name__
    try:
        words = str(error)
    except Exception as exc:  # of no use to the model, but that it failed is
        words = f"(and its text cannot be had: {type(exc).__name__})"
    return output_of_failure("tool_error", f"{name}: {words}" if words else name)


def clean(text: str) -> str:
    """Text that can be sent: without what UTF-8 has no bytes for."""
    return text.encode(errors="replace").decode()


def _encode(value: Any) -> object:
    if hasattr(value, "model_dump"):  # a pydantic model
        return value.model_dump(mode="json")
    raise TypeError(
        f"a tool's result must be text or what JSON can say, not {type(value).__name__}"
    )
