"""One small script per DVC stage, in the order of the flow: generate, ingest, split, train, evaluate."""

import signal
import sys

if sys.argv[0] == "-m":  # Python is starting one of them, and its imports are still to come
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # for the milliseconds of the next import

    from linreg.interrupt import end_at_once

    end_at_once()
