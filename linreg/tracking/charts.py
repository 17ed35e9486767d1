"""Metrics by the names that MLflow's charts are grouped by: what stands before a slash is a section of its own.

Sections stand in the order of the alphabet, so these are read as training goes: the losses and the gap beside each
other, then θ and b, then the exact minimum; `Model metrics` is MLflow's name for what has no slash. In the journal, in
history.csv and in gates the names stay what they are.
"""

_NAMES = {"train_mse": "loss/train", "validation_mse": "loss/validation", "gap": "loss/gap", "b": "model/b"}
_BEGINNINGS = {"theta.": "model/theta.", "exact.": "model_exact/", "standard_error.": "standard_error/"}


def name_in_charts(metric: str) -> str:
    """Return the name that MLflow has for a metric; no two metrics have the same."""
    if metric in _NAMES:
        return _NAMES[metric]
    for beginning, section in _BEGINNINGS.items():
        if metric.startswith(beginning):
            return section + metric.removeprefix(beginning)
    return metric
