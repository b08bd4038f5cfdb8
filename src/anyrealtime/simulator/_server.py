"""Opens a simulator: a listening socket if one is wanted, and a task for every client that comes.

Everything lives in one lexical task group inside `open_simulator`. What goes wrong in a
client's task is kept and raised when the block is left, never lost and never early.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncGenerator, Collection, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from traceback import format_exception
from typing import Final, cast

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketListener, TaskGroup
from anyio.streams.tls import TLSStream

from anyrealtime.simulator._connection import SimulatedConnection
from anyrealtime.simulator._faults._plan import FaultScript
from anyrealtime.simulator._models._model import Model
from anyrealtime.simulator._models._talker import default_model
from anyrealtime.simulator._options import Options
from anyrealtime.simulator._rules._admission import SUBPROTOCOL, Dialect, Door
from anyrealtime.simulator._rules._remote_tools import NO_SERVERS, McpServers
from anyrealtime.simulator._socket import Socket
from anyrealtime.simulator._sound._detectors import DetectorFactory, DetectorName, named_detector
from anyrealtime.simulator._sound._interpreter import Interpreter, default_interpreter
from anyrealtime.simulator._sound._recognition import Recogniser, RecogniserName, named_recogniser
from anyrealtime.simulator._sound._voices import Voice, VoiceName, named_voice
from anyrealtime.simulator._watch import Notice, Watch
from anyrealtime.simulator._websocket import WebSocket
from anyrealtime.simulator.faults import Fault

GOING_AWAY: Final = 1001
TLS_SECONDS: Final = 10.0
KEPT_FAILURES: Final = 100
# What accepting a client may say that is no reason to accept no more of them.
_BUSY: Final = frozenset(
    {errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
)
BUSY_SECONDS: Final = 0.1


class Simulator:
    """A Realtime server that is open.

    Attributes:
        connections: every client that was let through the upgrade, in order, those that left
            included, unless `record=False`.
    """

    def __init__(self, host: Host, tasks: TaskGroup, scheme_suffix: str, place: str) -> None:
        self.connections: Sequence[SimulatedConnection] = host.connections
        self._host = host
        self._tasks = tasks
        self._suffix = scheme_suffix
        self._place = place

    def __repr__(self) -> str:
        return f"<Simulator {self._place or 'in memory'} {len(self.connections)} connections>"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.rpartition(":")[2])

    @property
    def url(self) -> str:
        """Where a client connects: a ws or wss URL without a query."""
        return f"ws{self._suffix}://{self._listening}/v1/realtime"

    @property
    def base_url(self) -> str:
        """The same as an SDK wants it: an http or https URL ending in /v1."""
        return f"http{self._suffix}://{self._listening}/v1"

    @property
    def _listening(self) -> str:
        if not self._place:
            raise RuntimeError("the simulator was opened with host=None: it does not listen")
        return self._place

    @property
    def model(self) -> Model:
        """Who answers. Another one may be set at any time; it has the next response."""
        return self._host.options.model

    @model.setter
    def model(self, model: Model) -> None:
        self._host.options.model = model

    def admit(self, socket: Socket) -> None:
        """Serve a client that came by another way than the listening socket."""
        self._tasks.start_soon(self._host.attend, socket)

    def inject(self, fault: Fault) -> None:
        """Let something go wrong for the clients that are yet to come, refusals included."""
        self._host.script.inject(fault)

    def check(self) -> None:
        """Raise what has gone wrong so far, as leaving the block would; each failure once."""
        self._host.raise_failure()

    def explain(self, error: BaseException) -> None:
        """Note on `error` what has gone wrong so far, which may be why; each failure once."""
        self._host.explain(error)


class Host:
    """Serves who comes in, and remembers what went wrong in doing so."""

    def __init__(
        self, options: Options, script: FaultScript, ssl_context: ssl.SSLContext | None
    ) -> None:
        self.options = options
        self.script = script
        self.connections: list[SimulatedConnection] = []
        self._failures: list[Exception] = []
        self._ssl_context = ssl_context
        self._visits = 0

    async def welcome(self, listener: SocketListener, tasks: TaskGroup) -> None:
        """Serve everybody who comes, each in a task of its own."""
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                if error.errno not in _BUSY:
                    raise
                await anyio.sleep(BUSY_SECONDS)  # until somebody has left
            else:
                tasks.start_soon(self.serve, stream)

    async def serve(self, stream: ByteStream) -> None:
        """Serve a client that speaks WebSocket until it leaves. Raises nothing."""
        with self._remembering(0):
            try:
                secured = await _secured(stream, self._ssl_context)
                if secured is not None:
                    limit = self.options.max_message_bytes
                    socket = WebSocket(secured, subprotocol=SUBPROTOCOL, max_message_bytes=limit)
                    await self.attend(socket)
            finally:
                await anyio.aclose_forcefully(stream)

    async def attend(self, socket: Socket) -> None:
        """Serve one client until it leaves. Raises nothing."""
        self._visits += 1
        visit = self._visits
        connection = SimulatedConnection(
            socket,
            self.options,
            self.script,
            visit,
            arrived=self.connections.append,
            failed=partial(self._remember, visit),
        )
        with self._remembering(visit):
            await connection.serve()
        if not self.options.record and connection in self.connections:
            self.connections.remove(connection)

    @contextmanager
    def _remembering(self, client: int) -> Generator[None]:
        try:
            yield
        except Exception as error:
            self._remember(client, _bare(error))

    def _remember(self, client: int, error: Exception) -> None:
        if len(self._failures) < KEPT_FAILURES:
            self._failures.append(error)
        if self.options.watch is not None:
            self.options.watch(Notice("failed", client, repr(error), error=error))

    async def dismiss(self) -> None:
        """Tell everybody that it is over and give them a moment to say so, too."""
        for connection in self.connections:
            connection.close(GOING_AWAY, "the simulator is closing")
        with anyio.move_on_after(self.options.close_timeout):
            for connection in self.connections:
                await connection.wait_closed()

    def raise_failure(self) -> None:
        """Raise what went wrong first, with a note of the rest. It is not raised again."""
        if self._failures:
            first = self._failures.pop(0)
            self.explain(first)
            raise first

    def explain(self, error: BaseException) -> None:
        """Note on `error` what went wrong in here, which may be why. It is not raised again."""
        for failure in self._failures:
            error.add_note(f"also, in the simulator:\n{''.join(format_exception(failure))}")
        self._failures.clear()


@asynccontextmanager
async def open_simulator(
    *,
    host: str | None = "127.0.0.1",
    port: int = 0,
    model: Model = default_model,
    voice: VoiceName | Voice = "tones",
    recogniser: RecogniserName | Recogniser = "script",
    detector: DetectorName | DetectorFactory = "energy",
    interpreter: Interpreter = default_interpreter,
    mcp: McpServers = NO_SERVERS,
    pace: float = 0.0,
    words_per_delta: int | None = 1,
    dialect: Dialect = "auto",
    api_key: str | None = None,
    models: Collection[str] | None = None,
    session_seconds: float = 3600.0,
    obfuscation: bool = False,
    extras: bool = False,
    tokens_per_minute: int | None = None,
    faults: Iterable[Fault] = (),
    fault_seed: int = 0,
    admin: bool = False,
    record: bool = True,
    watch: Watch | None = None,
    max_message_bytes: int = 64 * 2**20,
    max_unsent_bytes: int = 2**20,
    close_timeout: float = 0.5,
    ssl_context: ssl.SSLContext | None = None,
) -> AsyncGenerator[Simulator, None]:
    """Open a Realtime server on this machine for as long as the block lasts.

    It listens when the block is entered. When it is left, clients get CLOSE 1001 and at most
    `close_timeout` to answer; under cancellation they are dropped at once.

    Args:
        host: the address to listen on; None listens nowhere, for clients that are let in by
            `Simulator.admit`.
        port: 0 takes a free one.
        model: answers; see `Model`. The default one needs no network.
        voice: speaks the text of audio responses; see `Voice`. "tones" is cheap and the same
            everywhere.
        recogniser: makes out what the client said aloud; see `Recogniser`. "script" takes the
            model's word for it, if it has a script.
        detector: hears where the client's turns are, in sessions that detect them: "energy"
            needs nothing, "webrtcvad" and "silero" come with `pip install 'anyrealtime[vad]'`,
            "auto" takes the best that is installed; or what makes a SpeechDetector.
        interpreter: translates in sessions on `/v1/realtime/translations`; see `Interpreter`.
        mcp: the tools of MCP servers, by the `server_label` under which sessions declare these.
        pace: seconds between two deltas of a response; 0 sends as fast as the client reads.
        words_per_delta: words in a text or transcript delta; None makes one delta of each
            string the model yields.
        dialect: "auto" speaks beta to clients that ask for it by header, subprotocol or an
            Azure `api-version`; "beta" to all; "ga" turns those away, as OpenAI does.
        api_key: demanded of clients as a bearer token, an `api-key` header or a subprotocol;
            None asks for none.
        models: the models there are; None takes any name, and none at all.
        session_seconds: how long a session may last.
        obfuscation: puts the filler into deltas that OpenAI puts there.
        extras: sends what only some services send: `conversation.created`, the `phase` of
            messages, `reasoning_tokens`, and `content` beside the `part` of content parts.
        tokens_per_minute: of each connection; a response that begins when none are left fails
            with "rate_limit_exceeded". None lets everybody go on.
        faults: what goes wrong, for each client anew; see `anyrealtime.simulator.faults`.
        fault_seed: the same faults with the same seed strike the same events.
        admin: lets clients ask for faults by an event of the type "simulator.fault", which a
            real server would refuse.
        record: keeps the messages of each connection for `received`, `sent_frames` and `frames`,
            and the connections of those that left; False is for servers that live long.
        watch: is told what happens, as it does; see `Notice`.
        max_message_bytes: a longer message from a client ends its connection with 1009.
        max_unsent_bytes: responses wait while more than this is queued for their client.
        close_timeout: seconds a client gets to answer CLOSE.
        ssl_context: makes it a wss server.

    Raises:
        ConfigurationError: a number is too small, a server in `mcp` has a tool twice, or there
            is no such `detector`, or its package is not installed.
        OSError: it cannot listen there.
        Exception: the first exception that a model or the simulator itself raised while it
            was open, when the block is left and raises none of its own.
    """
    options = Options(
        model=model,
        voice=named_voice(voice),
        recogniser=named_recogniser(recogniser),
        detector=named_detector(detector),
        interpreter=interpreter,
        mcp=mcp,
        pace=pace,
        words_per_delta=words_per_delta,
        door=Door(api_key, models, dialect),
        session_seconds=session_seconds,
        obfuscation=obfuscation,
        extras=extras,
        tokens_per_minute=tokens_per_minute,
        admin=admin,
        record=record,
        watch=watch,
        max_message_bytes=max_message_bytes,
        max_unsent_bytes=max_unsent_bytes,
        close_timeout=close_timeout,
    )
    clients = Host(options, FaultScript(faults, fault_seed), ssl_context)
    listener = None
    place = ""
    if host is not None:
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
        bound: int = listener.extra(SocketAttribute.local_port)
        place = f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"
    failure: BaseException | None = None
    async with listener or nullcontext(), anyio.create_task_group() as tasks:
        if listener is not None:
            for each in listener.listeners:
                tasks.start_soon(clients.welcome, cast("SocketListener", each), tasks)
        try:
            yield Simulator(clients, tasks, "" if ssl_context is None else "s", place)
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            raise
        except BaseException as error:
            # Carried round the task group, which would wrap it.
            failure = error
        await clients.dismiss()
        tasks.cancel_scope.cancel()
    if failure is not None:
        clients.explain(failure)
        raise failure
    clients.raise_failure()


async def _secured(stream: ByteStream, context: ssl.SSLContext | None) -> ByteStream | None:
    """Return the stream to speak WebSocket over, None if the client does not agree on TLS."""
    if context is None:
        return stream
    with anyio.move_on_after(TLS_SECONDS):
        try:
            # Peers end a TLS connection without its goodbye; WebSocket has its own.
            return await TLSStream.wrap(
                stream, server_side=True, ssl_context=context, standard_compatible=False
            )
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
            return None  # ssl.SSLError is an OSError
    return None


def _bare(error: Exception) -> Exception:
    """Take a lone exception out of the groups that its task groups put round it."""
    whole: Exception = error
    if isinstance(error, ExceptionGroup):
        members = list(cast("ExceptionGroup[Exception]", error).exceptions)
        if len(members) == 1:
            return _bare(members[0])
    return whole
