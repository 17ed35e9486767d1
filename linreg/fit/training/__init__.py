"""A training as a whole: the engine that the parameters name, and the files that it leaves."""
