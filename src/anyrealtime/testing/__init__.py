"""What users' tests import: the pieces that make a program of theirs run offline.

Nothing in the library itself imports this room.
"""

from anyrealtime.testing._memory import MemoryPeer, MemoryTransport, memory_transport_pair

__all__ = ["MemoryPeer", "MemoryTransport", "memory_transport_pair"]
