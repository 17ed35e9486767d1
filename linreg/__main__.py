"""`python -m linreg` is `linreg`."""

from linreg.cli import main

main()
