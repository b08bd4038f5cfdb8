"""Speech both ways: voices, recognisers, interpreters, and who tells speech from silence.

Each is a seam with something in it that needs nothing; packages that may be installed are
imported when they are chosen. Sound is 16-bit little-endian mono PCM unless a name says
otherwise. Nothing here knows an event or a session.
"""
