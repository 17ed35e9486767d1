"""Everything that imports MLflow; no stage does, and no other package.

MLflow reads these variables when it is imported. Python executes this file before any module of the
package, and so before MLflow. What the user has set stays, except for what would print a password.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# With MLflow's defaults a call to a server that is down hangs for four minutes. The sender retries
# by itself, and better: it first looks for the run, where MLflow would create a second one if the
# answer to the first request was lost.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# MLflow would print the run's address whenever a stage ends, with the user and password in it.
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
