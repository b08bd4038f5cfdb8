"""What a conversation is made of: items, and the content parts of messages.

Both are sent by clients and servers. Fields nobody filled in are left away on the wire.
The two unions are open: a kind this file does not name arrives as an UnknownObject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import UNSET, field

from anyrealtime.events._base import JsonObject, Maybe, Object, Tagged, empty_text
from anyrealtime.events._unions import UnknownObject, one_of

ItemStatus: TypeAlias = Literal["completed", "incomplete", "in_progress"] | str
Role: TypeAlias = Literal["system", "user", "assistant"] | str
Phase: TypeAlias = Literal["commentary", "final_answer"] | str
ImageDetail: TypeAlias = Literal["auto", "low", "high", "original"] | str


class PromptCacheBreakpoint(Object, frozen=True, kw_only=True):
    """Up to where a prompt may be cached."""

    mode: Literal["explicit"] | str = "explicit"
    ttl: Maybe[Literal["30m", "12h"] | str] = UNSET


# --- content parts -------------------------------------------------------------------------


class InputText(Tagged, tag="input_text", frozen=True, kw_only=True, omit_defaults=True):
    """Text said by the user or the system."""

    text: str
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class InputAudio(Tagged, tag="input_audio", frozen=True, kw_only=True, omit_defaults=True):
    """Audio said by the user. `transcript` is null until the server has one."""

    audio: bytes | None = None
    transcript: Maybe[str] = UNSET


class InputImage(Tagged, tag="input_image", frozen=True, kw_only=True, omit_defaults=True):
    """A picture: `image_url` is a URL, a data URL included."""

    image_url: str | None = None
    detail: ImageDetail | None = None
    file_id: str | None = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class InputFile(Tagged, tag="input_file", frozen=True, kw_only=True, omit_defaults=True):
    """A file. The protocol takes it in the variables of a prompt only."""

    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    detail: ImageDetail | None = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class OutputText(Tagged, tag="output_text", frozen=True, kw_only=True, omit_defaults=True):
    """Text said by the assistant."""

    text: str = field(default_factory=empty_text)


class OutputAudio(Tagged, tag="output_audio", frozen=True, kw_only=True, omit_defaults=True):
    """Audio said by the assistant; servers send the transcript, and the audio on retrieval only."""

    audio: bytes | None = None
    transcript: Maybe[str] = UNSET


class Text(Tagged, tag="text", frozen=True, kw_only=True, omit_defaults=True):
    """The assistant's text in beta items, and in the `part` of `response.content_part.*`."""

    text: str = field(default_factory=empty_text)


class Audio(Tagged, tag="audio", frozen=True, kw_only=True, omit_defaults=True):
    """The assistant's audio in beta items, and in the `part` of `response.content_part.*`."""

    audio: bytes | None = None
    transcript: Maybe[str] = UNSET


class ItemReference(Tagged, tag="item_reference", frozen=True, kw_only=True, omit_defaults=True):
    """Stands for an item the server already has, in the input of a response."""

    id: str


if TYPE_CHECKING:
    ContentPart: TypeAlias = (
        InputText
        | InputAudio
        | InputImage
        | OutputText
        | OutputAudio
        | Text
        | Audio
        | ItemReference
        | UnknownObject
    )
else:
    ContentPart = one_of(
        "ContentPart",
        InputText,
        InputAudio,
        InputImage,
        OutputText,
        OutputAudio,
        Text,
        Audio,
        ItemReference,
    )


def no_parts() -> list[ContentPart]:
    """Default of `content`. Not `list` itself: an empty one is written, as servers write it."""
    return []


# --- items ---------------------------------------------------------------------------------


class Message(Tagged, tag="message", frozen=True, kw_only=True, omit_defaults=True):
    """What was said, by whom. `role` is a second discriminator that needs no second class.

    Attributes:
        content: parts; a user's are input_*, an assistant's output_* (beta: text and audio).
        phase: of an answer given in several messages, which of them this is.
    """

    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    role: Role | None = None
    content: list[ContentPart] = field(default_factory=no_parts)
    phase: Phase | None = None


class FunctionCall(Tagged, tag="function_call", frozen=True, kw_only=True, omit_defaults=True):
    """The model asks for a function. `arguments` is JSON text, whole only when completed."""

    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    role: Role | None = None
    call_id: str = field(default_factory=empty_text)
    name: str = field(default_factory=empty_text)
    arguments: str = field(default_factory=empty_text)
    phase: Phase | None = None


class FunctionCallOutput(
    Tagged,
    tag="function_call_output",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
):
    """What the function returned, as text, for the call named by `call_id`."""

    id: str | None = None
    object: str | None = None
    status: ItemStatus | None = None
    role: Role | None = None
    call_id: str
    output: str


class McpListedTool(Object, frozen=True, kw_only=True, omit_defaults=True):
    """One tool that an MCP server offers. `input_schema` is JSON schema."""

    name: str
    input_schema: JsonObject | None = None
    description: str | None = None
    annotations: JsonObject | None = None


def no_tools() -> list[McpListedTool]:
    """Default of `tools` in McpListTools; written even when empty."""
    return []


class McpListTools(Tagged, tag="mcp_list_tools", frozen=True, kw_only=True, omit_defaults=True):
    """The tools that an MCP server offers, as the server found them."""

    id: str | None = None
    server_label: str = field(default_factory=empty_text)
    tools: list[McpListedTool] = field(default_factory=no_tools)


class McpCallError(Object, frozen=True, kw_only=True, omit_defaults=True):
    """Why an MCP call failed: `protocol_error`, `tool_execution_error` or `http_error`."""

    type: Literal["protocol_error", "tool_execution_error", "http_error"] | str | None = None
    message: str | None = None
    code: int | None = None


class McpCall(Tagged, tag="mcp_call", frozen=True, kw_only=True, omit_defaults=True):
    """A call that the server makes to an MCP server, and its outcome."""

    id: str | None = None
    server_label: str = field(default_factory=empty_text)
    name: str = field(default_factory=empty_text)
    arguments: str = field(default_factory=empty_text)
    approval_request_id: Maybe[str] = UNSET
    output: Maybe[str] = UNSET
    error: Maybe[McpCallError] = UNSET


class McpApprovalRequest(
    Tagged,
    tag="mcp_approval_request",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
):
    """The server asks whether it may make an MCP call; answered by an McpApprovalResponse."""

    id: str | None = None
    server_label: str = field(default_factory=empty_text)
    name: str = field(default_factory=empty_text)
    arguments: str = field(default_factory=empty_text)


class McpApprovalResponse(
    Tagged,
    tag="mcp_approval_response",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
):
    """Allows or forbids the call of the request named by `approval_request_id`."""

    approval_request_id: str
    approve: bool
    id: str | None = None
    reason: Maybe[str] = UNSET


if TYPE_CHECKING:
    Item: TypeAlias = (
        Message
        | FunctionCall
        | FunctionCallOutput
        | ItemReference
        | McpApprovalRequest
        | McpApprovalResponse
        | McpListTools
        | McpCall
        | UnknownObject
    )
else:
    Item = one_of(
        "Item",
        Message,
        FunctionCall,
        FunctionCallOutput,
        ItemReference,
        McpApprovalRequest,
        McpApprovalResponse,
        McpListTools,
        McpCall,
    )


class LogProb(Object, frozen=True, kw_only=True):
    """How likely a token of a transcript was: the natural logarithm of its probability."""

    token: str
    logprob: float
    bytes: list[int] | None = None
