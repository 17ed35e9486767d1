"""Local first, tracking second: a run writes a journal, a process of its own sends the journal to
MLflow.

MLflow reads these variables when it is imported, which is why they stand here. What the user has
set is kept, but for what would tell a password.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# With MLflow's own defaults one call to a server that is down hangs for four minutes. The journal
# tries again, and does so better: it first asks for the run, where MLflow would create a second one
# when an answer was lost on its way.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# It would print the run's address as often as a stage ends, with the user and the password that
# stand in it.
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
