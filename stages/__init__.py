"""One small script per DVC stage, in the order of the flow: generate, ingest, split, train, evaluate."""

import sys

from linreg.interrupt import end_at_once

if sys.argv[0] == "-m":  # Python is starting one of them, and its imports are still to come
    end_at_once()
