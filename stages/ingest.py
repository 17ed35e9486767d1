"""Read the user's CSV or Parquet, check it against the formula, write it as one typed table.

    dvc repro ingest              as part of the pipeline
    python -m stages.ingest       by hand

Parameters: `ingest`, `model.formula`, and `split.by` for the column it may name. Writes data/ingested/ with
table.parquet, schema.json (what the formula means for this table) and profile.json (what the table looks like).
"""

from pathlib import Path

import pyarrow as pa

from linreg.data.ingest import (
    Cleaning,
    columns_to_read,
    describe,
    left_out_of_dot,
    make_schema,
    missing_cells,
    refuse_missing,
)
from linreg.data.readers import open_source, typed_table
from linreg.data.table import write_table
from linreg.errors import one_line_errors
from linreg.files import new_folder, scratch_folder, write_json
from linreg.params import column_of, load_params

INGESTED = Path("data/ingested")


@one_line_errors
def main() -> None:
    """Read everything once for the profile and the checks, once more to write the rows that stay."""
    params = load_params()
    policy, formula, split_column = params.ingest.missing, params.model.formula, column_of(params.split.by)

    source = open_source(Path(params.ingest.source))
    columns = columns_to_read(formula, source, split_column)
    with scratch_folder(INGESTED) as scratch, new_folder(INGESTED) as folder:
        table = typed_table(source, columns, scratch)
        profiles = describe(table)
        schema = make_schema(
            formula, profiles, table, split_column, fill_missing=policy == "mean", truth=source.truth
        )
        missing = missing_cells(profiles, schema, split_column)
        if policy == "error":
            refuse_missing(profiles, missing)

        cleaning = Cleaning(schema, policy, split_column)
        fields = pa.schema([table.schema.field(name) for name in cleaning.columns])
        write_table(folder / "table.parquet", fields, cleaning.tables(table))
        schema.write(folder / "schema.json")

        out_of_dot = left_out_of_dot(profiles, split_column)
        unused = {name: out_of_dot.get(name, "not in the formula") for name in source.columns if name}
        profile = {
            "rows_read": cleaning.rows + sum(cleaning.dropped.values()),
            "rows": cleaning.rows,
            "dropped": {f"{name} is missing": count for name, count in cleaning.dropped.items()},
            "missing": policy,
            "columns": {name: profiles[name].as_data() for name in cleaning.columns},
            "not_used": {name: reason for name, reason in unused.items() if name not in cleaning.columns},
        }
        write_json(folder / "profile.json", profile)

    print(f"ingest: {schema.formula}; {profile['rows_read']} rows read, {cleaning.rows} kept → {INGESTED}")
    for reason, count in profile["dropped"].items():
        print(f"ingest: {count} rows dropped, {reason}")
    for name, reason in profile["not_used"].items():
        if reason != "not in the formula":
            print(f"ingest: column {name} not used: {reason}")


if __name__ == "__main__":
    main()
