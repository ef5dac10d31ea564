"""Pipelines, builds and what hangs on them. A pipeline is a definition and a run is a build, with the same ids."""
