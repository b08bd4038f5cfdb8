"""SANS-I/O: what the protocol lets a client say, and what a server answers, in which order.

Frames of a client go into the rulebook; frames and effects come out. No event loop, no socket,
no clock of its own; nothing of the client's side is imported. What a model is, how it sounds
and what goes wrong on demand is not known here.
"""
