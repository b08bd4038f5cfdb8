"""`run_tools`: the part of a connection that lets the model call functions of the program.

Declarations, and what is wrong with arguments; the rules are in `_tool_runner.py`. Everything
about tools is imported when the first of them is used: most sessions have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from msgspec.structs import replace

from anyrealtime._protocol._session import SessionState
from anyrealtime._runtime._lifetime import Lifetime
from anyrealtime._runtime._plan import check_count
from anyrealtime._runtime._requests import Requests
from anyrealtime._runtime._respond import Responder
from anyrealtime.errors import ConfigurationError, ProtocolViolation
from anyrealtime.events import (
    AnySession,
    BetaSession,
    FunctionTool,
    McpTool,
    Session,
    TranscriptionSession,
    TranslationSession,
)

if TYPE_CHECKING:
    from anyrealtime._runtime._connection import Connection
    from anyrealtime._runtime._tool_desk import ToolDesk
    from anyrealtime.tools import AnyTool, Approve, Tool

DEFAULT_MAX_ROUNDS = 10
_DEFAULT_MAX_THREADS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOptions:
    """One `run_tools`, as its arguments have it.

    Attributes:
        tools: what is run here.
        declarations: what the session offers for them, and for those that others run.
    """

    tools: tuple[Tool[..., Any], ...]
    declarations: tuple[FunctionTool | McpTool, ...]
    approve: Approve | None
    on_error: Literal["tell", "raise"]
    max_rounds: int
    timeout: float | None
    max_threads: int

    @classmethod
    def checked(
        cls,
        given: Iterable[AnyTool | Iterable[AnyTool]],
        *,
        approve: Approve | None,
        on_error: Literal["tell", "raise"],
        max_rounds: int,
        timeout: float | None,
        max_threads: int = _DEFAULT_MAX_THREADS,
        prefix: str = "",
    ) -> ToolOptions:
        """Options that can be run. `prefix` is part of the arguments' names.

        Raises:
            ConfigurationError: an argument is wrong.
        """
        from anyrealtime.tools import Tool
        from anyrealtime.tools._tool import check_timeout
        from anyrealtime.tools._toolset import collect

        offered = collect(given)
        if on_error not in ("tell", "raise"):
            raise ConfigurationError(
                f'on_{prefix}error= must be "tell" or "raise", not {on_error!r}'
            )
        check_count("max_tool_rounds", max_rounds, least=1)
        check_count("max_threads", max_threads, least=1)
        check_timeout(timeout, f"{prefix}timeout")
        if approve is not None and not callable(approve):
            raise ConfigurationError(f"approve= must be a function, not {approve!r}")
        tools = tuple(one for one in offered if isinstance(one, Tool))
        for tool in tools:
            if tool.needs_approval and approve is None:
                raise ConfigurationError(f"approve= is needed: tool {tool.name!r} needs approval")
        return cls(
            tools=tools,
            declarations=tuple(
                one.declaration if isinstance(one, Tool) else one for one in offered
            ),
            approve=approve,
            on_error=on_error,
            max_rounds=max_rounds,
            timeout=timeout,
            max_threads=max_threads,
        )


class Tooling:
    """Mixed into the connection."""

    _requests: Requests
    _lifetime: Lifetime
    _responder: Responder
    _state: SessionState
    _desk: ToolDesk | None = None

    def run_tools(
        self,
        *tools: AnyTool | Iterable[AnyTool],
        approve: Approve | None = None,
        on_error: Literal["tell", "raise"] = "tell",
        max_tool_rounds: int = DEFAULT_MAX_ROUNDS,
        timeout: float | None = None,
        max_threads: int = _DEFAULT_MAX_THREADS,
        declare: bool = True,
    ) -> AbstractAsyncContextManager[None]:
        """Offer functions to the model and run what it calls, for the length of a block.

        When a response of the conversation has ended completed, each of its calls is run in a
        task of its own, functions that are not async in a worker thread. Each is answered by one
        `function_call_output`, whatever happens to it; when all are, the response is asked for in
        which the model goes on, once. Calls of a response that was cut are answered, but not run.

        Leaving the block cancels what still runs, and tells the model so. Async functions end
        at once. For worker threads it waits, but for those of tools with `abandon_on_cancel`;
        a function notices by `anyio.from_thread.check_cancelled()` that nobody wants it any more.

        Args:
            tools: functions, tools, `FunctionTool` (declared only: the program answers),
                `McpTool` (run by the server), or lists of those.
            approve: is asked before calls of tools with `needs_approval`, and when an MCP call
                needs approval.
            on_error: what a tool raises is told to the model; "raise" also raises it out of this
                block. What a tool raises as `ToolError` is for the model only.
            max_tool_rounds: how often in a row the model may call functions. What it calls then
                is not run, and it is asked to answer without.
            timeout: seconds for calls of tools that have no timeout of their own; None sets none.
            max_threads: how many functions run in worker threads at the same time.
            declare: whether to add the tools to the session, and to take them out at the end.

        Raises:
            ConfigurationError: an argument is wrong.
            ProtocolViolation: a tool of that name runs already, or the session has no responses.
            RequestError, AckTimeout, ConnectionClosed: the session could not be updated; or the
                response that goes on was refused, and nobody follows it.
        """
        options = ToolOptions.checked(
            tools,
            approve=approve,
            on_error=on_error,
            max_rounds=max_tool_rounds,
            timeout=timeout,
            max_threads=max_threads,
        )
        return self.running(options, declare=declare)

    def running(
        self, options: ToolOptions, *, declare: bool = False
    ) -> AbstractAsyncContextManager[None]:
        """The same, with arguments that were checked before."""
        from anyrealtime._runtime._tool_desk import ToolDesk
        from anyrealtime._runtime._tool_runner import ToolRunner

        if isinstance(self._state.current, TranscriptionSession | TranslationSession):
            raise ProtocolViolation("this session has no responses: nothing calls tools in it")
        if self._desk is None:
            connection = cast("Connection", self)
            self._desk = ToolDesk(
                connection, self._requests, self._lifetime, self._state, self._responder
            )
        return ToolRunner(self._desk, options).running(declare=declare)


def offering(session: AnySession | None, options: ToolOptions) -> Session | BetaSession:
    """The session that is asked for at the opening, with what it offers to the model.

    Raises:
        ConfigurationError: such a session offers nothing, or a name is taken.
    """
    session = Session() if session is None else session
    if not isinstance(session, Session | BetaSession):
        raise ConfigurationError(
            f"tools= need a Session, whose model may call them, not {type(session).__name__}"
        )
    given = session.tools if isinstance(session.tools, list) else []
    taken = {one.name for one in given if isinstance(one, FunctionTool)}
    for one in options.declarations:
        if isinstance(one, FunctionTool) and one.name in taken:
            raise ConfigurationError(f"tools= and session= both have a tool named {one.name!r}")
    return replace(session, tools=[*given, *options.declarations])
