"""Runs a plan: which stages and jobs may start now, one thread an agent job, steps as real processes."""
