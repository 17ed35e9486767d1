"""What `linreg use` proposes for tables of every kind: the right parameters, and no false alarm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linreg.params.params import Params
from linreg.setup.analysis import Analysis, analyze_table
from linreg.setup.options import UseOptions

EXAMPLES = Path(__file__).parents[2] / "data" / "examples"
N = 600
RNG = np.random.default_rng(9)
AGREEMENT = ["Strongly agree", "Agree", "Neutral", "Disagree", "Strongly disagree"]
INCOME = RNG.integers(1000, 80_000, N)
AGE = RNG.integers(18, 90, N)
PATIENT = np.repeat(np.arange(150), 4)


def with_gaps(cells: Any, share: float, value: object = None) -> pd.Series:
    """The cells with a value in a share of the rows."""
    column = pd.Series(cells, dtype=object)
    column.iloc[np.random.default_rng(2).permutation(len(column))[: int(share * len(column))]] = (
        value
    )
    return column


Columns = dict[str, Any]
TABLES: dict[str, tuple[Columns, str, dict[str, Any]]] = {
    # What is in the table: its columns beside y, the formula, the other parameters that are
    # written.
    "nothing special": (
        {"age": AGE, "zone": RNG.choice(["north", "south"], N)},
        "y ~ age + zone",
        {},
    ),
    "patients with several rows": (
        {"patient_id": [f"P{i}" for i in PATIENT], "age": AGE},
        "y ~ age",
        {"split.by": "group:patient_id"},
    ),
    "patients by number, some unknown": (
        {"patient_id": with_gaps(PATIENT, 0.01), "age": AGE},
        "y ~ age",
        {"split.by": "group:patient_id", "ingest.missing": "drop"},
    ),
    "shops by number": (
        {"store_id": RNG.integers(1, 13, N), "age": AGE},
        "y ~ C(store_id) + age",
        {},
    ),
    "a negative code": (
        {"age": with_gaps(AGE, 0.02, -999), "income": INCOME},
        "y ~ age + income",
        {"ingest.sentinels": {"age": [-999]}, "ingest.missing": "drop"},
    ),
    "two codes in answers from 1 to 5": (
        {"q": with_gaps(with_gaps(RNG.integers(1, 6, N), 0.03, 99), 0.01, 999), "age": AGE},
        "y ~ q + age",
        {"ingest.sentinels": {"q": [99, 999]}, "ingest.missing": "drop"},
    ),
    "99 that is measured": (
        {"percent": RNG.integers(0, 101, N), "price": RNG.choice([9, 19, 99, 199, 999], N)},
        "y ~ percent + price",
        {},
    ),
    "answers to a questionnaire": (
        {
            "q1": RNG.choice(AGREEMENT, N),
            "q2": RNG.choice([answer.lower().replace(" ", "_") for answer in AGREEMENT], N),
            "health": RNG.choice(["Poor", "Fair", "Good", "Excellent", "Don't know"], N),
        },
        "y ~ q1 + q2 + health",
        {
            "model.levels": {
                "q1": AGREEMENT[::-1],
                "q2": [answer.lower().replace(" ", "_") for answer in AGREEMENT[::-1]],
                "health": ["Poor", "Fair", "Good", "Excellent", "Don't know"],
            }
        },
    ),
    "low, medium, high": (
        {"risk": RNG.choice(["low", "medium", "high"], N), "age": AGE},
        "y ~ risk + age",
        {"model.levels": {"risk": ["low", "medium", "high"]}},
    ),
    "an order that is the sorted one": (
        {"group": RNG.choice(["18-24", "25-34", "65+"], N), "agree": RNG.choice(["no", "yes"], N)},
        "y ~ group + agree",
        {},
    ),
    "yes and no, 0 and 1 with cells to fill": (
        {
            "smoker": with_gaps(RNG.integers(0, 2, N), 0.07),
            "married": RNG.choice(["yes", "no"], N),
            "bmi": with_gaps(RNG.normal(25, 4, N).round(1), 0.1),
        },
        "y ~ C(smoker) + married + bmi",
        {"ingest.missing": "mean"},
    ),
    "0 and 1, few of them missing": (
        {"smoker": with_gaps(RNG.integers(0, 2, N), 0.03), "age": AGE},
        "y ~ smoker + age",
        {"ingest.missing": "drop"},
    ),
    "text that is often missing": (
        {"married": with_gaps(RNG.choice(["yes", "no"], N), 0.3), "age": AGE},
        "y ~ married + age",
        {"ingest.missing": "drop"},
    ),
    "a year and a date": (
        {
            "year": RNG.integers(1990, 2020, N),
            "date": pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d"),
        },
        "y ~ year",
        {},
    ),
    "days of the week": (
        {"weekday": RNG.choice(["Mon", "Tue", "Wed", "Sun"], N), "age": AGE},
        "y ~ weekday + age",
        {"model.levels": {"weekday": ["Mon", "Tue", "Wed", "Sun"]}},
    ),
    "one feature that numbers the rows": ({"dose": range(1, N + 1)}, "y ~ dose", {}),
    "a row number beside a feature": ({"obs": range(1, N + 1), "age": AGE}, "y ~ age", {}),
    "an id alone": ({"id": range(N)}, "y ~ id", {}),
    "an id and a number of the row": ({"id": range(N), "nr": range(N, 0, -1)}, "y ~ id", {}),
    "mostly missing, and alone": (
        {"age": with_gaps(AGE, 0.6)},
        "y ~ age",
        {"ingest.missing": "mean"},
    ),
    "the index of a data frame, of which rows are gone": (
        {"Unnamed: 0": np.sort(RNG.permutation(2 * N)[:N]), "age": AGE},
        "y ~ age",
        {},
    ),
    "the index of resampled rows": (
        {"Unnamed: 0": RNG.integers(0, N, N), "age": AGE},
        "y ~ age",
        {},
    ),
    "what reset_index has written": (
        {
            "level_0": np.sort(RNG.permutation(2 * N)[:N]),
            "index": np.sort(RNG.permutation(2 * N)[:N]),
            "__index_level_0__": RNG.permutation(2 * N)[:N],
            "age": AGE,
        },
        "y ~ age",
        {},
    ),
    "the row names of R": (
        {"rownames": RNG.permutation(2 * N)[:N], "...2": RNG.permutation(2 * N)[:N], "age": AGE},
        "y ~ age",
        {},
    ),
    **{
        f"the number of a row, named {name}": (
            {name: np.sort(RNG.permutation(2 * N)[:N]), "age": AGE},
            "y ~ age",
            {},
        )
        for name in (
            *("CASENUM", "$CASENUM", "_n", "_N_", "Obs", "No.", "Nr.", "lfd. Nr.", "S.No.", "SNo"),
            *("#", "№", "N°", "rn", "_rowid_", "seq", "case", "case_no", "X", "X1", "X.1"),
        )
    },
    "a column X that explains the target": ({"X": 1000 * AGE}, "y ~ X", {}),
    "a column X that is not the first": (
        {"age": AGE, "X": np.sort(RNG.permutation(2 * N)[:N])},
        "y ~ age + X",
        {},
    ),
    "a measured index": (
        {"index": (1000 + 50 * RNG.normal(size=N)).round(1), "age": AGE},
        "y ~ index + age",
        {},
    ),
    "a rare level": ({"zone": ["island"] + ["coast"] * (N - 1), "age": AGE}, "y ~ zone + age", {}),
    "words that are no scale": (
        {"gas": RNG.choice(["NO2", "CO2", "O3"], N), "status": RNG.choice(["M", "S"], N)},
        "y ~ gas + status",
        {},
    ),
}
DEFAULTS = Params()
ABOUT_COLUMNS = ("split.by", "ingest.sentinels", "model.levels", "ingest.missing")


@pytest.fixture
def analyze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Analysis]:
    """Writes a table to t.csv and analyzes it."""
    monkeypatch.chdir(tmp_path)

    def analyze(columns: Columns, params: Params = DEFAULTS, **options: Any) -> Analysis:
        num_rows = len(next(iter(columns.values())))
        y = np.random.default_rng(1).normal(size=num_rows).round(3)
        pd.DataFrame({**columns, "y": y}).to_csv("t.csv", index=False)
        return analyze_table(Path("t.csv"), params, UseOptions(Path("t.csv"), **options))

    return analyze


def about_columns(analysis: Analysis) -> dict[str, Any]:
    """The parameters about columns that are not as they are by default."""
    values = {name: setting.value for name, setting in analysis.settings.items()}
    return {
        name: values[name]
        for name in ABOUT_COLUMNS
        if name in values and values[name] != "error" and values[name]
    }


@pytest.mark.parametrize("what", TABLES)
def test_a_table_gets_what_is_right_for_it(analyze: Callable[..., Analysis], what: str) -> None:
    columns, formula, expected = TABLES[what]
    analysis = analyze(columns)
    assert analysis.settings["model.formula"].value == formula
    assert about_columns(analysis) == expected
    assert analysis.target.name == "y"


@pytest.mark.parametrize("what", TABLES)
def test_what_was_found_can_be_had_otherwise(analyze: Callable[..., Analysis], what: str) -> None:
    """The options that the findings name are taken, and undo what was done."""
    columns, _, expected = TABLES[what]
    given: dict[str, Any] = {}
    if "split.by" in expected:
        given["split_by"] = "row"
    if "ingest.sentinels" in expected:
        given["sentinels"] = {name: [] for name in expected["ingest.sentinels"]}
    if "model.levels" in expected:
        given["levels"] = {name: [order[-1]] for name, order in expected["model.levels"].items()}
    if "ingest.missing" in expected:
        given["missing"] = "mean" if expected["ingest.missing"] == "drop" else "drop"
    analysis = analyze(columns, **given)
    found = about_columns(analysis)
    assert "split.by" not in found
    assert "ingest.sentinels" not in found
    for name, order in found.get("model.levels", {}).items():
        assert order[0] == expected["model.levels"][name][-1]
        assert sorted(order) == sorted(expected["model.levels"][name])
    if "ingest.missing" in found:
        assert found["ingest.missing"] == given["missing"]


def test_a_table_that_is_known_keeps_what_the_user_has_decided(
    analyze: Callable[..., Analysis],
) -> None:
    columns = {
        "patient_id": PATIENT,
        "age": with_gaps(AGE, 0.02, -999),
        "risk": RNG.choice(["low", "medium", "high"], N),
    }
    decided = Params.model_validate_json(
        '{"ingest": {"source": "t.csv"}, "model": {"levels": {"risk": ["high"]}}}'
    )
    analysis = analyze(columns, decided)
    assert about_columns(analysis) == {"model.levels": {"risk": ["high"]}}
    assert analysis.references["risk"] == "high"
    assert analysis.proposal.excluded["patient_id"] == "identifier"


def written(before: Params, analysis: Analysis) -> Params:
    """The parameters with those that `linreg use` writes."""
    document = before.model_dump(mode="json")
    for name, setting in analysis.settings.items():
        section, _, key = name.partition(".")
        document[section][key] = setting.value
    return Params.model_validate_json(json.dumps(document))


def test_folds_are_kept_with_another_table(analyze: Callable[..., Analysis]) -> None:
    for by, column in (("row", "age"), ("group:clinic", "clinic"), ("time:year", "year")):
        folds = {"split": {"by": by, "folds": 5}, "train": {"solver": "exact", "l1": "auto"}}
        before = Params.model_validate(folds)
        after = written(before, analyze({column: AGE, "income": INCOME}, before))
        assert (after.split.by, after.split.folds, after.train.l1) == (by, 5, "auto")


@pytest.mark.parametrize("source", ["t.csv", "other.csv"])
@pytest.mark.parametrize(
    ("by", "num_rows", "reason"),
    [
        ("group:clinic", N, "the column that they went by is not in this file"),
        ("time:year", N, "the column that they went by is not in this file"),
        ("row", 27, "too few rows"),
    ],
)
def test_folds_that_a_table_cannot_have_are_removed_with_what_needs_them(
    analyze: Callable[..., Analysis], source: str, by: str, num_rows: int, reason: str
) -> None:
    before = Params.model_validate(
        {
            "ingest": {"source": source},
            "split": {"by": by, "folds": 20},
            "train": {"solver": "exact", "l1": "auto"},
            "evaluate": {"gates": {"cv_rmse": {"max": 2.0}, "gap": {"max": 0.01}}},
        }
    )
    analysis = analyze({"age": AGE[:num_rows], "income": INCOME[:num_rows]}, before)
    assert analysis.settings["split.folds"] == (0, reason)
    assert analysis.settings["train.l1"] == (0.0, "auto needs folds")
    after = written(before, analysis)
    assert (after.split.by, after.split.folds, after.train.l1) == ("row", 0, 0.0)
    assert "cv_rmse" not in after.evaluate.gates


def test_a_group_takes_the_place_of_one_that_another_table_had(
    analyze: Callable[..., Analysis],
) -> None:
    before = Params.model_validate_json('{"split": {"by": "group:clinic"}}')
    split_by = analyze({"age": AGE}, before).settings["split.by"]
    assert split_by == ("row", "the column that it named is not in this file")
    assert analyze({"patient": PATIENT, "age": AGE}, before).settings["split.by"].value == (
        "group:patient"
    )


def test_a_number_that_gets_levels_is_a_category(analyze: Callable[..., Analysis]) -> None:
    columns = {"origin": RNG.integers(1, 4, N), "age": AGE}
    assert analyze(columns).settings["model.formula"].value == "y ~ origin + age"
    analysis = analyze(columns, levels={"origin": ["2", "1"]})
    assert analysis.settings["model.formula"].value == "y ~ C(origin) + age"
    assert analysis.settings["model.levels"].value == {"origin": [2, 1]}
    assert analysis.references == {"origin": "2"}


def test_levels_of_a_column_that_is_no_feature_are_not_written(
    analyze: Callable[..., Analysis],
) -> None:
    columns = {"zone": RNG.choice(["north", "south"], N), "age": AGE}
    analysis = analyze(columns, levels={"zone": ["south"]}, without=["zone"])
    assert about_columns(analysis) == {}
    assert "zone is not a feature, so it needs no --levels." in {
        finding.message for finding in analysis.findings
    }


def test_a_row_number_that_explains_the_target_is_kept(
    analyze: Callable[..., Analysis], tmp_path: Path
) -> None:
    day = np.arange(1, N + 1)
    rows = pd.DataFrame({"day": day, "age": AGE, "y": day / 9 + RNG.normal(size=N).round(3)})
    rows.to_csv("days.csv", index=False)
    analysis = analyze_table(Path("days.csv"), Params(), UseOptions(Path("days.csv")))
    assert analysis.settings["model.formula"].value == "y ~ day + age"
    [said] = [each for each in analysis.findings if each.column == "day"]
    assert said.is_hint
    assert "as it explains the target" in said.action


def test_a_row_number_beside_a_perfect_fit_explains_nothing(
    analyze: Callable[..., Analysis], tmp_path: Path
) -> None:
    rows = pd.DataFrame({"obs": range(1, N + 1), "age": AGE, "y": 3 * AGE + 1})
    rows.to_csv("exact.csv", index=False)
    analysis = analyze_table(Path("exact.csv"), DEFAULTS, UseOptions(Path("exact.csv")))
    assert analysis.settings["model.formula"].value == "y ~ age"


def test_what_is_filled_is_said_with_what_it_does(analyze: Callable[..., Analysis]) -> None:
    columns, *_ = TABLES["yes and no, 0 and 1 with cells to fill"]
    messages = {each.message: each for each in analyze(columns).findings}
    filled = messages["Missing cells: bmi 10.0%."]
    assert "standard errors become too small" in filled.action
    assert filled.otherwise == "To drop these rows, add --missing drop"
    dropped = messages["Categories have missing cells: smoker in 42 rows."]
    assert "These rows will be dropped." in dropped.action


def test_nothing_about_columns_is_proposed_for_the_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = EXAMPLES / "auto-mpg.csv"
    analysis = analyze_table(path, Params(), UseOptions(path, target="mpg"))
    assert about_columns(analysis) == {"ingest.missing": "drop"}
