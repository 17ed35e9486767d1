"""Read the user's CSV or Parquet, check it against the formula, write it as one typed table.

    dvc repro ingest              as part of the pipeline
    python -m stages.ingest       by hand

Parameters: `ingest`, `model`, and `split.by` for the column it may name. Writes data/ingested/ with
table.parquet, schema.json (what the formula means for this table) and profile.json (what the table
looks like).
"""

from pathlib import Path

import pyarrow as pa

from linreg.data.ingest import (
    Cleaning,
    check_weights,
    columns_to_read,
    describe,
    make_schema,
    missing_cells,
    refuse_empty,
    refuse_missing,
    unused_columns,
)
from linreg.data.source import open_source, typed_table
from linreg.data.tables.integrity import seal_hash
from linreg.data.tables.parquet import write_table
from linreg.files import new_folder, scratch_folder, write_document
from linreg.params import column_of, load_params
from linreg.process.stage import stage

INGESTED = Path("data/ingested")


@stage
def main() -> None:
    """Read everything once for the profile and the checks, once more to write the rows that
    stay.
    """
    params = load_params()
    policy, formula = params.ingest.missing, params.model.formula
    roles = {"split.by": column_of(params.split.by), "model.weights": params.model.weights}
    beside = {column: parameter for parameter, column in roles.items() if column}

    source = open_source(Path(params.ingest.source), params.ingest.names)
    columns = columns_to_read(formula, source, beside)
    with scratch_folder(INGESTED) as scratch, new_folder(INGESTED) as folder:
        table = typed_table(source, columns, scratch)
        profiles = describe(table)
        schema = make_schema(
            formula,
            profiles,
            table,
            beside,
            fill_missing=policy == "mean",
            truth=source.truth,
            weights=params.model.weights,
        )
        refuse_empty(profiles, schema, table)
        check_weights(profiles, schema, table)
        missing = missing_cells(profiles, schema, beside)
        if policy == "error":
            refuse_missing(profiles, missing)

        cleaning = Cleaning(schema, policy, beside)
        fields = pa.schema([table.schema.field(name) for name in cleaning.columns])
        write_table(folder / "table.parquet", fields, cleaning.tables(table))
        about = {"table": seal_hash(folder / "table.parquet")}
        schema.write(folder / "schema.json", about)

        not_used = unused_columns(source, profiles, cleaning.columns, beside)
        profile = cleaning.as_data(profiles) | {"missing": policy, "not_used": not_used}
        write_document(folder / "profile.json", profile | about)
        source.require_unchanged()

    print(
        f"ingest: {schema.formula}; {cleaning.rows_read} rows read, {cleaning.rows} kept → {INGESTED}"
    )
    for name, count in cleaning.dropped.items():
        print(f"ingest: {count} rows dropped, {name} is missing")
    for name, reason in not_used.items():
        if reason:
            print(f"ingest: column {name} not used: {reason}")


if __name__ == "__main__":
    main()
