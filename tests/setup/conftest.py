from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linreg.data.source import open_source
from linreg.data.typed_table import open_typed_table
from linreg.setup.survey.column_survey import Survey, survey_table

N = 200
RNG = np.random.default_rng(7)
CLEAN = {
    "size": RNG.normal(50, 10, N).round(2).tolist(),
    "age": RNG.integers(0, 90, N).tolist(),
    "zone": RNG.choice(["north", "south", "the west"], N).tolist(),
    "price": RNG.normal(200, 30, N).round(2).tolist(),
}
"""A table of N rows in which nothing is wrong."""


@pytest.fixture(scope="session")
def survey_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Survey]:
    """Writes columns to a CSV file and surveys it."""

    def survey_of(columns: Mapping[str, list[Any]]) -> Survey:
        folder = tmp_path_factory.mktemp("survey")
        path = folder / "table.csv"
        pd.DataFrame(columns).astype(object).to_csv(path, index=False)
        source = open_source(path)
        return survey_table(open_typed_table(source, source.columns, folder / "out"))

    return survey_of
