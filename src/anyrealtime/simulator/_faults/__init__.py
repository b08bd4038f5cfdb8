"""Faults on demand: how they are written, when they strike, and what they do to frames.

They are declared in `faults`, one room up. Sans-I/O but for `_trouble`, which has the timers; the
wire is the socket's.
"""
