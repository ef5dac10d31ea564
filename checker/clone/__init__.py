"""The learner's clone: its files, its pipeline as YAML, and its scripts, run in a scratch copy. No look at Azure."""
