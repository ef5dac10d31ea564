"""`python -m journey`: the same program as the `journey` command."""

from journey.cli import main

main()
