from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from linreg.data.csv import dialect
from linreg.data.formula.design import Design
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from tests.prediction.fitted import save_model, training_rows
from tests.prediction.test_row_predictions import predicted

Learn = Callable[..., Design]


@pytest.fixture
def model(tmp_path: Path, learn: Learn) -> LinearModel:
    return save_model(tmp_path / "model", learn, "y ~ x + z + g")


def reasons_of(model: LinearModel, folder: Path, text: str) -> list[str]:
    (folder / "in.csv").write_text(text)
    reasons: list[str] = predicted(model, folder / "in.csv")["reason"].tolist()
    return reasons


def test_the_cells_with_a_comma_or_a_point_decide_which_is_decimal(
    model: LinearModel, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("x;z;g\n1;2;a\n0,5;2.5;b\n0.5;2,5;c\n")
    found = predicted(model, tmp_path / "in.csv")
    # One cell of each kind in each column: points are the usual case.
    assert found["reason"].tolist() == ["ok", "not a number: x", "not a number: z"]
    (tmp_path / "in.csv").write_text("x;z;g\n1;2;a\n0,5;2,5;b\n0,25;1.5;c\n-1,5;2,5;c\n")
    found = predicted(model, tmp_path / "in.csv")
    assert found["reason"].tolist() == ["ok", "ok", "not a number: z", "ok"]
    alone = pd.DataFrame({"x": [1, 0.5, -1.5], "z": [2, 2.5, 2.5], "g": ["a", "b", "c"]})
    assert found["prediction"].dropna().tolist() == model.predict(alone).tolist()


def test_the_decimal_sign_is_decided_for_the_whole_file(
    model: LinearModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 40)
    lines = ["1;2;a"] * 10 + ["0,5;2;a"] * 10 + ["0.5;2;a"] * 10
    assert (
        reasons_of(model, tmp_path, "x;z;g\n" + "\n".join(lines) + "\n")
        == ["ok"] * 10 + ["not a number: x"] * 10 + ["ok"] * 10
    )


def test_a_column_without_a_single_number_is_an_error_that_names_its_first_cell(
    model: LinearModel, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        reasons_of(model, tmp_path, "x,z,g\n,few,a\nlow,many,a\nhigh,3 of them,b\n")
    assert str(caught.value) == (
        f"{tmp_path}/in.csv: row 2: column x: must hold numbers, as in training; found low; "
        "name the columns as in training, or correct the cells"
    )


def test_text_in_a_later_row_is_an_error_of_that_row_alone(
    model: LinearModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 64)
    cells = [f"1,{'oops' if row in (50, 51, 52, 53, 54, 55) else 2},a" for row in range(100)]
    expected = ["not a number: z" if 50 <= row <= 55 else "ok" for row in range(100)]
    assert reasons_of(model, tmp_path, "x,z,g\n" + "\n".join(cells) + "\n") == expected


def test_decimal_commas_below_text_among_points_are_refused(
    model: LinearModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text tells no decimal sign; a number below it does, once points have been read."""
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 64)
    cells = ["1,2,a"] * 20 + ["1,oops,a"] + ["1,2,a"] * 20 + ['"246,10",2,a']
    with pytest.raises(UserError, match="column x: has decimal commas in row 42 or below"):
        reasons_of(model, tmp_path, "x,z,g\n" + "\n".join(cells) + "\n")


def test_only_words_for_missing_are_missing_whatever_the_other_cells_are(
    model: LinearModel, tmp_path: Path
) -> None:
    """pyarrow reads `nAn` and its like as a float."""
    expected = {"nAn": "not a number: x", "+nan": "not a number: x", "inf": "not finite: x"}
    expected |= dict.fromkeys(["nan", " nan", "NA ", "", "?"], "missing value: x")
    for cell, reason in expected.items():
        assert reasons_of(model, tmp_path, f"x,z,g\n1,2,a\n{cell},2,a\n") == ["ok", reason]


def test_the_files_of_a_folder_may_have_different_dialects(
    model: LinearModel, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.csv").write_text("x,z,g\n0.5,2,a\n")
    (folder / "2.csv").write_text("g;z;more;x\nb;2,5;!;1\n")
    found = predicted(model, folder)
    assert found["row"].tolist() == [1, 1]
    alone = pd.DataFrame({"x": [0.5, 1], "z": [2, 2.5], "g": ["a", "b"]})
    assert found["prediction"].tolist() == model.predict(alone).tolist()


def test_categories_that_look_like_numbers_are_compared_as_text(
    tmp_path: Path, learn: Learn
) -> None:
    rows = training_rows()
    names = {"a": "1", "b": "01", "c": "x"}
    rows = rows.set_column(3, "g", [[names[each] for each in rows["g"].to_pylist()]])
    model = save_model(tmp_path / "zip", learn, "y ~ x + g", rows)
    (tmp_path / "in.csv").write_text("x,g\n1,1\n1,01\n1,001\n")
    found = predicted(model, tmp_path / "in.csv")
    assert found["reason"].tolist() == ["ok", "ok", "unseen level: g"]
    assert (
        found["prediction"][:2].tolist()
        == model.predict(pd.DataFrame({"x": [1, 1], "g": ["1", "01"]})).tolist()
    )


@pytest.mark.parametrize(
    "text",
    [
        "x;z;g\n1;2;a\n3;4;b\n",
        "sep=;\nx;z;g\n1;2;a\n3;4;b\n",
        "Made in 2024\n\nx,z,g\n1,2,a\n3,4,b\n",
        "x,z,g,\n[m],[s],,\n1,2,a,\n3,4,b,\n,,,\n",
        "# x z g\n1 2 a\n3 4 b\n",
        "x,z,g,other,other\n1,2,a,5,6\n3,4,b,7,8\n",
        '"x" "z" "g"\n"1" 1 2 "a"\n"2" 3 4 "b"\n',
    ],
)
def test_the_layout_of_a_file_makes_no_difference_to_its_predictions(
    model: LinearModel, tmp_path: Path, text: str
) -> None:
    (tmp_path / "in.csv").write_text(text)
    found = predicted(model, tmp_path / "in.csv")
    alone = pd.DataFrame({"x": [1, 3], "z": [2, 4], "g": ["a", "b"]})
    assert found["prediction"].tolist() == model.predict(alone).tolist()
