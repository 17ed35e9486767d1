"""Local first, tracking second: a run writes a journal, a process of its own sends the journal to MLflow.

MLflow reads these variables when it is imported, which is why they stand here. What the user has set is kept.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# With MLflow's own defaults one call to a server that is down hangs for four minutes; the journal retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
