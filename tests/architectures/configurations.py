"""The configurations in which two architectures are compared: what to change in params.yaml.

Between them they use both engines and the exact solver in float32 and float64, 1 to 100 features,
one and several shards, weights, categories, absorbed factors, penalties, and every function of
portable_math.
"""

from collections.abc import Mapping

Parameters = Mapping[str, object]


def _drawn(num_features: int, **generate: object) -> Parameters:
    """Draw a table with that many features, and use them all."""
    theta = [(-1) ** j * (j % 7 + 1) / 4 for j in range(num_features)]
    return {
        "generate.theta": theta,
        "model.formula": "y ~ .",
        **{f"generate.{key}": value for key, value in generate.items()},
    }


def _cars(formula: str, **ingest: object) -> Parameters:
    """Use the cars of data/examples, of which some have no horsepower."""
    return {
        "ingest.source": "data/examples/auto-mpg.csv",
        "ingest.missing": "drop",
        "model.formula": formula,
        "evaluate.gates": {},
        **{f"ingest.{key}": value for key, value in ingest.items()},
    }


EXACT: Parameters = {"train.solver": "exact"}
COMPILED: Parameters = {"train.engine": "compiled"}
SHORT: Parameters = {"train.epochs": 5}
UNEVEN_BATCHES: Parameters = {"split.shards": 3, "train.batch_size": 33}
EVERYTHING: Parameters = {
    "train.scale": "standardize",
    "train.dtype": "float64",
    "train.momentum": 0.9,
    "train.schedule": "cosine",
    "train.average": 0.3,
    "train.l2": 0.01,
}

CONFIGURATIONS: Mapping[str, Parameters] = {
    "default": {},
    "exact": EXACT,
    "exact-large": {**_drawn(2, rows=300_000), **EXACT},
    "exact-100": {**_drawn(100), **EXACT},
    "exact-cars": {
        **_cars("mpg ~ weight + horsepower + modelyear + C(origin) + C(cylinders)", missing="mean"),
        **EXACT,
    },
    "exact-functions": {
        **_cars(
            "mpg ~ log(weight) + log10(displacement) + exp(acceleration / 10) + sin(modelyear)"
            " + sqrt(horsepower) + weight:acceleration"
        ),
        **EXACT,
        "evaluate.errors": "HC3",
    },
    "exact-splines": {
        **_cars("mpg ~ bs(weight, df=5) + ns(horsepower, df=4) + poly(acceleration, 3)"),
        **EXACT,
    },
    "exact-absorbed": {
        **_cars("mpg ~ weight + horsepower | origin + cylinders"),
        **EXACT,
        "evaluate.errors": "cluster:modelyear",
    },
    "exact-lasso": {
        **_cars("mpg ~ weight + horsepower + displacement + acceleration + C(modelyear)"),
        **EXACT,
        "split.folds": 5,
        "train.l1": "auto",
        "train.penalty_scale": "standardize",
    },
    "compiled": COMPILED,
    "compiled-shards": {**COMPILED, **UNEVEN_BATCHES},
    "compiled-everything": {**COMPILED, **EVERYTHING},
    "compiled-16": {**_drawn(16), **COMPILED, "split.shards": 4},
    "compiled-100": {**_drawn(100), **COMPILED, **SHORT},
    "compiled-cars": {
        **_cars("mpg ~ weight + modelyear + C(origin)"),
        **COMPILED,
        "model.weights": "cylinders",
        "train.scale": "whiten",
    },
    "autograd-shards": {**SHORT, **UNEVEN_BATCHES},
    "autograd-scaled": {**SHORT, "train.scale": "standardize"},
    "autograd-float64": {**SHORT, "train.dtype": "float64"},
    "autograd-everything": {**SHORT, **EVERYTHING},
    "autograd-16": {**_drawn(16), **SHORT},
    "autograd-16-float64": {**_drawn(16), **SHORT, "train.dtype": "float64"},
    "autograd-100": {**_drawn(100), **SHORT, "train.batch_size": 256},
    # Long enough that its sums are computed by kernels.
    "autograd-long": {**_drawn(100, rows=20_000), "train.batch_size": 7000, "train.epochs": 150},
    "autograd-cars": {
        **_cars("mpg ~ log(weight) + modelyear + C(origin) + weight:acceleration"),
        **SHORT,
        **UNEVEN_BATCHES,
        "model.weights": "cylinders",
        "train.scale": "standardize",
        "train.average": 0.3,
        "train.l2": 0.01,
    },
}
