"""The proof that the checks are right: the starter fails, the solution passes, each mistake gets its own hint."""
