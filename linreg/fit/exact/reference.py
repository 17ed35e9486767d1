"""The exact answer beside every training: found by train before the first step, read again by
evaluate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from linreg.data.rows import Rows
from linreg.errors import UserError
from linreg.files import content_hash, read_document, write_document
from linreg.fit.exact.gap import Gap
from linreg.fit.exact.least_squares import LeastSquares, solve
from linreg.fit.exact.moments import Moments
from linreg.fit.history import Epoch
from linreg.params import Train
from linreg.process.workers import ALONE, Workers


@dataclass(frozen=True)
class ExactReference:
    """The moments of the training rows, the minimum of the loss, and how far from it any θ and b
    are.
    """

    moments: Moments
    minimum: LeastSquares
    gap: Gap

    @classmethod
    def find(
        cls,
        shards: Sequence[Rows],
        names: Sequence[str],
        intercept: bool,
        params: Train,
        workers: Workers = ALONE,
    ) -> "ExactReference":
        """Read the training rows once, each process its own shards, and solve; raises UserError
        like `solve`.
        """
        total = moments_of(shards, len(names), workers)
        minimum = solve(total, names, intercept, params.l2, params.collinear)
        return cls(total, minimum, Gap(total, minimum))

    @property
    def mean_target(self) -> float:
        """The mean of y, weighted as the fit is: the prediction of somebody who knows nothing about
        X.
        """
        gram = self.moments.gram()
        return float(gram[-1][0] / gram[0][0])

    def as_epoch(self) -> Epoch:
        """Return the minimum as what a training ends with that takes no steps."""
        return Epoch(0, 0, self.minimum.theta, self.minimum.b, lr=0.0, rows_per_second=0.0)

    @property
    def dropped(self) -> str:
        """The columns that were dropped, each with the relation that makes it redundant, in words;
        empty for none.
        """
        relations = ", ".join(
            f"{name} = {relation}" for name, relation in self.minimum.dropped.items()
        )
        return f"; dropped {relations}" if relations else ""

    def write(self, folder: Path, collinear: str) -> None:
        """Write exact.json, the minimum in plain numbers, and moments.safetensors, from which it is
        solved again.
        """
        (folder / "moments.safetensors").write_bytes(save({"moments": self.moments.as_array()}))
        minimum = self.minimum
        description = {
            "theta": dict(zip(minimum.names, minimum.theta.tolist(), strict=True)),
            "b": minimum.b,
            "names": list(minimum.names),
            "intercept": minimum.intercept,
            "l2": minimum.l2,
            "collinear": collinear,
            # beyond float64
            "rss": rss if math.isfinite(rss := float(minimum.rss)) else None,
            "rank": minimum.rank,
            "condition": minimum.condition,
            "dropped": dict(minimum.dropped),
        }
        description["moments"] = content_hash(folder / "moments.safetensors")
        write_document(folder / "exact.json", description)

    @classmethod
    def read(cls, folder: str | Path) -> "ExactReference":
        """Read the moments and solve again; raises UserError when a file is absent, damaged or of
        another training.
        """
        path = Path(folder) / "moments.safetensors"
        written = read_document(Path(folder) / "exact.json")
        try:
            if written["moments"] != content_hash(path):
                what = "is damaged, or of another training than exact.json"
                raise UserError(path, what, todo="delete both and run `dvc repro`")
            names = written["names"]
            moments = Moments.from_array(len(names), load_file(path)["moments"])
            minimum = solve(
                moments, names, written["intercept"], written["l2"], written["collinear"]
            )
        except FileNotFoundError:
            raise UserError(
                path, "there is no such file", todo="run `dvc repro train` to make it"
            ) from None
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
        return cls(moments, minimum, Gap(moments, minimum))


def moments_of(shards: Sequence[Rows], num_features: int, workers: Workers = ALONE) -> Moments:
    """Read the rows of all shards, each process its own; every process adds the shards' moments in
    their order.
    """
    own, num_rows = [], sum(rows.num_rows for rows in shards)
    for index in workers.mine(len(shards)):
        moments = Moments.zero(num_features, expected=num_rows)
        for chunk in shards[index]:
            moments.add(*chunk)
        own.append(moments.as_array())
    everyones = np.concatenate(workers.gather_array(np.concatenate([np.empty(0), *own])))
    total = Moments.zero(num_features)
    for values in everyones.reshape(len(shards), -1):
        total = total.merged(Moments.from_array(num_features, values))
    return total
