"""Clean-up: what the workshop made, what it costs, its removal, and the proof that it is gone.

`planning` and what it uses only read, as all of the checker does. `client` is the one part of the checker that
writes; `removal` is the only one that uses it.
"""
