"""`python -m sandbox`: the same program as the `sandbox` command."""

from sandbox.cli import main

main()
