"""Fits of tables that were ingested and split, as diagnostics read them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from linreg.arrays import Floats
from linreg.data.formula.design import Design
from linreg.data.parts import RowGroups, open_shards
from linreg.data.split.part_files import assign_shards, write_parts
from linreg.data.split.partition import partition_rows
from linreg.data.split.unseen_levels import LevelFilter
from linreg.data.tables import parquet
from linreg.data.tables.parquet import TableFile, write_table
from linreg.evaluation.diagnostics.diagnose import diagnose
from linreg.evaluation.diagnostics.document import Diagnostics
from linreg.files import write_document
from linreg.fit.exact.reference import ExactReference
from linreg.params.ingest import Ingest
from linreg.params.split import Split
from linreg.params.train import Train
from linreg.process.workers import ALONE, Workers


@dataclass(frozen=True)
class Fitted:
    """A table, all of whose rows are training rows, and the fit to them."""

    design: Design
    exact: ExactReference
    paths: list[Path]
    ingested: Path
    split: Split

    def diagnose(self, workers: Workers = ALONE) -> dict[str, Any]:
        """Return the diagnostics as evaluate writes them."""
        return self.diagnostics(workers).as_data()

    def diagnostics(self, workers: Workers = ALONE) -> Diagnostics:
        """Return the diagnostics with their sample of rows."""
        shards = open_shards(self.paths, self.design, workers)
        ingest = Ingest(source="my.csv")
        return diagnose(self.exact, shards, self.ingested, ingest, self.split, workers)


def table_of(X: Floats, y: Floats, **columns: Any) -> pa.Table:
    names = [f"x{j}" for j in range(1, X.shape[1] + 1)]
    return pa.table({**dict(zip(names, X.T, strict=True)), "y": y, **columns})


@pytest.fixture
def fitted(
    tmp_path: Path, learn: Callable[..., Design], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Fitted]:
    """Splits a table and fits a formula to all of its rows; further options are those of train."""

    def fitted(
        formula: str,
        table: pa.Table,
        weights: str | None = None,
        by: str = "row",
        shards: int = 1,
        rows_per_group: int = 131_072,
        **options: Any,
    ) -> Fitted:
        folder = tmp_path / f"table-{len(list(tmp_path.iterdir()))}"
        (folder / "parts").mkdir(parents=True)
        (folder / "scratch").mkdir()
        monkeypatch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
        write_table(folder / "table.parquet", table.schema, [table])
        write_document(folder / "profile.json", {"dropped": {}})
        ingested = TableFile(folder / "table.parquet")
        split = Split(train=1.0, validation=0.0, test=0.0, by=by, shards=shards)
        partition = partition_rows(ingested, split)
        to = (folder / "parts", folder / "scratch")
        levels = LevelFilter("drop", {})
        files = write_parts(
            ingested, partition, assign_shards(partition, split), levels, *to, ALONE
        )
        paths = [folder / "parts" / file for file in files if file.startswith("train")]
        design = learn(formula, *RowGroups(paths), weights=weights)
        rows = open_shards(paths, design)
        names, intercept = design.names, design.schema.intercept
        train = Train(solver="exact", **options)
        exact = ExactReference.compute(rows, names, intercept, train, roundoffs=design.roundoffs)
        return Fitted(design, exact, paths, folder, split)

    return fitted
