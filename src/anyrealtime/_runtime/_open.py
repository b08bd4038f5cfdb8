"""`open_realtime`: from arguments to a usable connection and back to nothing.

The one place where tasks are started and ended. Arguments are checked in `_plan.py`, before
anything is opened; what happens in between is the lifetime's, the reader's and the transport's.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import anyio
from anyio.abc import TaskGroup

from anyrealtime._protocol._commands import Commands
from anyrealtime._protocol._dialect import Dialect
from anyrealtime._protocol._replies import Replies
from anyrealtime._protocol._session import SessionState
from anyrealtime._runtime._connection import Connection, close_gracefully
from anyrealtime._runtime._handle import DEFAULT_MAX_BYTES, DEFAULT_MAX_EVENTS
from anyrealtime._runtime._lifetime import Lifetime, raise_outcome
from anyrealtime._runtime._mirror import Mirror
from anyrealtime._runtime._plan import ApiKey, Auth, Plan, resolve_key
from anyrealtime._runtime._reader import Reader
from anyrealtime._runtime._requests import Requests
from anyrealtime._runtime._respond import Responder
from anyrealtime._runtime._tooling import DEFAULT_MAX_ROUNDS, ToolOptions, offering
from anyrealtime._transport import is_open_transport, open_transport
from anyrealtime._transport._base import Transport, TransportOptions
from anyrealtime._transport._endpoint import build_endpoint
from anyrealtime._transport._tap import Tap, TappedTransport
from anyrealtime.errors import (
    ConnectFailed,
    ConnectionClosed,
    RequestError,
    ServerError,
)
from anyrealtime.events import AnySession, ClientEvent, decode_envelope

if TYPE_CHECKING:
    import ssl

    from anyrealtime._transport import TransportChoice
    from anyrealtime.tools import AnyTool, Approve

_PATIENCE_WHEN_CANCELLED = 0.05  # seconds in which CLOSE is tried all the same


@asynccontextmanager
async def open_realtime(
    model: str | None = None,
    *,
    session: AnySession | None = None,
    api_key: ApiKey | None = None,
    url: str | None = None,
    base_url: str | None = None,
    call_id: str | None = None,
    intent: Literal["realtime", "transcription"] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    auth: Auth = "header",
    dialect: Dialect = "ga",
    transport: TransportChoice = "anyio",
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | Literal[False] | None = None,
    errors: Literal["raise", "deliver"] = "raise",
    connect_timeout: float = 10.0,
    ack_timeout: float = 10.0,
    close_timeout: float = 1.0,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    max_message_bytes: int = 64 * 2**20,
    max_events: int = DEFAULT_MAX_EVENTS,
    max_bytes: int = DEFAULT_MAX_BYTES,
    keep_audio_bytes: int = 0,
    expiry_notice: float = 60.0,
    tap: Tap | None = None,
    tools: Iterable[AnyTool | Iterable[AnyTool]] | None = None,
    approve: Approve | None = None,
    on_tool_error: Literal["tell", "raise"] = "tell",
    max_tool_rounds: int = DEFAULT_MAX_ROUNDS,
    tool_timeout: float | None = None,
) -> AsyncGenerator[Connection, None]:
    """Open a Realtime connection for the length of a block.

    Inside the block the connection is usable: the server has announced the session and, with
    `session=`, acknowledged it. Leaving sends what is queued, then CLOSE, and waits for the
    peer for `close_timeout` at most; under cancellation, and when an error that nobody claimed
    ends the block, for 50 ms at most.

    What the block raises leaves unchanged. What the connection raises is one exception, never
    a group. Times are in seconds.

    Args:
        model: the model's name. Exactly one of `model`, `call_id` and `intent="transcription"`
            is needed, unless `url` says it all.
        session: what to set before the block begins.
        api_key: the key, or a function (sync or async) that gives it; else `OPENAI_API_KEY`.
        url: the whole endpoint; http(s) and ws(s) mean the same.
        base_url: where `/realtime` is below; else `OPENAI_BASE_URL`, else OpenAI's.
        call_id: attach to a WebRTC or SIP call; such a connection is not announced.
        intent: "transcription" opens a transcription session.
        headers: sent with the upgrade; they override ours.
        query: added to the URL.
        auth: how the key travels: "header" (Bearer), "api-key" (Azure's header) or
            "subprotocol" (where headers cannot be set).
        dialect: "ga", or "beta" for servers that speak the older protocol.
        transport: "anyio", "trio-websocket", or a connection that is open: a
            `trio_websocket.WebSocketConnection` or any object that meets `Transport`.
        ssl_context: for wss; None makes a default one.
        proxy: a proxy's URL; None asks the environment, False dials directly.
        errors: "raise" raises an `error` event that nobody claims; "deliver" only delivers it.
        connect_timeout: for everything up to a usable connection.
        ack_timeout: how long a command that waits for its answer does so.
        close_timeout: how long to wait for the peer when leaving, and for the block when the
            connection was lost and the block has not noticed.
        ping_interval: how long the server may be silent before it is asked; None never asks.
        ping_timeout: how long after that any byte must have come; None never gives up.
        max_message_bytes: a longer message ends the connection with 1009.
        max_events: bound of the main stream; 0 means no main stream.
        max_bytes: bound of the main stream, in bytes of frames.
        keep_audio_bytes: how much of the newest output audio `conversation.audio()` keeps.
        expiry_notice: how long before the server ends the session streams that name
            `SessionExpiring` are told.
        tap: is shown every frame of both directions; `anyrealtime.testing.record_to` makes one.
        tools: functions that the model may call; they are declared in the session, and run.
        approve: as for `Connection.run_tools`, and so are the next three.
        on_tool_error: "raise" also raises what a tool raises, out of this block.
        max_tool_rounds: how often in a row the model may call functions.
        tool_timeout: for tools that have no timeout of their own.

    Raises:
        ConfigurationError: an argument is wrong or the key is missing; nothing was opened.
        ConnectFailed: the server cannot be reached, refuses, or is not ready in time.
        ConnectionClosed: the connection was lost and the block did not notice.
        ServerError: the server sent an error that nobody claimed.
        InternalError: a bug of this library.
    """
    tooling = None
    if tools is not None or approve is not None:
        tooling = ToolOptions.checked(
            tools or (),
            approve=approve,
            on_error=on_tool_error,
            max_rounds=max_tool_rounds,
            timeout=tool_timeout,
            prefix="tool_",
        )
        session = offering(session, tooling)
    plan = Plan(
        make_endpoint=None
        if is_open_transport(transport)
        else partial(
            build_endpoint,
            model=model,
            call_id=call_id,
            intent=intent,
            url=url,
            base_url=base_url
            if base_url is not None or url is not None
            else os.environ.get("OPENAI_BASE_URL") or None,
            auth=auth,
            headers=headers,
            query=query,
            dialect=dialect,
        ),
        api_key=os.environ.get("OPENAI_API_KEY") or None if api_key is None else api_key,
        transport=transport,
        options=TransportOptions(
            max_message_bytes=max_message_bytes,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            ssl_context=ssl_context,
            proxy=proxy,
        ),
        session=session,
        announced=call_id is None,
        dialect=dialect,
        errors=errors,
        connect_timeout=connect_timeout,
        ack_timeout=ack_timeout,
        max_events=max_events,
        max_bytes=max_bytes,
        keep_audio_bytes=keep_audio_bytes,
        expiry_notice=expiry_notice,
        tap=tap,
    )
    plan.check()
    lifetime = Lifetime(
        replies=Replies(),
        close_timeout=close_timeout,
        deliver_errors=errors == "deliver",
        expiry_notice=expiry_notice,
    )
    error: BaseException | None = None  # carried past the task group, which would wrap it
    try:
        async with anyio.create_task_group() as tasks:
            try:
                async with (
                    _connected(plan, lifetime, tasks) as connection,
                    connection.running(tooling) if tooling else nullcontext(),
                ):
                    yield connection
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as exc:
                error = exc
    except anyio.get_cancelled_exc_class():  # noqa: ASYNC103 - the body's own exception goes on
        if error is None:
            raise
    raise_outcome(error, lifetime.failure)


@asynccontextmanager
async def _connected(
    plan: Plan, lifetime: Lifetime, tasks: TaskGroup
) -> AsyncGenerator[Connection, None]:
    """A usable connection whose tasks run in `tasks`, and end when the block does."""
    with ExitStack() as stack:  # what must happen at the end, whatever happens before
        connection = await _connect(plan, lifetime, tasks, stack)
        error: BaseException | None = None
        try:
            yield connection
        except BaseException as exc:
            error = exc
            raise
        finally:
            hurried = isinstance(error, anyio.get_cancelled_exc_class())
            try:
                await _close(plan, lifetime, connection, hurried=hurried)  # noqa: ASYNC102 - bounded there
            except anyio.get_cancelled_exc_class():  # noqa: ASYNC103 - the body's own goes on
                if error is None:
                    raise


async def _close(plan: Plan, lifetime: Lifetime, connection: Connection, *, hurried: bool) -> None:
    """Close as well as the time allows that is left."""
    hurried = hurried or anyio.current_effective_deadline() == -math.inf
    patience = _PATIENCE_WHEN_CANCELLED if hurried else plan.options.close_timeout
    try:
        with anyio.move_on_after(patience, shield=hurried):
            # Not shielded otherwise: a cancellation that comes now means "do not wait".
            await close_gracefully(lifetime, connection.transport)
    except Exception as exc:  # recorded: closing raises nothing into the program
        lifetime.on_bug(exc)


async def _connect(
    plan: Plan, lifetime: Lifetime, tasks: TaskGroup, stack: ExitStack
) -> Connection:
    """Open the transport, start the connection's tasks and wait until it is usable."""
    try:
        with anyio.move_on_after(plan.connect_timeout) as patience:
            endpoint = None
            if plan.make_endpoint is not None:
                endpoint = plan.make_endpoint(api_key=await resolve_key(plan.api_key))
            transport = await open_transport(plan.transport, endpoint, plan.options, tasks)
            stack.callback(transport.abort)
            if plan.tap is not None:
                transport = TappedTransport(transport, plan.tap, endpoint)
                stack.callback(transport.abort)  # before the other: a tap is told of every end
            session = SessionState()
            mirror = Mirror(lifetime.dispatcher, keep_audio_bytes=plan.keep_audio_bytes)
            connection = _assemble(
                plan, transport, lifetime, session=session, mirror=mirror, stack=stack
            )
            stack.callback(lifetime.abandon)
            background = anyio.CancelScope(shield=True)  # ends with the block, not before
            stack.callback(background.cancel)
            reader = Reader(transport, session, mirror, lifetime)
            tasks.start_soon(
                _run_background, background, transport, reader, lifetime, name="anyrealtime"
            )
            await _become_usable(plan, connection, session, lifetime)
            lifetime.enter(tasks.cancel_scope)
            return connection
    except ConnectFailed as exc:
        _add_details(exc)
        raise
    except (ConnectionClosed, ServerError, RequestError) as exc:
        raise _connect_failed(exc) from exc
    assert patience.cancelled_caught
    raise ConnectFailed(f"the connection was not usable within {plan.connect_timeout:g} s")


def _assemble(
    plan: Plan,
    transport: Transport,
    lifetime: Lifetime,
    *,
    session: SessionState,
    mirror: Mirror,
    stack: ExitStack,
) -> Connection:
    """Put the rooms together: what the program sees of a connection."""
    main = None
    if plan.max_events:
        main = stack.enter_context(
            lifetime.dispatcher.stream(
                (),
                max_events=plan.max_events,
                max_bytes=plan.max_bytes,
                overflow="raise",
                keep_unread=False,
            )
        )

    def prepared(event: ClientEvent) -> None:
        mirror.conversation.sent(event)
        session.sent(event)

    commands = Commands(os.urandom(4).hex(), plan.dialect, on_prepared=prepared)
    requests = Requests(commands, lifetime, plan.ack_timeout)
    return Connection(
        transport,
        lifetime,
        session,
        requests,
        responder=Responder(requests, lifetime, session),
        mirror=mirror,
        main=main,
    )


async def _become_usable(
    plan: Plan, connection: Connection, session: SessionState, lifetime: Lifetime
) -> None:
    if plan.announced:
        await lifetime.wait_until(lambda: session.created)
    if plan.session is not None:
        await connection.session.update(plan.session, timeout=plan.connect_timeout)


async def _run_background(
    scope: anyio.CancelScope, transport: Transport, reader: Reader, lifetime: Lifetime
) -> None:
    """The connection's own tasks: the writer, the reader and the timers of the rules."""
    try:
        with scope:
            async with anyio.create_task_group() as own:
                lifetime.start(own)
                own.start_soon(lifetime.outbox.run, transport, name="anyrealtime writer")
                await reader.run()
    except Exception as exc:  # recorded: it reaches the program as what it waits for
        lifetime.on_bug(_bare(exc))


def _bare(exc: Exception) -> Exception:
    """Take a lone exception out of what our task group has put round it."""
    whole: Exception = exc  # which the check below would forget
    if isinstance(exc, ExceptionGroup):
        members = cast("ExceptionGroup[Exception]", exc).exceptions
        if len(members) == 1:
            return _bare(members[0])
    return whole


def _connect_failed(exc: ConnectionClosed | ServerError | RequestError) -> ConnectFailed:
    """What ended a connection before it was usable, as the one error of opening."""
    error = exc.error if isinstance(exc, ConnectionClosed) else exc
    text = str(exc) if error is None else f"the server refused the session: {error}"
    return ConnectFailed(
        text,
        close_code=exc.code if isinstance(exc, ConnectionClosed) else None,
        type=error.type if error else None,
        code=error.code if error else None,
        param=error.param if error else None,
    )


def _add_details(exc: ConnectFailed) -> None:
    """Read the error object that servers put into the body of a refused upgrade."""
    envelope = decode_envelope(exc.body.encode()) if exc.body else None
    if envelope is not None and envelope.error is not None:
        exc.type, exc.code, exc.param = (
            envelope.error.type,
            envelope.error.code,
            envelope.error.param,
        )
