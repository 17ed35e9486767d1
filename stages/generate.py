"""Draw the synthetic data of the lesson, y = b + X·θᵀ + ε, and write it to Parquet files.

    dvc repro generate            as part of the pipeline
    python -m stages.generate     by hand
    WORKERS=4 dvc repro generate  with four processes, which write the same files

Parameters: `generate`. Writes the folder data/raw/generated.parquet/ with part-00000.parquet, ….
"""

from pathlib import Path

from linreg.data.synthetic import chunks_by_file, draw, synthetic_schema
from linreg.data.tables.parquet import write_table
from linreg.files import new_folder
from linreg.params.file import load_params
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers, shared_folder

GENERATED = Path("data/raw/generated.parquet")


@stage_with_workers
def main(workers: Workers) -> None:
    """Draw the rows chunk by chunk and write them as they come; each process writes some files."""
    params = load_params()
    schema = synthetic_schema(params.generate)
    files = chunks_by_file(params.generate)

    with shared_folder(new_folder, GENERATED, workers) as folder:
        for index in workers.own_range(len(files)):
            rows = (draw(params.generate, chunk) for chunk in files[index])
            write_table(folder / f"part-{index:05d}.parquet", schema, rows)

    if workers.is_first:
        num_features = len(params.generate.theta)
        print(f"generate: {params.generate.rows} rows, {num_features} features → {GENERATED}")


if __name__ == "__main__":
    main()
