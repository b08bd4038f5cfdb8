"""SANS-I/O: what a session is, which reply answers which command, what an error means.

Given events and commands, it says what follows from them. No event loop, no clock and no
randomness of its own: times and identifiers are passed in.
"""
