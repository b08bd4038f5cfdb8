"""What a client may write as a conversation item, to the letter: each kind, and nothing more.

Declarations and one function; what they hold besides is in `_grammar`, whose law is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from anyrealtime.simulator._rules._errors import invalid_value, missing_parameter
from anyrealtime.simulator._rules._grammar import Strict, check
from anyrealtime.simulator._rules._payload import Payload

ItemId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=32)] | UnsetType | None
ItemObject: TypeAlias = Literal["realtime.item"] | UnsetType | None
ItemStatus: TypeAlias = Literal["completed", "incomplete", "in_progress"] | UnsetType | None


class InputText(Strict, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    text: str


class InputAudio(Strict, frozen=True, kw_only=True, tag_field="type", tag="input_audio"):
    audio: bytes
    transcript: str | None = None


class InputImage(Strict, frozen=True, kw_only=True, tag_field="type", tag="input_image"):
    image_url: str
    detail: Literal["auto", "low", "high"] | UnsetType = UNSET


class OutputText(Strict, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    text: str


class OutputAudio(Strict, frozen=True, kw_only=True, tag_field="type", tag="output_audio"):
    """The service demands a text here too: assistant audio cannot be created."""

    text: str


class UserMessage(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["message"]
    object: ItemObject = UNSET
    status: ItemStatus = UNSET
    role: Literal["user"]
    content: list[InputText | InputAudio | InputImage]


class SystemMessage(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["message"]
    object: ItemObject = UNSET
    status: ItemStatus = UNSET
    role: Literal["system"]
    content: list[InputText]


class AssistantMessage(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["message"]
    object: ItemObject = UNSET
    status: ItemStatus = UNSET
    role: Literal["assistant"]
    phase: str | UnsetType | None = UNSET
    content: list[OutputText | OutputAudio]


class FunctionCall(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["function_call"]
    object: ItemObject = UNSET
    status: ItemStatus = UNSET
    call_id: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    name: str
    arguments: str


class FunctionCallOutput(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["function_call_output"]
    object: ItemObject = UNSET
    status: ItemStatus = UNSET
    call_id: str
    output: str


class McpListTools(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["mcp_list_tools"]
    server_label: str
    tools: list[Payload]


class McpCall(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["mcp_call"]
    server_label: str
    name: str
    arguments: str
    approval_request_id: str | None = None
    output: str | None = None
    error: Payload | None = None


class McpApprovalRequest(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["mcp_approval_request"]
    server_label: str
    name: str
    arguments: str


class McpApprovalResponse(Strict, frozen=True, kw_only=True):
    id: ItemId = UNSET
    type: Literal["mcp_approval_response"]
    approval_request_id: str
    approve: bool
    reason: str | None = None


class ItemReference(Strict, frozen=True, kw_only=True):
    type: Literal["item_reference"]
    id: str


Spoken: TypeAlias = UserMessage | SystemMessage | AssistantMessage
Called: TypeAlias = FunctionCall | FunctionCallOutput
Remote: TypeAlias = McpListTools | McpCall | McpApprovalRequest | McpApprovalResponse
Item: TypeAlias = Spoken | Called | Remote

MESSAGES: Mapping[str, type[Spoken]] = {
    "user": UserMessage,
    "system": SystemMessage,
    "assistant": AssistantMessage,
}
OTHERS: Mapping[str, type[Called | Remote]] = {
    "function_call": FunctionCall,
    "function_call_output": FunctionCallOutput,
    "mcp_list_tools": McpListTools,
    "mcp_call": McpCall,
    "mcp_approval_request": McpApprovalRequest,
    "mcp_approval_response": McpApprovalResponse,
}


class Tagged(Struct, frozen=True, kw_only=True):
    """What is looked at first in an object that comes in kinds."""

    type: str
    role: str | UnsetType = UNSET


def check_item(value: Payload, at: str) -> Item:
    """Read one conversation item, whose grammar hangs on its type and, in a message, its role.

    Raises:
        Refusal: it does not fit.
    """
    tag = check(value, Tagged, at)
    if tag.type != "message":
        if tag.type not in OTHERS:
            raise invalid_value(f"{at}.type", tag.type, ("message", *OTHERS))
        return check(value, OTHERS[tag.type], at)
    if isinstance(tag.role, UnsetType):
        raise missing_parameter(f"{at}.role")
    if tag.role not in MESSAGES:
        raise invalid_value(f"{at}.role", tag.role, tuple(MESSAGES))
    return check(value, MESSAGES[tag.role], at)
