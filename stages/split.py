"""Split the rows into train, validation and test; write the training rows in a random order.

    dvc repro split               as part of the pipeline
    python -m stages.split        by hand
    WORKERS=4 dvc repro split     with four processes, which write the same files

Parameters: `split`, and `ingest.source` for errors that name a row of it. Writes data/split/ with
train/shard-00000.parquet …, validation.parquet and test.parquet, and split.json with the number of
rows in each; with `split.folds` also which fold each training row is in.
"""

from pathlib import Path

from linreg.data.formula.schema import Schema
from linreg.data.source_rows import SourceRows
from linreg.data.split.fold_assignment import assign_folds
from linreg.data.split.part_files import assign_shards, write_parts
from linreg.data.split.partition import PARTS, partition_rows
from linreg.data.split.unseen_levels import LevelFilter, describe, require_known_rows
from linreg.data.tables.integrity import seal_hash
from linreg.data.tables.parquet import TableFile
from linreg.files import new_folder, scratch_folder, write_document
from linreg.params.file import load_params
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers, shared_folder

INGESTED = Path("data/ingested")
SPLIT = Path("data/split")


@stage_with_workers
def main(workers: Workers) -> None:
    """Assign every row to a part, and every training row to a shard; then write a file for each.

    Validation and test rows with a level that no training row has are left out and counted.
    """
    params = load_params()
    source = SourceRows(Path(params.ingest.source), INGESTED)
    table = TableFile(INGESTED / "table.parquet")
    partition = partition_rows(table, params.split)
    shards = assign_shards(partition, params.split)
    folds = assign_folds(table, partition, params.split)
    levels = LevelFilter.learn(table, partition, Schema.read(INGESTED / "schema.json"), workers)

    with (
        shared_folder(scratch_folder, SPLIT, workers) as scratch,
        shared_folder(new_folder, SPLIT, workers) as folder,
    ):
        files = write_parts(table, partition, shards, levels, folder, scratch, workers)
        unseen, left_out = levels.counts(source, workers)
        sizes = {part: n - left_out[part] for part, n in zip(PARTS, partition.sizes, strict=True)}
        require_known_rows(sizes, left_out, unseen)
        if workers.is_first:
            document, of_folds = folds.write(folder)
            document |= {"rows": sizes, "unseen_levels": unseen, "shards": shards.quotas}
            document["table"] = seal_hash(table.path)
            document["files"] = {file: seal_hash(folder / file) for file in [*files, *of_folds]}
            write_document(folder / "split.json", document)

    if workers.is_first:
        counts = ", ".join(f"{num_rows} {part}" for part, num_rows in sizes.items())
        num_shards = f"{len(shards.quotas)} shard{'s' if len(shards.quotas) > 1 else ''}"
        print(f"split: {counts} rows{partition.in_groups}, {num_shards} → {SPLIT}")
        if unseen:
            print(f"split: {describe(unseen)}")


if __name__ == "__main__":
    main()
