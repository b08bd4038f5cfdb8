"""Running functions for the model: one task a call, in a task group that a block holds.

A call ends in a verdict, whatever happens to it, and the verdict is handed to the desk in a
`finally`: so each is answered. Tasks raise nothing into their group; what a block must raise is
recorded and leaves it bare.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from threading import get_ident
from time import perf_counter
from typing import Any, Final, Generic, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from anyrealtime._protocol._tool_round import ToolCall
from anyrealtime._runtime._lifetime import raise_outcome
from anyrealtime._runtime._tool_desk import ToolDesk, Verdict
from anyrealtime._runtime._tooling import ToolOptions
from anyrealtime.errors import ToolError
from anyrealtime.events import McpApprovalRequest, McpTool
from anyrealtime.tools import (
    Approval,
    ApprovalRequest,
    Tool,
    ToolCallProgress,
    ToolContext,
)
from anyrealtime.tools._output import output_of, output_of_exception, output_of_failure

T = TypeVar("T")

_CANCELLED: Final = Verdict(
    "cancelled", output_of_failure("cancelled", "The call was cancelled before it was done.")
)
_NOT_APPROVED: Final = Approval(approve=False, reason="The call was not approved.")


class ToolRunner:
    """The tools of one block, and the calls of them that are under way.

    Attributes:
        tools: those that are run here, by name.
        servers: the labels of the MCP servers that are offered here.
        max_rounds: how often in a row the model may call functions before it has to answer.
        approves: whether there is somebody to ask about calls.
    """

    def __init__(self, desk: ToolDesk, options: ToolOptions) -> None:
        self.tools: dict[str, Tool[..., Any]] = {tool.name: tool for tool in options.tools}
        self.servers: set[str] = {
            one.server_label for one in options.declarations if isinstance(one, McpTool)
        }
        self.max_rounds: int = options.max_rounds
        self.approves: bool = options.approve is not None
        self._desk = desk
        self._options = options
        self._threads = anyio.CapacityLimiter(options.max_threads)
        self._thread = get_ident()
        self._context = copy_context()  # the block's: what its tasks see is not the reader's
        self._tasks: TaskGroup | None = None
        self._body = anyio.CancelScope()
        self._failure: BaseException | None = None
        self._scopes: dict[ToolCall, anyio.CancelScope] = {}

    @asynccontextmanager
    async def running(self, *, declare: bool) -> AsyncGenerator[None, None]:
        """Run what the model calls, for the length of a block."""
        self._desk.check(self)
        error: BaseException | None = None  # carried past the task group, which would wrap it
        declared = False
        try:
            async with anyio.create_task_group() as self._tasks:
                self._desk.open(self)
                try:
                    if declare:
                        await self._desk.declare(self._options.declarations)
                        declared = True
                    with self._body:
                        yield
                except anyio.get_cancelled_exc_class():
                    raise
                except BaseException as exc:
                    error = exc
                finally:
                    self._desk.leave(self)
                    if declared:
                        self._desk.withdraw(self._options.declarations)
                    self._tasks.cancel_scope.cancel()
        except anyio.get_cancelled_exc_class():  # noqa: ASYNC103 - the body's own goes on
            if error is None:
                raise
        finally:
            self._desk.close()
        raise_outcome(error, self._failure)

    def start_soon(self, function: Callable[..., Any], *args: object) -> None:
        """Run something beside the block, in its context, from wherever this is called."""
        assert self._tasks is not None
        self._context.run(self._tasks.start_soon, function, *args)

    def start(self, call: ToolCall, why_not: str | None) -> None:
        """Run a call; or only answer it, by why it is not run."""
        self._scopes[call] = anyio.CancelScope()
        self.start_soon(self._serve, call, why_not)

    def approve(self, request: McpApprovalRequest) -> None:
        """Ask whether an MCP call may be made, and tell the server."""
        self.start_soon(self._serve_approval, request)

    def interrupt(self, call: ToolCall) -> None:
        """Nobody waits for a call any more: cancel it, if its tool allows that."""
        tool = self.tools.get(call.item.name)
        if tool is not None and tool.cancel_on_interrupt:
            self._scopes[call].cancel()

    def fail(self, failure: BaseException) -> None:
        """The block is to end, and to raise this."""
        self._failure = self._failure or failure
        self._body.cancel()

    async def _serve(self, call: ToolCall, why_not: str | None) -> None:
        """One call, from its beginning to its output."""
        verdict, began = _CANCELLED, perf_counter()
        tool = self.tools.get(call.item.name)
        try:
            with self._scopes[call]:
                verdict = await self._verdict(call, tool, why_not)
        finally:
            del self._scopes[call]
            call.cancelled = verdict is _CANCELLED
            self._desk.answer(call, verdict, perf_counter() - began)
        if verdict.error is not None and self._raises(tool, verdict.error):
            self.fail(verdict.error)

    async def _serve_approval(self, item: McpApprovalRequest) -> None:
        """One request for approval, from its beginning to its answer."""
        approval, error = _NOT_APPROVED, None
        try:
            arguments = msgspec.json.decode(item.arguments or "{}", type=dict[str, Any])
            approval = await self._approval(
                ApprovalRequest(item.name, arguments, item.server_label, item)
            )
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as exc:  # recorded: no approval, and raised by the block
            error = exc
        finally:
            self._desk.answer_approval(item, approval)
        if error is not None and self._raises(None, error):
            self.fail(error)

    def _raises(self, tool: Tool[..., Any] | None, error: BaseException) -> bool:
        if isinstance(error, ToolError):
            return False  # it is meant for the model
        on_error = (
            self._options.on_error if tool is None or tool.on_error is None else tool.on_error
        )
        return on_error == "raise" or not isinstance(error, Exception)

    async def _verdict(
        self, call: ToolCall, tool: Tool[..., Any] | None, why_not: str | None
    ) -> Verdict:
        name = call.item.name
        if why_not is not None:
            return Verdict("not_run", output_of_failure("not_run", why_not))
        if tool is None:
            known = ", ".join(sorted(self._desk.names())) or "none"
            message = f"There is no tool named {name!r}. There are: {known}."
            return Verdict("unknown_tool", output_of_failure("unknown_tool", message))
        try:
            return await self._checked(call, tool)
        except ToolError as exc:
            return Verdict("failed", output_of_failure("tool_error", str(exc)), exc)
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as exc:  # recorded: told to the model, and raised by the block
            return Verdict("failed", output_of_exception(exc), exc)

    async def _checked(self, call: ToolCall, tool: Tool[..., Any]) -> Verdict:
        """Run it if what the model gave fits, and if it is approved."""
        try:
            arguments = tool.decode(call.item.arguments)
        except ToolError as exc:
            told = output_of_failure("invalid_arguments", str(exc))
            return Verdict("invalid_arguments", told, exc)
        if tool.needs_approval:
            request = ApprovalRequest(call.item.name, arguments, None, call.item)
            approval = await self._approval(request)
            if not approval.approve:
                message = approval.reason or _NOT_APPROVED.reason or ""
                return Verdict("denied", output_of_failure("denied", message))
        return await self._result(call, tool, arguments)

    async def _result(
        self, call: ToolCall, tool: Tool[..., Any], arguments: dict[str, Any]
    ) -> Verdict:
        timeout = self._options.timeout if tool.timeout is None else tool.timeout
        context = ToolContext(self._desk.connection, call.item, partial(self._report, call))
        with anyio.move_on_after(timeout) as patience:
            invoke = partial(tool.invoke, arguments, context)
            if tool.is_async:
                result = invoke()
            else:
                result = await self._in_thread(invoke, abandon=tool.abandon_on_cancel)
            if inspect.isawaitable(result):
                result = await result
            return Verdict("completed", output_of(result))
        assert patience.cancelled_caught
        message = f"It took longer than {timeout:g} s."
        return Verdict("timed_out", output_of_failure("timeout", message))

    async def _approval(self, request: ApprovalRequest) -> Approval:
        """Ask the program. A function that is not async may block: for instance on a prompt."""
        assert self._options.approve is not None
        ask = partial(self._options.approve, request)
        if inspect.iscoroutinefunction(self._options.approve):
            answer: object = ask()
        else:
            answer = await self._in_thread(ask, abandon=True)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Approval):
            return answer
        if isinstance(answer, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            return Approval(answer)
        raise TypeError(f"approve= must answer by a bool or an Approval, not {answer!r}")

    async def _in_thread(self, function: Callable[[], T], *, abandon: bool) -> T:
        """Call a function in a worker thread. Cancelling does not wait for it.

        The thread has a task of its own, for which the block waits unless it may be abandoned:
        the model is told in time that a call takes too long, whether or not its thread can end.
        """
        assert self._tasks is not None
        work = _Work(function)
        self._tasks.start_soon(partial(work.run, abandon=abandon, limiter=self._threads))
        return await work.result()

    def _report(self, call: ToolCall, progress: object) -> None:
        notice = ToolCallProgress(call.item.name, call.item.call_id, progress)
        if get_ident() == self._thread:
            self._desk.lifetime.dispatcher.announce(notice)
        else:
            anyio.from_thread.run_sync(self._desk.lifetime.dispatcher.announce, notice)


class _Work(Generic[T]):
    """A function in a worker thread, and what came of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._done = anyio.Event()
        self._scope = anyio.CancelScope()
        self._results: list[T] = []
        self._error: BaseException | None = None

    async def run(self, *, abandon: bool, limiter: anyio.CapacityLimiter) -> None:
        """Call it, in a task of its own."""
        try:
            with self._scope:
                await anyio.to_thread.run_sync(
                    self._call, abandon_on_cancel=abandon, limiter=limiter
                )
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as exc:  # recorded: raised where the result is waited for
            self._error = exc
        finally:
            self._done.set()

    def _call(self) -> None:
        self._results.append(self._function())

    async def result(self) -> T:
        """Wait for it. Cancelling lets the thread know, by `anyio.from_thread.check_cancelled`."""
        try:
            await self._done.wait()
        finally:
            self._scope.cancel()
        if self._error is not None:
            raise self._error
        return self._results[0]
