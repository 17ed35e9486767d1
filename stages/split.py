"""Divide the rows into train, validation and test; write the training rows in a random order.

    dvc repro split               as part of the pipeline
    python -m stages.split        by hand

Parameters: `split`. Writes data/split/ with train/shard-00000.parquet …, validation.parquet and
test.parquet, and split.json with the number of rows in each.
"""

from pathlib import Path

from linreg.data.split import (
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    Collect,
    RandomAssignment,
    Shuffle,
    chosen,
    divide,
    shard_sizes,
)
from linreg.data.tables.integrity import seal_hash, sealed_by
from linreg.data.tables.parquet import TableFile
from linreg.data.tables.prefetch import prefetch
from linreg.files import new_folder, scratch_folder, write_document
from linreg.params import load_params
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers, shared

INGESTED_TABLE = Path("data/ingested/table.parquet")
INGESTED_SEAL = Path("data/ingested/_table.seal")
SPLIT = Path("data/split")


@stage_with_workers
def main(workers: Workers) -> None:
    """Deal out the rows block by block, each process some blocks; then each writes some of the
    files.
    """
    params = load_params()
    seed = params.split.seed
    table = TableFile(INGESTED_TABLE)

    division = divide(table, params.split)
    rows_of_shard = shard_sizes(division.sizes[TRAIN], params.split.shards)
    dealer = RandomAssignment(
        [counts[TRAIN] for counts in division.counts], rows_of_shard, seed, "shards"
    )
    with (
        shared(scratch_folder, SPLIT, workers) as scratch,
        shared(new_folder, SPLIT, workers) as folder,
    ):
        (folder / "train").mkdir(exist_ok=True)
        validation, test = (
            Collect(name, table.schema, scratch, workers) for name in ("validation", "test")
        )
        shards = [
            Shuffle(rows, seed, i, table.schema, scratch, workers, num_shuffles=len(rows_of_shard))
            for i, rows in enumerate(rows_of_shard)
        ]
        own = workers.mine(table.num_groups)
        for block, rows in zip(own, prefetch(map(table.group, own)), strict=True):
            parts = division.labels(block)
            validation.add(chosen(rows, parts, VALIDATION), block)
            test.add(chosen(rows, parts, TEST), block)
            train, shard_of_row = chosen(rows, parts, TRAIN), dealer.deal(block)
            for i, shard in enumerate(shards):
                shard.add(chosen(train, shard_of_row, i), block)

        outputs: list[Collect | Shuffle] = [*shards, validation, test]
        paths = [f"train/shard-{i:05d}.parquet" for i in range(len(shards))] + [
            "validation.parquet",
            "test.parquet",
        ]
        for output in outputs:
            output.close()
        workers.wait()
        for i in range(
            workers.rank,
            len(outputs),
            workers.size,
            # shards first, which are the long ones
        ):
            outputs[i].write(folder / paths[i])
        workers.wait()
        if workers.first:
            rows_of_part = dict(zip(PARTS, division.sizes, strict=True))
            seals = {
                "table": seal_hash(sealed_by(INGESTED_SEAL)),
                "files": {path: seal_hash(folder / path) for path in paths},
            }
            write_document(
                folder / "split.json", {"rows": rows_of_part, "shards": rows_of_shard, **seals}
            )

    if workers.first:
        counts = ", ".join(f"{size} {name}" for name, size in rows_of_part.items())
        print(f"split: {counts} rows, {len(shards)} shard{'s'[: len(shards) > 1]} → {SPLIT}")


if __name__ == "__main__":
    main()
