"""CSV files with odd or wrong cells, and what has to become of them."""

import re
from collections.abc import Callable, Mapping
from random import Random

from linreg.data.cells.words import MISSING
from tests.faults.inputs.case import Case
from tests.faults.inputs.csv_writing import SIZES, Dialect, lines_of, table, written

BLOCK = 4 << 20


def good(r: Random) -> Case:
    """Any delimiter, line end, quotes, byte order mark; cells of any size; text with all of these
    in it.
    """
    cells, dialect = table(r), Dialect.drawn(r)
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def one_row(r: Random) -> Case:
    cells, dialect = table(r, 1), Dialect.drawn(r)
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def constant_target(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["y"] = [r.choice(SIZES)] * len(cells["x"])
    return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)


def blanks_around(r: Random) -> Case:
    cells, dialect = (
        table(r),
        Dialect(r.choice(",;|"), r.choice(["\n", "\r\n", "\r"]), r.random() < 0.3, False, True),
    )
    cells["t"] = [r.choice(["a", "b c"]) for _ in cells["t"]]
    lines = [
        dialect.delimiter.join(
            f"{r.choice(['', ' ', '  '])}{name}{r.choice(['', ' '])}" for name in cells
        )
    ]
    for y, x, t in zip(*cells.values(), strict=True):
        lines.append(dialect.delimiter.join([f" {y!r}", f"{x!r}  ", t]))
    return Case({"table": dialect.text(lines)}, table=cells)


def decimal_commas(r: Random) -> Case:
    cells, end = table(r), r.choice(["\n", "\r\n"])
    cells["y"] = [float(y) for y in cells["y"]]
    dialect = Dialect(";", end, r.random() < 0.3, False, True)
    rows = [
        [repr(y).replace(".", ","), written(x), t] for y, x, t in zip(*cells.values(), strict=True)
    ]
    cells["y"] = [float(y) for y in cells["y"]]
    if all(re.fullmatch(r"-?\d+(e[+-]?\d+)?", row[0]) for row in rows):
        return good(r)
    return Case(
        {"table": dialect.text([dialect.line(list(cells)), *map(dialect.line, rows)])}, table=cells
    )


def missing_features(r: Random) -> Case:
    """Rows without y or t are dropped, an x is left for the training's mean."""
    cells, dialect = table(r, r.randint(8, 40)), Dialect.drawn(r)
    for name in cells:
        cells[name][1:] = [None if r.random() < 0.2 else cell for cell in cells[name][1:]]
    lines = [dialect.line(list(cells))]
    lines += [
        dialect.line([r.choice(MISSING) if cell is None else written(cell) for cell in row])
        for row in zip(*cells.values(), strict=True)
    ]
    stay = [
        row
        for row in zip(*cells.values(), strict=True)
        if row[0] is not None and row[2] is not None
    ]
    kept = {name: [row[i] for row in stay] for i, name in enumerate(cells)}
    return Case({"table": dialect.text(lines)}, table=kept, params={"ingest": {"missing": "mean"}})


def missing_refused(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    row, name = r.randrange(1, len(cells["y"])), r.choice("yx")
    lines = lines_of(cells, dialect)
    changed = {key: list(values) for key, values in cells.items()}
    changed[name][row] = r.choice(MISSING)
    return Case(
        {"table": dialect.text([lines[0], *lines_of(changed, dialect)[1:]])},
        rf"^table: row {row + 1}: column {name}: is missing, the first of 1 such",
    )


def all_missing(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    cells[name] = [r.choice(MISSING) for _ in cells[name]]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        rf"^table: column {name}: has no value, only missing cells",
    )


def mixed_types(r: Random) -> Case:
    """One cell of a column of numbers that is none."""
    cells, dialect = table(r, r.randint(8, 40)), Dialect.drawn(r)
    row, name = r.randrange(2, len(cells["y"])), r.choice("yx")
    word = r.choice(
        [
            "1OO",
            "0x1F",
            "1_000",
            "12:30",
            "one",
            "1.2.3",
            "12 cm",
            "true",
            "2024-01-01",
            "1e",
            "+-1",
        ]
    )
    cells[name][row] = word
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        rf"^table: row {row + 1}: column {name}: {re.escape(repr(word))}: (is not a number|must be a number|is a formatted number)",
    )


def thousands(r: Random) -> Case:
    """Numbers with a sign between thousands and a decimal point, which tells one from the other."""
    dialect = Dialect.drawn(r)
    cells = table(r)
    sign = r.choice([",", " ", "'", "\u202f"])
    cells["x"] = [f"{r.randint(1, 999)}{sign}{r.randint(100, 999)}.5" for _ in cells["x"]]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        table=cells | {"x": [float(x.replace(sign, "")) for x in cells["x"]]},
    )


def dates_as_text(r: Random) -> Case:
    """Dates of other countries are text for the reader, and no category."""
    cells, dialect = table(r), Dialect.drawn(r)
    way = r.choice(
        [
            "{2:02}/{1:02}/{0}",
            "{1:02}/{2:02}/{0}",
            "{2}.{1}.{0}",
            "{2:02}-{1:02}-{0}",
            "{0}/{1:02}/{2:02}",
            "{0}{1:02}{2:02}T0000",
        ]
    )
    days = [(r.randint(1990, 2030), r.randint(1, 12), r.randint(13, 28)) for _ in range(2)]
    cells["x"] = [way.format(*r.choice(days)) for _ in cells["x"]]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))}, r"^table: row 1: column x: .*is a date"
    )


def dates(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    cells["x"] = [
        f"{r.randint(1677, 2262)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"
        + r.choice(["", "T10:30", " 10:30:00.000001"])
        for _ in cells["x"]
    ]
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: column x: must be a number or a category.*(date32|timestamp)",
    )


def truth_values(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    cells[name] = [r.random() < 0.5 for _ in cells[name]]
    shown = cells | {
        name: [r.choice([str(cell), str(cell).lower(), str(cell).upper()]) for cell in cells[name]]
    }
    line = (
        r"^table: .*column y.*must be a number, as it is the target; found type bool"
        if name == "y"
        else None
    )
    return Case({"table": dialect.text(lines_of(shown, dialect))}, line, None if line else cells)


def infinities(r: Random) -> Case:
    cells, dialect, name = table(r), Dialect.drawn(r), r.choice("yx")
    row = r.randrange(len(cells["y"]))
    cells[name] = [float(cell) for cell in cells[name]]
    cells[name][row] = r.choice(["inf", "-inf", "Infinity", "1e400", "-1e309", "INF", "-INFINITY"])
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        rf"^table: row {row + 1}: column {name}: must be a finite number; found -?inf",
    )


def huge_field(r: Random) -> Case:
    cells, dialect = table(r), Dialect.drawn(r)
    row = r.randrange(len(cells["t"]))
    size = r.choice([10_000_000, BLOCK // 2])
    cells["t"][row] = r.choice(["a", "ä", "a,", '"', "\n"]) * size
    if size == BLOCK // 2:
        cells["t"][row] = "b" * size
        return Case({"table": dialect.text(lines_of(cells, dialect))}, table=cells)
    return Case(
        {"table": dialect.text(lines_of(cells, dialect))},
        r"^table: row \d+: the row is longer than 4194304 bytes",
    )


KINDS: Mapping[str, Callable[[Random], Case]] = {
    kind.__name__: kind
    for kind in (
        good,
        one_row,
        constant_target,
        blanks_around,
        decimal_commas,
        missing_features,
        missing_refused,
        all_missing,
        mixed_types,
        thousands,
        dates_as_text,
        dates,
        truth_values,
        infinities,
        huge_field,
    )
}
