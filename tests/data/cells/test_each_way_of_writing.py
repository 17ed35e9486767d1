"""What a person reads in a column is what ingest reads, and what every later row is predicted from.

Each column is tried in a file, in that file again as rows to predict, cell by cell in files of one
row, and as text from Python.
"""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from linreg.data.formula.design import Design
from linreg.data.source import open_source
from linreg.errors import UserError
from linreg.fit.model import LinearModel
from linreg.prediction.predict_table import predict_table
from tests.data.dialects.reading import ingest_file

# Cells are separated by |.
NUMBERS: dict[str, list[Any]] = {
    # Signs and money
    "-$5|$7|$8": [-5, 7, 8],
    "$-5|$7": [-5, 7],
    "($5)|$7": [-5, 7],
    "$(5)|$7": [-5, 7],
    "5-$|7$": [-5, 7],
    "5$-|7$": [-5, 7],
    "- $ 5|$ 6": [-5, 6],
    "€ -5,00|€ 7,50": [-5, 7.5],
    "-5,00 €|7,50 €": [-5, 7.5],
    "$ (5.00)|$ 6.00": [-5, 6],
    "(5.00) $|6.00 $": [-5, 6],
    "(5)%|6%": [-5, 6],
    "(5%)|6%": [-5, 6],
    "USD -5|USD 6": [-5, 6],
    "US $1,234|US $7": [1234, 7],
    "A$5|A$6": [5, 6],
    "€5|6€": [5, 6],
    "$1,200|N/A|$3": [1200, None, 3],
    "$1,200|-|$3": [1200, None, 3],
    " $ 1,200.00 | $ -   |-  $": [1200, None, None],
    "R$ 1.234,50|R$ 7,00": [1234.5, 7],
    "kr. 1.234,50|kr. 7,00": [1234.5, 7],
    "₹1,23,456.00|₹7.50": [123456, 7.5],
    "CHF 1'234.50|CHF 7.00": [1234.5, 7],
    "1 234,50 zł|7,00 zł": [1234.5, 7],
    "1 234 руб.|7 руб.": [1234, 7],
    "1,234円|7円": [1234, 7],
    "120.-|99.50": [120, 99.5],
    "120,--|99,50": [120, 99.5],
    "5-|6": [-5, 6],
    "−5 °C|6 °C": [-5, 6],
    "12 m²|15 m²": [12, 15],
    "5 kg|0|8 kg": [5, 0, 8],
    "5%|0|3%": [5, 0, 3],
    "5,5%|7,25%": [5.5, 7.25],
    # Decimal signs and thousands
    "1,5E+03|2,5E+02": [1500, 250],
    "1.500E+03|2.5": [1500, 2.5],
    "1'234.50|12’345.00": [1234.5, 12345],
    "1'234|12'345|7": [1234, 12345, 7],
    "1 234,5|2\u202f345,6": [1234.5, 2345.6],
    "1.000": [1.0],
    "1.000.000": [1000000],
    "1,000,000": [1000000],
    ",5|,7": [0.5, 0.7],
    "5,|7,": [5, 7],
    "5.|.5": [5, 0.5],
    "0,125|0,250": [0.125, 0.25],
    "1.5|1,234": [1.5, 1234],
    "1,5|1.234,5": [1.5, 1234.5],
    "1,234|999": [1234, 999],
    "1.234|999": [1.234, 999],
    "1,5|-999|2,5": [1.5, -999, 2.5],
    # Digits of others, and what cannot be seen
    "١٢٫٣|٤٥٫٦": [12.3, 45.6],
    "١٬٢٣٤|٤٥": [1234, 45],
    "۱۲۳|۴۵": [123, 45],
    "१२३|४५": [123, 45],
    "১২৩|৪৫": [123, 45],
    "๑๒๓|๔๕": [123, 45],
    "１２３|４５．６": [123, 45.6],
    "5\u200b|\ufeff6|\u200e7": [5, 6, 7],
    "\xa0|5|6": [None, 5, 6],
    # Words
    r"1|\N|3": [1, None, 3],
    r"$1|\N|$3": [1, None, 3],
    "—|5|6": [None, 5, 6],
    "1.#QNAN|-1.#IND|2": [None, None, 2],
    "nan|1|NaN": [None, 1, None],
    "TRUE|-|FALSE": [True, None, False],
    "true |false": [True, False],
    # Sizes
    "1e-400|5e-324|2": [0, 5e-324, 2],
    "123456789012345678|1": [123456789012345678, 1],
    "18446744073709551615|1": [2.0**64, 1],
    "1" * 40 + "|2": [float("1" * 40), 2],
    "01234|12345": [1234, 12345],
    "-0|0|1.50|1.5": [0, 0, 1.5, 1.5],
}
TEXT = """\
CR/DR: 5 CR|6 DR; powers: 10³|20³; squares: 5²|6²; caret: 10^3|10^4; times: 1.5×10^3|2×10^3
halves: ½|¼; fractions: 1/2|3/4; ratios: 3:1x|4:1x; ranges: 10-20|20-30; dashes: 10–20|20–30
bounds: <0.05|<0.01; stars: 5*|8*; spread: 5±1|6±2; signs: ++5|--6; phone: 555-1234|555-9876
French phone: 01 23 45 67 89|06 12 34 56 78; ISBN: 978-3-16-148410-0|978-0-306-40615-7
ISBN-10: 030640615X|0306406152; IP: 192.168.0.1|10.0.0.1; MAC: 00:1A:2B:3C:4D:5E|00:1A:2B:3C:4D:5F
version: 1.2.3|1.10.0; card: 4111 1111 1111 1111|4222 2222 2222 2222; D: 1D5|2D7; hex: 0x1F|0x2A
binary: 0b101|0b11; Python: 1_000|2_000; Excel's: '0123|'0456; formulas: =1+2|=2+3; k: 5k|6k
inches: 3"|4"; feet: 5'3"|6'1"; ordinals: 1st|2nd; quoted: “5”|“6”; letters: T|F; sizes: 2x4|2x6
words: Infinity|Beyond; both: -(5)|(5)-; lists: 1)|2); brackets: [1]|[2]; years: 2019/20|2020/21"""
COLUMNS_OF_TEXT = [each.split(": ", 1)[1] for each in re.split(r"; |\n", TEXT)]
REFUSED = {
    "5 kg|7 kg|8": "'5 kg': is a formatted number",
    "5%|7%|0.3": "'5%': is a formatted number",
    "5 €|6 EUR": "'5 €': is a formatted number",
    "1.5|2,5|3": "'2,5': is a formatted number",
    "1.234,5|2,345.6": "'1.234,5': is a formatted number",
    "(1)|(2)": "is a formatted number",
    "1|2|3|unknown": "'unknown': is not a number, unlike .* ingest.missing_words",
    "1|.a|3": "'.a': is not a number, unlike .* ingest.missing_words",
    "<5|7|8": "'<5': is not a number",
    "~7|8|9": "'~7': is not a number",
    "1,234¹|2,345|3,456": "'1,234¹': is not a number",
    "TRUE|0|1|FALSE": "'TRUE': is not a number",
    "Yes|0|1": "'Yes': is not a number",
    "INF|1": "finite number; found inf",
    "1e400|2": "finite number; found inf",
    "1,000": "may be 1000 or 1.000; .*ingest.decimal",
    "$1,200": "may be 1200 or 1.200; .*ingest.decimal",
    "1,234|1234": "may be 1234 or 1.234; .*ingest.decimal",
    "1,500E+03|2,500E+02": "may be 1500E.03 or 1.500E.03",
    "12:30|13:45": "is a date or a time",
    "NA|": "has no value",
}


