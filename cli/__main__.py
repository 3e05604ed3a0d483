"""`python -m cli` is `ledgerway`."""

from cli.main import run

run()
