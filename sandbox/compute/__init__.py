"""Real work behind the sandbox's facade: processes, training runs, images and model servers.

A library of threads and plain functions. It knows no HTTP routing and no database, so that every part of it can be run
and tested without a server.
"""
