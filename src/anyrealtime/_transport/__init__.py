"""SOCKETS: text frames in and out. One file per WebSocket library, one for endpoints.

Knows URLs, headers, TLS and close codes; knows no event and no JSON. Exceptions of the
libraries underneath are mapped here and go no further.
"""