def write(path: Path, cells: Sequence[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("y", "x"), *enumerate(cells)])
    return path


def repeated(text: str) -> list[str]:
    cells = text.split("|")
    return cells * 6 if len(cells) > 1 else cells


def predicted(model: LinearModel, path: Path) -> list[float | None]:
    output = path.with_suffix(".parquet")
    source = open_source(path, model.design.schema.reading)
    predict_table(model, source, output, [], None, with_file=False)
    predictions: list[float | None] = pq.read_table(output)["prediction"].to_pylist()
    return predictions


def check_predictions(cells: Sequence[str], formula: str, folder: Path) -> list[Any]:
    """Return what ingest reads in the cells; the predictions from all other readings agree."""
    path = write(folder / "t.csv", cells)
    rows, schema = ingest_file(path, {}, formula, folder)
    read = dict(zip(rows["y"].to_pylist(), rows["x"].to_pylist(), strict=True))
    design = Design.fit(schema, [rows])
    model = LinearModel(design, np.arange(1.0, len(design.names) + 1), 0.5, {})
    meant = dict(zip(read, model.predict(rows).tolist(), strict=True))
    assert predicted(model, path) == [meant.get(row) for row in range(len(cells))]
    for row in range(len(set(cells)) if formula == "y ~ x" else 0):
        if row in read:
            assert predicted(model, write(folder / "one.csv", [cells[row]])) == [meant[row]]
    texts = pd.DataFrame({"x": [cells[row] for row in read]})
    assert model.predict(texts, text=True).tolist() == list(meant.values())
    return [read.get(row) for row in range(len(cells))]


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ C(x)"])
@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_read_wherever_they_are(text: str, formula: str, tmp_path: Path) -> None:
    cells = repeated(text)
    values = NUMBERS[text] * (len(cells) // len(NUMBERS[text]))
    if formula == "y ~ C(x)" and max(map(abs, filter(None, values))) >= 2**60:
        with pytest.raises(UserError, match="rounds, so that two levels could become one"):
            check_predictions(cells, formula, tmp_path)
    else:
        assert check_predictions(cells, formula, tmp_path) == values


@pytest.mark.slow
@pytest.mark.parametrize("text", COLUMNS_OF_TEXT)
def test_what_is_no_number_is_a_category_with_a_word(text: str, tmp_path: Path) -> None:
    cells = repeated(text)
    assert check_predictions(cells, "y ~ x", tmp_path) == cells
    profile = json.loads((tmp_path / "data/ingested/profile.json").read_text())
    notes = [note["what"] for note in profile.get("reading", [])]
    assert (
        any("is used as a category" in note for note in notes)
        == cells[0].lstrip("'=+-<“([½¼")[:1].isnumeric()
        or "½" in text
    )


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_says_what_was_found(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", repeated(text))
    with pytest.raises(UserError, match=REFUSED[text]):
        ingest_file(path, {}, "y ~ x", tmp_path)


def test_levels_beyond_float64_are_not_merged(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", ["12345678901234567890", "12345678901234567891"] * 3)
    with pytest.raises(UserError, match="two levels could become one"):
        ingest_file(path, {}, "y ~ C(x)", tmp_path)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.5", "2", "NA"], [1.5, 2, None]),
        (["$1,200", "$3.50"], [1200, 3.5]),
        (["1.234,5", "2,5"], [1234.5, 2.5]),
    ],
)
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ C(x)"])
def test_text_in_parquet_is_read_as_in_csv_unless_it_is_a_category(
    cells: list[str], values: list[Any], formula: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"y": range(len(cells) * 6), "x": cells * 6}), path)
    rows, schema = ingest_file(path, {}, formula, tmp_path)
    found = dict(zip(rows["y"].to_pylist(), rows["x"].to_pylist(), strict=True))
    is_category = formula == "y ~ C(x)"
    assert [found.get(row) for row in range(len(cells))] == (cells if is_category else values)
    design = Design.fit(schema, [rows])
    model = LinearModel(design, np.arange(1.0, len(design.names) + 1), 0.5, {})
    meant = dict(zip(found, model.predict(rows).tolist(), strict=True))
    output = tmp_path / "o.parquet"
    predict_table(model, open_source(path, schema.reading), output, [], None, with_file=False)
    predictions = pq.read_table(output)["prediction"].to_pylist()
    assert predictions == [meant.get(row) for row in range(len(cells) * 6)]


