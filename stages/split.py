"""Divide the rows into train, validation and test; write the training rows in a random order.

    dvc repro split               as part of the pipeline
    python -m stages.split        by hand

Parameters: `split`. Writes data/split/ with train/shard-00000.parquet …, validation.parquet and test.parquet,
and split.json with the number of rows in each.
"""

from pathlib import Path

from linreg.data.split import PARTS, TEST, TRAIN, VALIDATION, Dealer, Shuffle, chosen, divide, shard_sizes
from linreg.data.table import TableFile, TableWriter
from linreg.errors import one_line_errors
from linreg.files import new_folder, scratch_folder, write_json
from linreg.params import load_params

INGESTED_TABLE = Path("data/ingested/table.parquet")
SPLIT = Path("data/split")


@one_line_errors
def main() -> None:
    """Deal out the rows block by block, then shuffle what each shard of the training rows got."""
    params = load_params()
    seed = params.split.seed
    table = TableFile(INGESTED_TABLE)

    sizes, blocks = divide(table, params.split)
    rows_of_shard = shard_sizes(sizes[TRAIN], params.split.shards)
    dealer = Dealer(rows_of_shard, seed, "shards")
    with scratch_folder(SPLIT) as scratch, new_folder(SPLIT) as folder:
        (folder / "train").mkdir()
        shards = [Shuffle(rows, seed, i, table.schema, scratch) for i, rows in enumerate(rows_of_shard)]
        with (
            TableWriter(folder / "validation.parquet", table.schema) as validation,
            TableWriter(folder / "test.parquet", table.schema) as test,
        ):
            for rows, parts in blocks:
                validation.write(chosen(rows, parts, VALIDATION))
                test.write(chosen(rows, parts, TEST))
                train = chosen(rows, parts, TRAIN)
                shard_of_row = dealer.deal(train.num_rows)
                for i, shard in enumerate(shards):
                    shard.add(chosen(train, shard_of_row, i))
        for i, shard in enumerate(shards):
            shard.write(folder / "train" / f"shard-{i:05d}.parquet")
        write_json(folder / "split.json", {"rows": dict(zip(PARTS, sizes, strict=True)), "shards": rows_of_shard})

    counts = ", ".join(f"{size} {name}" for name, size in zip(PARTS, sizes, strict=True))
    print(f"split: {counts} rows, {len(shards)} shard{'s'[: len(shards) > 1]} → {SPLIT}")


if __name__ == "__main__":
    main()
