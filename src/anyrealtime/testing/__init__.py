"""What users' tests import: the pieces that make a program of theirs run offline.

Nothing in the library itself imports this room.
"""

from anyrealtime.testing._memory import MemoryPeer, MemoryTransport, memory_transport_pair
from anyrealtime.testing._memory_simulator import MemorySimulator, open_memory_simulator

__all__ = [
    "MemoryPeer",
    "MemorySimulator",
    "MemoryTransport",
    "memory_transport_pair",
    "open_memory_simulator",
]
