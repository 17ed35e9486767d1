"""One small script per DVC stage, in the order of the flow: generate, ingest, split, train, evaluate."""
