"""What a training is measured against: the exact least squares solution of its rows.

`train` computes it from one pass over the rows before the first step, or two if one leaves too few
digits; `evaluate` reads it again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from linreg.arrays import Floats
from linreg.data.formula.compact_matrix import AbsorbedFactor, Indicators, Layout, Monomial
from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.files import content_hash, missing_output, read_document, read_folder, write_document
from linreg.fit.exact.elastic_net import solve_penalized
from linreg.fit.exact.least_squares import LeastSquares
from linreg.fit.exact.moment_sums.any_moments import (
    AnyMoments,
    merged,
    moments_from_array,
    no_moments,
)
from linreg.fit.exact.moment_sums.level_moments import LevelMoments
from linreg.fit.exact.moment_sums.memory import require_memory
from linreg.fit.exact.normal_equations.collinearity import TRAINING_ROWS
from linreg.fit.exact.normal_equations.refinement import SecondMoments
from linreg.fit.exact.penalized.path import PenaltyPath, penalty_path
from linreg.fit.exact.penalized.penalty import Penalty
from linreg.fit.exact.penalized_loss import PenalizedLoss
from linreg.fit.exact.quadratic_loss import QuadraticLoss
from linreg.fit.exact.second_pass import read_again, second_layout
from linreg.fit.exact.solver import solve
from linreg.fit.history import Epoch
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers

LEAST_DIGITS = 3
"""Coefficients with fewer correct digits are no answer."""


@dataclass(frozen=True)
class ExactReference:
    """Moments of the training rows, the least squares solution, and the loss as a quadratic.

    second  what a second pass over the rows has found; None if one was enough
    """

    moments: AnyMoments
    second: SecondMoments | None
    solution: LeastSquares
    loss: QuadraticLoss | PenalizedLoss

    @classmethod
    def compute(
        cls,
        shards: Sequence[Rows],
        names: Sequence[str],
        intercept: bool,
        params: Train,
        workers: Workers = ALONE,
        roundoffs: Floats | None = None,
        moments: AnyMoments | None = None,
    ) -> "ExactReference":
        """Read the training rows, each process its own shards, and solve.

        roundoffs  (M + 1,) the unit roundoffs of X and y; None for 2^-53
        moments    those of the rows, where they are known

        Raises UserError like `solve`, and for coefficients with less than LEAST_DIGITS digits.
        """
        assert not isinstance(params.l1, str), "a choice of l1 comes before the solution"
        penalty = Penalty(params.l1, params.l2, params.penalty_scale)
        if not penalty.is_ridge_in_units:
            # Which eliminates no category: the active set knows no levels.
            require_memory(Layout(len(names)), sum(rows.num_rows for rows in shards))
        moments = moments or compute_moments(shards, len(names), workers, roundoffs)
        options = (names, intercept, params.l2, params.collinear)
        if not penalty.is_ridge_in_units:
            reference = cls.from_penalized_moments(
                moments, names, intercept, penalty, params.collinear
            )
            _require_digits(reference.solution)
            return reference
        reference = cls.from_moments(moments, *options)
        if reference.solution.needs_second_pass:
            second = read_again(reference.solution, moments, shards, workers)
            reference = cls.from_moments(moments, *options, second)
        _require_digits(reference.solution)
        return reference

    @classmethod
    def from_moments(
        cls,
        moments: AnyMoments,
        names: Sequence[str],
        intercept: bool,
        l2: float = 0.0,
        collinear: Literal["error", "drop"] = "error",
        second: SecondMoments | None = None,
    ) -> "ExactReference":
        """Solve for θ, whose names are given, and b; raises UserError like `solve`."""
        solution = solve(moments, names, intercept, l2, collinear, second)
        return cls(moments, second, solution, QuadraticLoss(moments, solution))

    @classmethod
    def from_penalized_moments(
        cls,
        moments: AnyMoments,
        names: Sequence[str],
        intercept: bool,
        penalty: Penalty,
        collinear: Literal["error", "drop"] = "error",
        start: Floats | None = None,
    ) -> "ExactReference":
        """Solve with an elastic net penalty; raises UserError like `solve_penalized`."""
        fit = solve_penalized(moments, names, intercept, penalty, collinear, start)
        return cls(moments, None, fit.solution, PenalizedLoss(moments, fit))

    @property
    def mean_target(self) -> float:
        """The mean of y, weighted as the fit is: the best prediction that does not use X."""
        return float(self.moments.totals().mean(-1))

    def as_epoch(self) -> Epoch:
        """Return the solution as the result of a training that takes no steps."""
        return Epoch(0, 0, self.solution.theta, self.solution.b, lr=0.0, rows_per_second=0.0)

    def penalty_path(self) -> PenaltyPath | None:
        """Return the path of the coefficients over the size of the penalty, if there is one."""
        solution = self.solution
        if not solution.is_penalized:
            return None
        penalty = Penalty(solution.l1, solution.l2, solution.penalty_scale)
        return penalty_path(self.moments.gram(), solution.names, solution.intercept, penalty)

    @property
    def dropped(self) -> str:
        """The dropped columns as text, each with its linear dependency; empty if there are none."""
        dependencies = ", ".join(
            f"{name} = {dependency}" for name, dependency in self.solution.dropped.items()
        )
        return f"; dropped {dependencies}" if dependencies else ""

    def write(self, folder: Path, collinear: str) -> None:
        """Write moments.safetensors, which `read` solves again, and exact.json for people."""
        arrays = {"moments": self.moments.as_array()}
        if self.second:
            arrays["second"] = self.second.moments.as_array()
            arrays["is_explained"] = np.array([self.second.is_explained])
        (folder / "moments.safetensors").write_bytes(save(arrays))
        solution = self.solution
        rss = math.nan if solution.rss is None else float(solution.rss)
        document = {
            "theta": dict(
                zip(
                    solution.reported_names,
                    solution.theta[solution.num_absorbed :].tolist(),
                    strict=True,
                )
            ),
            "b": solution.b,
            "names": list(solution.names),
            "intercept": solution.intercept,
            "l2": solution.l2,
            "collinear": collinear,
            "rss": rss if math.isfinite(rss) else None,
            "rank": solution.rank,
            "condition": solution.condition,
            "digits": solution.digits,
            "dropped": dict(solution.dropped),
            "moments": content_hash(folder / "moments.safetensors"),
        }
        if solution.l1 or solution.penalty_scale != "units":
            document |= {"l1": solution.l1, "penalty_scale": solution.penalty_scale}
        if isinstance(self.moments, LevelMoments):
            document["categories"] = [list(each) for each in self.moments.layout.categories]
        if solution.absorbed:
            document["absorbed"] = [list(each) for each in solution.absorbed]
        if solution.monomials:
            document["monomials"] = [list(each) for each in solution.monomials]
        write_document(folder / "exact.json", document)

    @classmethod
    def read(cls, folder: str | Path) -> "ExactReference":
        """Read the moments and solve again.

        Raises UserError for a file that is absent, damaged or of another training.
        """
        return read_folder(Path(folder), cls._read)

    @classmethod
    def _read(cls, folder: Path) -> "ExactReference":
        path = folder / "moments.safetensors"
        document = read_document(folder / "exact.json")
        try:
            if document["moments"] != content_hash(path):
                what = "is damaged, or of another training than exact.json"
                raise UserError(path, what, todo="delete both and run `dvc repro`")
            names = document["names"]
            arrays = load_file(path)
            categories = tuple(Indicators(*each) for each in document.get("categories", ()))
            absorbed = tuple(AbsorbedFactor(*each) for each in document.get("absorbed", ()))
            monomials = tuple(
                Monomial(column, tuple(factors))
                for column, factors in document.get("monomials", ())
            )
            layout = Layout(len(names), categories, absorbed, monomials)
            moments = moments_from_array(layout, arrays["moments"])
            if "l1" in document:
                penalty = Penalty(document["l1"], document["l2"], document["penalty_scale"])
                start = np.array([document["theta"][name] for name in names])
                intercept, collinear = document["intercept"], document["collinear"]
                return cls.from_penalized_moments(
                    moments, names, intercept, penalty, collinear, start
                )
            second = None
            if "second" in arrays:
                coordinates = second_layout(layout, document["rank"])
                of_second = moments_from_array(coordinates, arrays["second"])
                second = SecondMoments(of_second, bool(arrays["is_explained"][0]))
            options = (document["intercept"], document["l2"], document["collinear"])
            return cls.from_moments(moments, names, *options, second)
        except FileNotFoundError:
            raise missing_output(path) from None
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            SafetensorError,
        ) as error:
            raise UserError(
                folder, "is damaged", found=repr(error), todo="delete it and run `dvc repro`"
            ) from None


def _require_digits(solution: LeastSquares) -> None:
    if solution.digits >= LEAST_DIGITS:
        return
    is_uncertain = solution.relative_errors > 10.0**-LEAST_DIGITS
    names = np.array(["b", *solution.names])[is_uncertain]
    raise UserError(
        f"{TRAINING_ROWS}: column {', '.join(names)}",
        f"is so nearly collinear with others that its coefficient has less than {LEAST_DIGITS}"
        " correct digits",
        found=f"a condition number of {solution.condition:.1e}"
        if solution.condition
        else "a condition number beyond float64",
        todo="leave it out of model.formula, or subtract what the columns have in common",
    )


def compute_moments(
    shards: Sequence[Rows],
    num_features: int,
    workers: Workers = ALONE,
    roundoffs: Floats | None = None,
) -> AnyMoments:
    """Add up the moments of all shards, each process its own; `roundoffs` as in `Moments.zero`.

    Every process then adds the shards' moments in the order of the shards, so that the number of
    processes changes no bit. Raises UserError, before a row is read, if memory does not suffice.
    """
    own = []
    layout = shards[0].layout if shards else Layout(num_features)
    num_rows = sum(rows.num_rows for rows in shards)
    require_memory(layout, num_rows)
    for index in workers.own_range(len(shards)):
        moments = no_moments(layout, num_rows, roundoffs)
        for chunk in shards[index]:
            moments.add(*chunk)
        own.append(moments.as_array())
    total = no_moments(layout, roundoffs=roundoffs)
    for values in workers.gather_arrays(own):
        total = merged(total, moments_from_array(layout, values))
    if shards and shards[0].has_frequencies:
        total.count_frequencies()
    return total
