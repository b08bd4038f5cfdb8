"""What users' tests import: the pieces that make a program of theirs run offline.

Nothing in the library itself imports this room.
"""

from anyrealtime.testing._memory import MemoryPeer, MemoryTransport, memory_transport_pair
from anyrealtime.testing._memory_simulator import MemorySimulator, open_memory_simulator
from anyrealtime.testing._recorder import ConnectionRecorder, Recorder, record_to

__all__ = [
    "ConnectionRecorder",
    "MemoryPeer",
    "MemorySimulator",
    "MemoryTransport",
    "Recorder",
    "memory_transport_pair",
    "open_memory_simulator",
    "record_to",
]
