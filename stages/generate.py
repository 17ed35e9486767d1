"""Draw the lesson's data, y = b + X·θᵀ + ε, into Parquet files.

    dvc repro generate            as part of the pipeline
    python -m stages.generate     by hand

Parameters: `generate`. Writes the folder data/raw/generated.parquet/ with part-00000.parquet and so
on.
"""

import json
from pathlib import Path

import pyarrow as pa

from linreg.data.synthetic import draw, feature_names, num_chunks
from linreg.data.tables.parquet import TRUTH, write_table
from linreg.files import new_folder
from linreg.params import load_params
from linreg.process.stage import stage_with_workers
from linreg.process.workers import Workers, shared

GENERATED = Path("data/raw/generated.parquet")
# a million rows: enough parts to divide them among the processes evenly
CHUNKS_PER_PART = 8


@stage_with_workers
def main(workers: Workers) -> None:
    """Draw the rows chunk by chunk, straight to disk, with the truth in the metadata; each process
    draws some files.
    """
    params = load_params()
    names = feature_names(len(params.generate.theta))
    truth = {
        "theta": dict(zip(names, params.generate.theta, strict=True)),
        "b": params.generate.bias,
    }
    schema = pa.schema(
        [(name, pa.float32()) for name in [*names, "y"]], metadata={TRUTH: json.dumps(truth)}
    )
    chunks = range(num_chunks(params.generate))
    parts = [chunks[first : first + CHUNKS_PER_PART] for first in chunks[::CHUNKS_PER_PART]]

    with shared(new_folder, GENERATED, workers) as folder:
        for part in workers.mine(len(parts)):
            rows = (
                draw(params.generate, chunk).replace_schema_metadata(schema.metadata)
                for chunk in parts[part]
            )
            write_table(folder / f"part-{part:05d}.parquet", schema, rows)
    if workers.first:
        print(f"generate: {params.generate.rows} rows, {len(names)} features → {GENERATED}")


if __name__ == "__main__":
    main()
