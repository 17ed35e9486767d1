"""Draw the lesson's data, y = b + X·θᵀ + ε, into a Parquet file.

    dvc repro generate            as part of the pipeline
    python -m stages.generate     by hand

Parameters: `generate`. Writes data/raw/generated.parquet.
"""

import json
from pathlib import Path

import pyarrow as pa

from linreg.data.synthetic import draw, feature_names
from linreg.data.table import TRUTH, write_table
from linreg.files import new_file
from linreg.params import load_params
from linreg.stage import stage

GENERATED = Path("data/raw/generated.parquet")


@stage
def main() -> None:
    """Draw the rows chunk by chunk, straight to disk, with the truth in the file's metadata."""
    params = load_params()
    names = feature_names(len(params.generate.theta))
    truth = {"theta": dict(zip(names, params.generate.theta, strict=True)), "b": params.generate.bias}
    schema = pa.schema([(name, pa.float32()) for name in [*names, "y"]], metadata={TRUTH: json.dumps(truth)})

    with new_file(GENERATED) as path:
        write_table(path, schema, (batch.replace_schema_metadata(schema.metadata) for batch in draw(params.generate)))
    print(f"generate: {params.generate.rows} rows, {len(names)} features → {GENERATED}")


if __name__ == "__main__":
    main()
