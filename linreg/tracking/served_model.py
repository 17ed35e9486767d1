"""The name that models logged by linreg 0.1 give as their loader; they still load and serve by it."""

from linreg.tracking.mlflow.served_model import _load_pyfunc as _load_pyfunc
