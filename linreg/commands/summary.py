"""`linreg summary`: what the pipeline found, on one screen."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linreg.dvc_lock import changed_parameters
from linreg.files import content_hash, read_document
from linreg.fit.model import load
from linreg.report.results import read_documents

MODEL = Path("models/model")
SCHEMA = Path("data/ingested/schema.json")
PROFILE = Path("data/ingested/profile.json")
EVALUATION = Path("models/evaluation")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none: it reads what the last run left in this folder."""


def run(_: argparse.Namespace) -> int:
    """Print θ and b beside the true ones where they are known, metrics, gates, and where to look
    further.
    """
    model = load(MODEL)
    truth, profile = read_document(SCHEMA)["truth"], read_document(PROFILE)
    metrics, verdict, certainty = read_documents(
        EVALUATION,
        "metrics.json",
        "gates.json",
        "inference.json",
        model={str(MODEL): content_hash(MODEL)},
    )

    if changed := changed_parameters():
        names = ", ".join(changed[:3]) + (
            f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        )
        print(
            f"\nOLDER than params.yaml: since then {names} changed.\n`dvc repro` brings what follows up to date."
        )
    print(f"\n{model.design.schema.formula}")
    print("\n".join(_table(_coefficient_rows(model.coefficients, model.b, truth, certainty))))
    if metrics["gap"] is not None:
        print(f"\ngap: the training loss is {100 * metrics['gap']:.3g}% above the least possible")
    dropped = sum(profile["dropped"].values())
    print(f"\nrows: {profile['rows_read']} read, {dropped} dropped")
    print("\n".join(_table(_metric_rows(metrics))))
    for name, gate in verdict["gates"].items():
        bounds = ", ".join(
            f"{bound} {gate[bound]:g}" for bound in ("min", "max") if gate[bound] is not None
        )
        found = "nothing to judge" if gate["value"] is None else f"{gate['value']:.6g}"
        print(f"gate {name} ({bounds}): {'passed' if gate['passed'] else 'FAILED'} with {found}")
    print(f"\nmodel:  {MODEL}/model.json")
    print(f"report: {EVALUATION}/report.html")
    print("runs:   make ui           (compare runs in the MLflow UI)")
    return 0


def _coefficient_rows(
    theta: dict[str, float], b: float, truth: dict[str, Any] | None, certainty: dict[str, Any]
) -> Iterator[list[str]]:
    interval = f"{certainty['confidence']:.12g}"
    yield [
        "",
        "found",
        *(["true"] if truth else []),
        "exact",
        "std. error",
        f"{interval} low",
        f"{interval} high",
    ]
    for name, value in [("b", b), *theta.items()]:
        if name == "b" and name not in certainty["coefficients"]:
            # a model without intercept
            continue
        true = (
            [None if truth is None else truth["b"] if name == "b" else truth["theta"].get(name)]
            if truth
            else []
        )
        exact = certainty["coefficients"].get(name)
        usual = exact["usual"] if exact else {}
        sure = [
            exact["estimate"] if exact else None,
            *(usual.get(key) for key in ("standard_error", "low", "high")),
        ]
        yield [name, *("–" if each is None else f"{each:.8g}" for each in [value, *true, *sure])]


def _metric_rows(metrics: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    yield ["", "rows", "R²", "RMSE", "MAE", "max error", "RMSE of the mean"]
    for part in ("train", "validation", "test"):
        if part in metrics:
            values = [metrics[part][name] for name in ("r2", "rmse", "mae", "max_error")]
            values.append(metrics[part]["baseline"]["rmse"])
            yield [
                part,
                str(metrics[part]["n"]),
                *("–" if value is None else f"{value:.6g}" for value in values),
            ]


def _table(rows: Iterator[list[str]]) -> list[str]:
    lines = list(rows)
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(lines[0]))]
    return [
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=False)),
            ]
        )
        for line in lines
    ]