def test_codes_in_parquet_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"y": range(6), "x": ["01234", "02345"] * 3}), path)
    with pytest.raises(UserError, match="numbers stored as text"):
        ingest_file(path, {}, "y ~ x", tmp_path)


@pytest.mark.parametrize(
    ("training", "new", "prediction"),
    [
        # Numbers that show their sign, here or in a column that is not used
        ("y;x;z\n1;1,5;a\n2;2,5;a\n3;4,5;a\n", "x;z\n1.234;1,5\n", 1234.5),
        ("y;x;z\n1;1,5;a\n2;2,5;a\n3;4,5;a\n", "x,z\n1.234,1.5\n", 1.734),
        ("y,x,z\n1,1,a\n2,2,a\n3,4,a\n", 'x,z\n"1,234",1.5\n', 1234.5),
        # None that does, and two conventions
        ("y;x;z\n1;1,5;a\n2;2,5;a\n3;4,5;a\n", "x;z\n1.234;a\n", 1234.5),
        ("y;x;z\n1;1,5;a\n2;2,5;a\n3;4,5;a\n", "x,z\n1.234,a\n", "may be 1.234 or 1234; .*dec"),
        ("y;x;z\n1;1;a\n2;2;a\n3;4;a\n", "x;z\n1.234;a\n", "may be 1.234 or 1234; .*dec"),
        ("y,x,z\n1,1.5,a\n2,2.5,a\n3,4.5,a\n", 'x,z\n"1,234",a\n', "may be 1234 or 1.234; .*dec"),
    ],
)
def test_the_decimal_sign_of_new_rows(
    training: str, new: str, prediction: float | str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(training)
    (tmp_path / "new.csv").write_text(new)
    rows, schema = ingest_file(tmp_path / "t.csv", {}, "y ~ x", tmp_path)
    model = LinearModel(Design.fit(schema, [rows]), np.array([1.0]), 0.5, {})
    if isinstance(prediction, str):
        with pytest.raises(UserError, match=prediction):
            predicted(model, tmp_path / "new.csv")
    else:
        assert predicted(model, tmp_path / "new.csv") == [prediction]
