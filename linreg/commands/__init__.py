"""One file per `linreg` command."""
