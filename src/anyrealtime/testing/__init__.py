"""What users' tests import: the pieces that make a program of theirs run offline.

Nothing in the library itself imports this room.
"""

from anyrealtime.testing._memory import MemoryPeer, MemoryTransport, memory_transport_pair
from anyrealtime.testing._memory_simulator import (
    MemoryRealtime,
    MemorySimulator,
    open_memory_simulator,
)
from anyrealtime.testing._recorder import ConnectionRecorder, Recorder, record_to
from anyrealtime.testing._replay import ReplayMismatch, ReplayServer, replay
from anyrealtime.testing._threaded import (
    ThreadedConnection,
    ThreadedSimulator,
    open_threaded_simulator,
)

__all__ = [
    "ConnectionRecorder",
    "MemoryPeer",
    "MemoryRealtime",
    "MemorySimulator",
    "MemoryTransport",
    "Recorder",
    "ReplayMismatch",
    "ReplayServer",
    "ThreadedConnection",
    "ThreadedSimulator",
    "memory_transport_pair",
    "open_memory_simulator",
    "open_threaded_simulator",
    "record_to",
    "replay",
]
