"""What an `error` event means when no command claims it: the tables of codes.

Pure data and one function; the rules they serve are the runtime's.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from anyrealtime.errors import RequestError, ServerError
from anyrealtime.events import ErrorDetail

Verdict: TypeAlias = Literal["benign", "raise", "raise_if_not_closed"]

# Races between what the program asks and what the server did meanwhile by itself (turn
# detection, mostly). Every client that was looked at ignores them.
BENIGN_CODES = frozenset(
    {
        "conversation_already_has_active_response",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "response_cancel_not_active",
    }
)

# Servers send CLOSE right behind these, but not always in the same moment.
FATAL_CODES = frozenset(
    {
        "beta_api_shape_disabled",
        "insufficient_permissions",
        "invalid_api_key",
        "invalid_authentication",
        "invalid_model",
        "missing_api_key",
        "missing_model",
        "model_not_found",
        "session_expired",
        "token_expired",
    }
)
FATAL_TYPES = frozenset({"authentication_error", "permission_error"})


def verdict(error: ErrorDetail) -> Verdict:
    """What to do with an error that answers no command and that no subscription names."""
    if error.code in BENIGN_CODES:
        return "benign"
    if error.code in FATAL_CODES or error.type in FATAL_TYPES:
        return "raise_if_not_closed"
    return "raise"


def server_error(error: ErrorDetail) -> ServerError:
    """The exception for an error that nobody claimed."""
    return ServerError(
        error.message or error.code or "the server sent an error without a message",
        type=error.type,
        code=error.code,
        param=error.param,
        event_id=error.event_id,
    )


def request_error(error: ErrorDetail) -> RequestError:
    """The exception for an error that answers a command."""
    return RequestError(
        error.message or error.code or "the server refused without a message",
        type=error.type,
        code=error.code,
        param=error.param,
        event_id=error.event_id,
    )
