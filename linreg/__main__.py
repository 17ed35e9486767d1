"""`python -m linreg` runs the `linreg` command."""

from linreg.cli import main

main()
