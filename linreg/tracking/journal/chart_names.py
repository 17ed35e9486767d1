"""How runs appear in MLflow's charts: the section of each metric, and the colour of each run.

What comes before a slash in a metric's name is a section. Sections are in alphabetical order, so
these are read as a training proceeds: the losses and the gap next to each other, then θ and b, then
the exact solution; `Model metrics` is MLflow's section for names without a slash. In the journal,
in history.csv and in gates the names stay what they are.
"""

COLOR = "mlflow.runColor"
"""The tag with a run's colour; without it, two runs among a few often have the same."""
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
_PREFIXES = {
    "theta.": "model/theta.",
    "exact.": "model_exact/",
    "standard_error.": "standard_error/",
}


def chart_name(metric: str) -> str:
    """Return a metric's name in MLflow; no two metrics have the same."""
    if metric in _NAMES:
        return _NAMES[metric]
    for prefix, section in _PREFIXES.items():
        if metric.startswith(prefix):
            return section + metric.removeprefix(prefix)
    return metric


def color(number: int) -> str:
    """Return the colour of the run with this number; ten successive runs have ten colours."""
    return _COLORS[number % len(_COLORS)]
