"""params.yaml: its models, reading it, and changing it by a program."""
