"""The loader that models in MLflow name: it must stay importable under this name."""

from linreg.tracking.mlflow.served_model import _load_pyfunc as _load_pyfunc
