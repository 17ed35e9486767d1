"""One short script per stage, in this order: generate, fetch, ingest, split, train, evaluate."""

import signal
import sys

# Python has started one of the stages by `-m` and has yet to import it.
if sys.argv[0] == "-m":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Covers the milliseconds of the next import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from linreg.process.quick_start import quick_start
    from linreg.process.signals import exit_on_signal

    exit_on_signal()
    quick_start()
