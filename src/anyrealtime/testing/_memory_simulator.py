"""The simulator without sockets: in the test's own event loop, with the whole rulebook.

The simulator is imported when one is opened, never with this room.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, Unpack
from urllib.parse import urlencode

from anyrealtime.testing._memory import Link, MemoryTransport

if TYPE_CHECKING:
    from anyrealtime.simulator import Model, SimulatedConnection, Simulator, SimulatorOptions
    from anyrealtime.simulator.faults import Fault

_MAX_MESSAGES = 256  # what the client may have sent that the simulator has not taken


class MemoryRealtime(Protocol):
    """What the fixture `memory_realtime` is: `open_memory_simulator`, as the test is marked."""

    def __call__(
        self, **options: Unpack[SimulatorOptions]
    ) -> AbstractAsyncContextManager[MemorySimulator]:
        """Open a simulator; `options` override those of the marker."""
        ...


class MemorySimulator:
    """A Realtime server that is reached without a network.

    Attributes:
        connections: every client, in order, those that left included.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.connections: Sequence[SimulatedConnection] = simulator.connections
        self._simulator = simulator

    def __repr__(self) -> str:
        return f"<MemorySimulator {len(self.connections)} connections>"

    @property
    def model(self) -> Model:
        """Who answers. Another one may be set at any time; it has the next response."""
        return self._simulator.model

    @model.setter
    def model(self, model: Model) -> None:
        self._simulator.model = model

    def inject(self, fault: Fault) -> None:
        """Let something go wrong for the clients that are yet to come, refusals included."""
        self._simulator.inject(fault)

    def connect(
        self,
        model: str | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MemoryTransport:
        """Make a connection, for one `open_realtime(transport=...)`.

        Args:
            model: the name the client asks for; None names none.
            query: added to what the client asks for, as `{"intent": "transcription"}`.
            headers: sent with it, as `{"OpenAI-Beta": "realtime=v1"}` for the beta dialect.
        """
        from anyrealtime.testing._memory_socket import MemorySocket

        asked = {} if model is None else {"model": model}
        target = f"/v1/realtime?{urlencode({**asked, **(query or {})})}"
        link = Link(_MAX_MESSAGES)
        self._simulator.admit(MemorySocket(link, target, list((headers or {}).items())))
        return MemoryTransport(link)


@asynccontextmanager
async def open_memory_simulator(
    **options: Unpack[SimulatorOptions],
) -> AsyncGenerator[MemorySimulator, None]:
    """Open a simulator in memory for as long as the block lasts.

        async with open_memory_simulator(model=lambda request: "Hello!") as simulator:
            async with open_realtime(transport=simulator.connect()) as connection:
                ...

    The protocol's rules and the models are those of `anyrealtime.simulator.open_simulator`,
    and so are the options; there are no sockets, no WebSocket frames and no PING.

    Raises:
        TypeError: an option that concerns sockets, or none at all.
        Exception: the first exception that a model or the simulator itself raised while it
            was open, when the block is left and raises none of its own.
    """
    from anyrealtime.simulator import open_simulator
    from anyrealtime.simulator._options import check_names

    check_names(options)
    async with open_simulator(host=None, **options) as simulator:
        yield MemorySimulator(simulator)
