"""The seam where a model plugs in: what it is given, what it may answer, how it may fail.

A model is any callable from a ModelRequest to pieces of an answer, sync or async. The
vocabulary is the client's (`anyrealtime.events`), so that a test's model reads what a
test's client wrote. How a request comes about is in `_request`, what becomes of the pieces
in `_answering`.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, cast

from anyrealtime.events import (
    FunctionCall,
    FunctionCallOutput,
    FunctionTool,
    McpApprovalRequest,
    McpApprovalResponse,
    McpCall,
    McpListedTool,
    McpListTools,
    Message,
)

RemoteItem: TypeAlias = McpListTools | McpCall | McpApprovalRequest | McpApprovalResponse
Item: TypeAlias = Message | FunctionCall | FunctionCallOutput | RemoteItem


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked.

    Attributes:
        items: the context, oldest first: the conversation, or the `input` of the response.
            Audio parts carry their bytes, in the session's format.
        instructions: of the response or, where it has none, of the session.
        tools: the functions the client offers.
        mcp_tools: the tools of the MCP servers it declares, as far as they are listed, by the
            servers' labels.
        tool_choice: "auto", "none", "required" or the name of one function.
        parallel_tool_calls: whether several functions may be called in one answer.
        modality: what the answer is heard or read as.
        text: the last thing the user wrote, or said aloud as far as the words are known.
        audio: the last thing the user said aloud, 16-bit little-endian mono PCM at 24 kHz;
            empty where it was written.
        heard_seconds: how long `audio` is.
        metadata: what `response.create` carried; a script may choose its line by it.
        model: the name the client connected with.
        session_id: the session it is asked in; there is one for each connection.
    """

    items: tuple[Item, ...]
    instructions: str
    tools: tuple[FunctionTool, ...]
    mcp_tools: Mapping[str, tuple[McpListedTool, ...]] = field(
        default_factory=dict[str, tuple[McpListedTool, ...]]
    )
    tool_choice: str
    parallel_tool_calls: bool = True
    modality: Literal["text", "audio"]
    text: str
    audio: bytes = b""
    heard_seconds: float
    metadata: Mapping[str, str]
    model: str
    session_id: str = ""


Arguments: TypeAlias = Mapping[str, object] | str | Sequence[str] | AsyncIterable[str]


@dataclass(frozen=True, slots=True)
class FunctionCallRequest:
    """A model yields this to call a function of the client's; several make parallel calls.

    Attributes:
        name: of the function; nobody checks whether the client offers it.
        arguments: a mapping, sent as JSON; or JSON text, sent as it is, whatever it is; or
            that text in pieces, sync or async, each of which becomes one delta.
        call_id: at most 32 characters; None makes one.
        alongside: the message under way stays open, and what is said next goes on in it.
    """

    name: str
    arguments: Arguments = "{}"
    call_id: str | None = None
    alongside: bool = False


@dataclass(frozen=True, slots=True)
class McpCallRequest:
    """A model yields this to have a tool of an MCP server called (`open_simulator(mcp=...)`).

    The call is made when the response is over and the client has approved, if it has to; the
    outcome is in `items` of the next request.

    Attributes:
        server_label: of the server, as the session declares it.
        name: of the tool.
        arguments: as those of a FunctionCallRequest.
        alongside: likewise.
    """

    server_label: str
    name: str
    arguments: Arguments = "{}"
    alongside: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """A model yields this for words that no voice is to speak: their sound comes as `bytes`."""

    text: str


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A model yields this before a message that is not to go on in the one before.

    Attributes:
        phase: "commentary" or "final_answer", shown in the item; None shows none.
    """

    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """A model yields this for what it thinks and does not say; only its tokens are told."""

    text: str


class ContentFiltered(Exception):
    """A model raises this where a filter ends its response, with the status "incomplete"."""


class ModelFailure(Exception):
    """A model raises this to end its response with the status "failed".

    Args:
        message: for the client to read.
        code: for instance "insufficient_quota", "inference_rate_limit_exceeded".
        type: "server_error" or "invalid_request_error".
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str = "server_error",  # noqa: A002 - the protocol's own name
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type


Said: TypeAlias = (
    str | bytes | Transcript | NewMessage | Thought | FunctionCallRequest | McpCallRequest
)
"""A piece of an answer.

`str` is text, spoken by the simulator's voice where the answer is heard. `bytes` is sound of
the model's own, 16-bit little-endian mono PCM at 24 kHz, for which an answer that is read has
no room; `Transcript` are its words.
"""

Answer: TypeAlias = AsyncIterable[Said] | Iterable[Said] | Said | Awaitable[Iterable[Said] | Said]


class Model(Protocol):
    """Answers a request: an async generator function, a generator function, or any callable
    that returns a list of pieces or a single one, the whole text for instance.

    A sync one runs in the event loop and must not block. When the response ends early, the
    generator is closed at once.
    """

    def __call__(self, request: ModelRequest, /) -> Answer:
        """Answer `request`."""
        ...


async def said(model: Model, request: ModelRequest) -> AsyncGenerator[Said, None]:
    """Ask `model`, whatever kind of callable it is."""
    answer = model(request)
    if isinstance(answer, Awaitable):
        answer = await answer
    if isinstance(answer, AsyncIterable):
        try:
            async for part in answer:
                yield part
        finally:
            # A response that ends early must end the model's generator now, not at collection.
            if isinstance(answer, AsyncGenerator):
                await cast("AsyncGenerator[Said, None]", answer).aclose()
    elif isinstance(answer, Said):
        yield answer
    else:
        for part in answer:
            yield part
