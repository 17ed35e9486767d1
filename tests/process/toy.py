"""A stage that tests copy into a project of their own; TOY in the environment says what it does
there.

It reads given.json and writes what it finds, one file per process.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from linreg.data.formula.design import Design
from linreg.data.formula.schema import Schema
from linreg.data.parts import open_shards
from linreg.data.tables.parquet import TableFile
from linreg.errors import UserError
from linreg.files import new_folder
from linreg.params.train import Train
from linreg.process.content_hashes import content_hashes
from linreg.process.stage import stage, stage_with_workers
from linreg.process.workers import Workers, shared_folder


@stage
def alone() -> None:
    """Write down which process this is."""
    Path(f"alone-{os.environ.get('RANK')}").write_text(str(os.getpid()))


@stage_with_workers
def main(workers: Workers) -> None:
    """Do what the environment variable TOY names."""
    Path(f"pid-{workers.rank}").write_text(str(os.getpid()))
    wanted = os.environ["TOY"]
    if wanted == "all":
        given = json.loads(Path("given.json").read_text())
        found = exchange(workers, given) | {
            "trained": [trained(workers, each) for each in given["trainings"]]
        }
        Path(f"found-{workers.rank}.json").write_text(json.dumps(found))
        if workers.is_first:
            print("done")
    elif wanted == "wait":
        if workers.rank == 2:
            # The others never come.
            workers.barrier()
        time.sleep(100)
    elif wanted == "mistake in one":
        if workers.rank == 1:
            raise UserError("given.json", "is wrong", found=1, todo="change it")
        workers.barrier()
    elif wanted == "mistake in all":
        raise UserError("given.json", "is wrong", found=1, todo="change it")
    elif wanted == "bug":
        workers.gather(1 / (workers.rank - 1))


def exchange(workers: Workers, given: dict[str, list[Any]]) -> dict[str, Any]:
    """Send what is this process's to the others in every way there is, and return what came, arrays
    as hex.
    """
    value, array = (
        given["values"][workers.rank],
        np.frombuffer(bytes.fromhex(given["arrays"][workers.rank])),
    )
    with shared_folder(new_folder, Path("folder"), workers) as folder:
        (folder / str(workers.rank)).write_text(folder.as_posix())
    return {
        "gather": workers.gather(value),
        "gather_array": [each.tobytes().hex() for each in workers.gather_array(array)],
        "concatenate": workers.concatenate(
            [given["numbers"][i] for i in workers.own_range(len(given["numbers"]))]
        ),
        "broadcast": workers.broadcast(value),
        "folder": sorted(path.name for path in Path("folder").iterdir())
        if workers.is_first
        else None,
        "hashes": content_hashes([Path(each) for each in given["hashed"]], workers),
        "alone": type(workers) is Workers,
    }


def trained(workers: Workers, given: dict[str, Any]) -> list[Any]:
    """Train on the files of given["shards"] as stages/train.py does; returns θ and b after each
    epoch as hex.
    """
    from linreg.fit.coordinates.choice import training_coordinates
    from linreg.fit.coordinates.learning_rate import check_learning_rate
    from linreg.fit.exact.reference import ExactReference
    from linreg.fit.sgd.autograd import gradient_descent
    from linreg.fit.squared_error import mean_squared_error

    params = Train(**given["params"])
    schema, files = Schema.read(Path(given["schema"])), [Path(path) for path in given["shards"]]
    tables = [
        table for i in workers.own_range(len(files)) for table in TableFile(files[i]).row_groups()
    ]
    design = Design.fit(schema, tables, workers)
    shards = open_shards(files, design, workers)
    exact = ExactReference.compute(shards, design.names, schema.intercept, params, workers)
    scaling = training_coordinates(exact, params.scale)
    check_learning_rate(exact, params)
    found = []
    for epoch in gradient_descent(
        shards, len(design.names), schema.intercept, scaling, params, workers
    ):
        loss = mean_squared_error(shards, epoch.theta, epoch.b, workers)
        found.append(
            [
                epoch.number,
                epoch.step,
                [*map(float.hex, [*epoch.theta.tolist(), epoch.b, loss or 0.0])],
            ]
        )
    return found


if __name__ == "__main__":
    if "TOY_ALONE" in os.environ:
        alone()
    main()
