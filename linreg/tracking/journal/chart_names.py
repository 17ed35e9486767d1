"""How runs appear in MLflow's charts: the sections that metrics stand in, and the colour of each
run.

What stands before a slash in a metric's name is a section. Sections stand in the order of the
alphabet, so these are read as training goes: the losses and the gap beside each other, then θ and
b, then the exact minimum; `Model metrics` is MLflow's name for what has no slash. In the journal,
in history.csv and in gates the names stay what they are.
"""

COLOR = "mlflow.runColor"
"""The tag that MLflow takes a run's colour from; without it, two of a few runs often have the
same.
"""
_COLORS = (
    "#4e79a7",
    "#f28e2b",
    "#59a14f",
    "#e15759",
    "#b07aa1",
    "#76b7b2",
    "#9c755f",
    "#edc948",
    "#ff9da7",
    "#7f7f7f",
)
_NAMES = {
    "train_mse": "loss/train",
    "validation_mse": "loss/validation",
    "gap": "loss/gap",
    "b": "model/b",
}
_BEGINNINGS = {
    "theta.": "model/theta.",
    "exact.": "model_exact/",
    "standard_error.": "standard_error/",
}


def name_in_charts(metric: str) -> str:
    """Return the name that MLflow has for a metric; no two metrics have the same."""
    if metric in _NAMES:
        return _NAMES[metric]
    for beginning, section in _BEGINNINGS.items():
        if metric.startswith(beginning):
            return section + metric.removeprefix(beginning)
    return metric


def color(number: int) -> str:
    """Return the colour of the run with this number; ten in a row have ten."""
    return _COLORS[number % len(_COLORS)]
