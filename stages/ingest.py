"""Read the user's table, check it against the formula, write it as one typed table.

    dvc repro ingest              as part of the pipeline
    python -m stages.ingest       by hand

Parameters: `ingest`, `model`, and `split.by` and `evaluate.errors`, which may name columns. Writes
data/ingested/ with table.parquet and its checksums, schema.json (the formula, resolved against the
columns), profile.json (statistics of the columns) and, where rows were dropped, dropped.parquet,
which names each and what it lacks.
"""

from pathlib import Path

from linreg.data.ingest.checks import check_values
from linreg.data.ingest.column_values import check_levels, check_sentinels
from linreg.data.ingest.columns import auxiliary_columns, columns_to_read, unused_columns
from linreg.data.ingest.formula_schema import make_schema
from linreg.data.ingest.profile import profile_columns
from linreg.data.ingest.row_filter import RowFilter
from linreg.data.ingest.summary import summary_lines
from linreg.data.ingest.text_columns import with_notes_about_categories
from linreg.data.ingest.text_numbers import numbers_in_formula, with_numbers
from linreg.data.ingest.time_order import with_times
from linreg.data.source import open_source
from linreg.data.source_rows import DroppedRows
from linreg.data.tables.integrity import seal_hash
from linreg.data.tables.parquet import write_table
from linreg.data.typed_table import open_typed_table
from linreg.files import new_folder, scratch_folder, write_document
from linreg.params.file import load_params
from linreg.process.stage import stage

INGESTED = Path("data/ingested")


@stage
def main() -> None:
    """Read the table once to profile and check it, and again to write the rows that are used."""
    params = load_params()
    ingest, model = params.ingest, params.model
    auxiliary = auxiliary_columns(params.split.by, model.weights_column, params.evaluate.errors)

    source = open_source(Path(ingest.source), ingest.read_options)
    columns = columns_to_read(model.formula, source, auxiliary)
    with scratch_folder(INGESTED) as scratch, new_folder(INGESTED) as folder:
        table = open_typed_table(source, columns, scratch, ingest.sentinels, ingest.where)
        table = with_times(table, ingest.dates, source, params.split.by)
        names = numbers_in_formula(model.formula, table, auxiliary)
        table = with_numbers(table, names, ingest.read_options)
        profiles = profile_columns(table)
        # Missing cells are filled after the split, with means of the training rows alone.
        known = {"fill_missing": ingest.missing == "mean", "truth": source.truth}
        known |= {"reading": source.options, **model.options}
        schema = make_schema(model.formula, profiles, table, auxiliary, **known)
        table = with_notes_about_categories(table, schema, profiles)
        check_values(profiles, schema, table, auxiliary, ingest.missing)
        check_sentinels(ingest.sentinels, source, table)
        check_levels(model.levels, source, schema, table)

        rows = RowFilter(schema, ingest.missing, auxiliary)
        with DroppedRows(folder, source.path) as dropped:
            complete_rows = rows.complete_rows(table, dropped)
            write_table(folder / "table.parquet", rows.arrow_schema(table), complete_rows)
        unused = unused_columns(source, profiles, rows.columns, auxiliary)
        profile = {**rows.as_data(profiles, table), "not_used": unused}
        about = {"table": seal_hash(folder / "table.parquet")}
        write_document(folder / "schema.json", {**schema.as_data(), **about})
        write_document(folder / "profile.json", {**profile, **about})
        source.require_unchanged()

    for line in summary_lines(table, schema, rows, unused, INGESTED):
        print(f"ingest: {line}")


if __name__ == "__main__":
    main()
