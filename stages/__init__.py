"""One small script per DVC stage, in the order of the flow: generate, ingest, split, train,
evaluate.
"""

import signal
import sys

# Python is starting one of them, and its imports are still to come
if sys.argv[0] == "-m":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # for the milliseconds of the next import
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from linreg.process.signals import end_at_once

    end_at_once()
