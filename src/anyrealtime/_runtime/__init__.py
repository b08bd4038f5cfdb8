"""STRUCTURED CONCURRENCY, written once, in anyio: tasks, streams and the life of a connection.

No event loop but anyio's is named here; protocol rules come from `_protocol`, sockets from
`_transport`.
"""
