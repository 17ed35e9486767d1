"""Broken and odd Parquet files and folders, each drawn by a seeded generator, with what has to
become of them.
"""

import datetime
import decimal
import io
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption

from tests.faults.inputs.case import Case, Table
from tests.faults.inputs.csv_writing import SIZES, numbers, table

PAST_2_53 = (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**53 - 1)
DAMAGE = r"^table: cannot be read as Parquet; found .*; delete it and make it again"


def parquet(cells: Table | pa.Table, **options: Any) -> bytes:
    """Write a table as other tools do, with the checksums of its pages."""
    sink = io.BytesIO()
    pq.write_table(
        cells if isinstance(cells, pa.Table) else pa.table(dict(cells)),
        sink,
        **{"write_page_checksum": True} | options,
    )
    return sink.getvalue()


def good(r: Random) -> Case:
    """Any codec, encoding, version, size of row group and page, in one file."""
    cells = table(r)
    options = {
        "compression": r.choice(["none", "snappy", "gzip", "brotli", "zstd", "lz4"]),
        "use_dictionary": r.choice([True, False, ["t"]]),
        "version": r.choice(["1.0", "2.4", "2.6"]),
        "row_group_size": r.randint(1, 50),
        "data_page_version": r.choice(["1.0", "2.0"]),
        "data_page_size": r.choice([1, 100, 1 << 20]),
        "write_statistics": r.random() < 0.5,
        "store_schema": r.random() < 0.5,
    }
    return Case({"table": parquet(cells, **options)}, table=cells)


def odd_type(r: Random) -> Case:
    """A feature of any type that is a number, or stands for one, and its nearest float."""
    cells = table(r)
    count = len(cells["y"])
    x: pa.Array
    way = r.choice(
        [
            "uint64",
            "int64",
            "decimal",
            "decimal256",
            "half",
            "dictionary",
            "int8",
            "float",
            "bool",
            "null",
            "large_string",
            "view",
        ]
    )
    if way == "uint64":
        whole = [r.choice([2**64 - 1, 2**53 + 1, 2**63, 0, 7]) for _ in range(count)]
        expected: list[Any]
        x, expected = pa.array(whole, pa.uint64()), [float(cell) for cell in whole]
    elif way == "int64":
        expected = [r.choice(PAST_2_53) for _ in range(count)]
        x = pa.array(expected, pa.int64())
    elif way in ("decimal", "decimal256"):
        digits = [
            decimal.Decimal(r.randint(-(10**37), 10**37)).scaleb(-20, decimal.Context(prec=80))
            for _ in range(count)
        ]
        x, expected = (
            pa.array(
                digits, pa.decimal256(60, 20) if way == "decimal256" else pa.decimal128(38, 20)
            ),
            [float(str(digit)) for digit in digits],
        )
    elif way in ("half", "float"):
        kind = np.float16 if way == "half" else np.float32
        values = np.array(
            [r.choice([65504.0, 6e-8, -0.0, 0.1, r.uniform(-9, 9)]) for _ in range(count)], kind
        )
        x, expected = pa.array(values), [float(value) for value in values]
    elif way == "dictionary":
        expected = [r.choice([0.5, 1e308, 5e-324]) for _ in range(count)]
        x = pa.array(expected).dictionary_encode()
    elif way == "int8":
        expected = [r.randint(-128, 127) for _ in range(count)]
        x = pa.array(expected, pa.int8())
    elif way == "bool":
        expected = [r.random() < 0.5 for _ in range(count)]
        x = pa.array(expected)
    elif way == "null":
        x = pa.nulls(count)
        cells["x"] = x
        return Case(
            {"table": parquet(cells)}, r"^table: column x: has no value, only missing cells"
        )
    else:
        expected = [r.choice(["a", "ß"]) for _ in range(count)]
        x = pa.array(expected, pa.large_string() if way == "large_string" else pa.string_view())
        return Case(
            {"table": parquet(cells | {"x": x})},
            table=cells | {"x": expected},
            params={"model": {"formula": "y ~ C(x)"}},
        )
    return Case({"table": parquet(cells | {"x": x})}, table=cells | {"x": expected})


def no_number(r: Random) -> Case:
    """A feature of a type that is none."""
    cells = table(r)
    count = len(cells["y"])
    day = datetime.date(2024, 2, 29)
    x, found = r.choice(
        [
            (
                pa.array([[1.0]] * count),
                r"must hold numbers, text, truth values or times; found (list|fixed)",
            ),
            (pa.array([{"a": 1}] * count), "must hold numbers.*found struct"),
            (
                pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int64())),
                "must hold numbers.*found map",
            ),
            (pa.array([b"x"] * count), "must hold numbers.*found binary"),
            (
                pa.array([b"xy"] * count, pa.binary(2)),
                r"must hold numbers.*found fixed_size_binary",
            ),
            (pa.array([b"x"] * count, pa.large_binary()), "must hold numbers.*found large_binary"),
            (
                pa.array([[1, 2]] * count, pa.list_(pa.int64(), 2)),
                "must hold numbers.*found fixed_size_list",
            ),
            (pa.array([[{"a": [1]}]] * count), "must hold numbers.*found list"),
            (pa.array([day] * count), "must be a number or a category.*date32"),
            (
                pa.array([day] * count, pa.date64()),
                "must be a number or a category.*(date|timestamp)",
            ),
            (pa.array([5] * count, pa.time64("us")), "must be a number or a category.*time64"),
            (pa.array([5] * count, pa.time32("ms")), "must be a number or a category.*time32"),
            (pa.array([5] * count, pa.duration("ns")), "must be a number or a category.*duration"),
            (
                pa.array([5] * count, pa.timestamp("ns", "Europe/Berlin")),
                "must be a number or a category.*timestamp",
            ),
            (pa.array([5] * count, pa.timestamp("s")), "must be a number or a category.*timestamp"),
            (
                pa.array([b"\0" * 16] * count, pa.uuid()),
                "must hold numbers.*found extension|found .*uuid",
            ),
        ]
    )
    return Case({"table": parquet(pa.table(cells | {"x": x}))}, rf"^table: column x: .*({found})")


def odd_target(r: Random) -> Case:
    cells = table(r)
    cells["y"] = r.choice(
        [
            ["a"] * len(cells["x"]),
            [True] * len(cells["x"]),
            [datetime.date(2024, 1, 1)] * len(cells["x"]),
            [[1.0]] * len(cells["x"]),
        ]
    )
    return Case({"table": parquet(cells)}, r"^table: .*column y.*must (be|hold)")


def not_finite(r: Random) -> Case:
    cells, name = table(r), r.choice("yx")
    row = r.randrange(len(cells["y"]))
    cells[name] = [float(cell) for cell in cells[name]]
    cells[name][row] = r.choice([float("inf"), float("-inf")])
    content = parquet(cells, row_group_size=r.randint(1, 50))
    return Case(
        {"table": content},
        rf"^table: row {row + 1}: column {name}: must be a finite number; found -?inf",
    )


def odd_names(r: Random) -> Case:
    cells = table(r)
    arrays, names = [pa.array(cell) for cell in cells.values()], list(cells)
    if r.random() < 0.3:
        return Case(
            {
                "table": parquet(
                    pa.Table.from_arrays([*arrays, arrays[0]], [*names, r.choice(names)])
                )
            },
            r"^table: column [yxt]: duplicate column name",
        )
    more = r.choice(
        [
            ["", ""],
            ["a b", "`"],
            ["\n", "\t"],
            ["日本", "é"],
            ["__index_level_0__", "x.y"],
            ["y ", " y"],
        ]
    )
    return Case(
        {"table": parquet(pa.Table.from_arrays([*arrays, *arrays[:2]], [*names, *more]))},
        table=cells,
    )


def nothing_in_it(r: Random) -> Case:
    """No rows, no columns, no row groups."""
    empty = pa.schema([("y", pa.float64()), ("x", pa.float64()), ("t", pa.string())])
    sink = io.BytesIO()
    content, line = r.choice(
        [
            (parquet(empty.empty_table()), "has no row to train on"),
            (parquet(pa.table({})), "column [yxt]: is not in the file"),
            (b"", "is empty"),
            (b"PAR1", "cannot be read as Parquet"),
            (b"PAR1PAR1", "cannot be read as Parquet"),
            (b"PAR1" + bytes(8) + b"PAR1", "cannot be read as Parquet"),
            (b"PAR1" + b"\xff" * 8 + b"PAR1", "cannot be read as Parquet"),
        ]
    )
    if r.random() < 0.3:
        pq.ParquetWriter(sink, empty).close()
        content, line = sink.getvalue(), "has no row to train on"
    return Case({"table": content}, rf"^table: .*{line}")


def empty_groups(r: Random) -> Case:
    """Row groups without a row before, between and behind the others."""
    cells, sink = table(r), io.BytesIO()
    whole = pa.table(cells)
    with pq.ParquetWriter(sink, whole.schema, write_page_checksum=True) as writer:
        for start in range(whole.num_rows):
            for _ in range(r.choice([0, 1, 40])):
                writer.write_table(whole.slice(0, 0))
            writer.write_table(whole.slice(start, 1))
        writer.write_table(whole.slice(0, 0))
    return Case({"table": sink.getvalue()}, table=cells)


def cut_short(r: Random) -> Case:
    content = parquet(table(r), row_group_size=r.randint(1, 50))
    return Case({"table": content[: r.randrange(4, len(content))]}, DAMAGE)


def random_inside(r: Random) -> Case:
    return Case(
        {
            "table": b"PAR1"
            + r.randbytes(r.choice([8, 100, 3000]))
            + r.choice([b"PAR1", b"PARE", b""])
        },
        DAMAGE,
    )


def encrypted(r: Random) -> Case:
    """With the footer encrypted, or a column alone."""

    class Kms(encryption.KmsClient):  # type: ignore[misc]
        def wrap_key(self, key: bytes, _name: str) -> bytes:
            return key.hex().encode()

    factory = encryption.CryptoFactory(lambda _: Kms())
    cells = table(r)
    config = encryption.EncryptionConfiguration(
        "f", column_keys={"c": ["x"]}, plaintext_footer=r.random() < 0.5
    )
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), config)
    return Case(
        {"table": parquet(cells, encryption_properties=properties, write_page_checksum=False)},
        r"^table: (cannot be read as Parquet|is not|is an encrypted Parquet file)",
    )


def flipped_data(r: Random) -> Case:
    """A byte of the pages changed: the checksum tells, or it lies in what nobody reads."""
    cells = table(r)
    content = bytearray(
        parquet(
            cells, row_group_size=r.randint(1, 50), compression=r.choice(["none", "snappy", "zstd"])
        )
    )
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = r.randrange(4, start)
    content[at] ^= 1 << r.randrange(8)
    return Case({"table": bytes(content)}, DAMAGE, cells)


def flipped_footer(r: Random) -> Case:
    """Bytes of the footer changed: one line, or a table. What it says of rows and types no checksum
    guards.
    """
    cells = table(r)
    content = bytearray(parquet(cells))
    size = int.from_bytes(content[-8:-4], "little")
    for _ in range(r.choice([1, 1, 3])):
        content[r.randrange(len(content) - 8 - size, len(content))] = r.randrange(256)
    return Case({"table": bytes(content)}, r"^table: ", read_by_arrow(bytes(content)))


def read_by_arrow(content: bytes) -> Table | None:
    """Read the columns as they say that they are; None where that fails."""
    try:
        found = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True).read(
            ["y", "x", "t"], use_threads=False
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return dict(found.select([name for name in found.schema.names if name in "yxt"]).to_pydict())


def folder(r: Random) -> Case:
    """Several files in the order of their names; what is hidden, or begins with _, is none of
    them.
    """
    parts = [table(r) for _ in range(r.randint(1, 4))]
    for cells in parts:
        cells["y"], cells["x"] = (
            [float(cell) for cell in cells["y"]],
            [float(cell) for cell in cells["x"]],
        )
    cells = {name: [cell for part in parts for cell in part[name]] for name in "yxt"}
    files = {f"table/{'bcde'[index]}.parquet": parquet(part) for index, part in enumerate(parts)}
    hidden = {
        "table/.hidden": b"x",
        "table/_SUCCESS": b"",
        "table/._b.parquet": b"\0",
        "table/_inner/a.parquet": b"damage",
    }
    files |= dict(r.sample(sorted(hidden.items()), r.randint(0, 4)))
    return Case(files, table=cells)


def mixed_folder(r: Random) -> Case:
    cells = table(r)
    first = {"table/a.parquet": parquet(cells)}
    count = len(cells["y"])
    name, content, line = r.choice(
        [
            (
                "b.csv",
                b"y,x,t\n1,2,a\n",
                r"^table: must hold tables of one kind; found table/a.parquet \(Parquet\) and table/b.csv \(CSV\)",
            ),
            (
                "b.parquet",
                parquet({"y": [1.0], "t": ["a"]}),
                r"^table/b.parquet: column x: is not in this file; found y, t",
            ),
            (
                "b.parquet",
                parquet(cells | {"x": ["a"] * count}),
                r"^table/b.parquet: row 1: column x: must be a number, as in table/a.parquet; found a",
            ),
            (
                "b.parquet",
                parquet(cells | {"x": [[1]] * count}),
                r"^table/b.parquet: column x: must hold numbers, text",
            ),
            ("b.parquet", b"PAR1 damaged", r"^table/b.parquet: cannot be read as Parquet"),
            ("b.txt", b"", ""),
        ]
    )
    if not line:
        return Case(first | {f"table/{name}": content}, table=cells)
    return Case(first | {f"table/{name}": content}, line)


def bare_folder(r: Random) -> Case:
    return Case(
        {f"table/{r.choice(['.keep', '_SUCCESS', '_inner/a.parquet'])}": parquet(table(r))},
        r"^table: is a folder without files; (found .*; )?put CSV or Parquet files into it",
    )


def many_columns(r: Random) -> Case:
    cells = table(r, 3)
    return Case(
        {
            "table": parquet(
                cells | {f"c{i}": [1.0, 2.0, 3.0] for i in range(r.choice([1000, 4000]))}
            )
        },
        table=cells,
    )


def missing_cells(r: Random) -> Case:
    cells, name = table(r), r.choice("yxt")
    row = r.randrange(len(cells["y"]))
    kind = pa.array(cells[name]).type
    cells[name][row] = None
    return Case(
        {
            "table": parquet(
                cells | {name: pa.array(cells[name], kind)}, row_group_size=r.randint(1, 50)
            )
        },
        rf"^table: row {row + 1}: column {name}: is missing, the first of 1 such",
    )


def bad_text(r: Random) -> Case:
    """Bytes that are no UTF-8 in a column that says it is text."""
    cells = table(r)
    count = len(cells["y"])
    row = r.randrange(count)
    raw = pa.array([b"\xff\xfe" if i == row else b"a" for i in range(count)], pa.binary())
    text = pa.Array.from_buffers(pa.string(), count, raw.buffers())
    if r.random() < 0.3:
        codes = pa.array([0 if i == row else 1 for i in range(count)])
        text = pa.DictionaryArray.from_arrays(
            codes, pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"a"]).buffers())
        )
    content = parquet(pa.table(cells | {"t": text}), row_group_size=r.randint(1, 50))
    line = rf"^table: (row {row + 1}: column t: is not UTF-8; found b'\\xff\\xfe'; write|cannot be read as Parquet; found Invalid UTF8)"
    return Case({"table": content}, line)


def sizes(r: Random) -> Case:
    cells = table(r)
    cells["x"] = [r.choice(SIZES) for _ in cells["x"]]
    cells["y"] = numbers(r, len(cells["x"]))
    return Case({"table": parquet(cells)}, table=cells)


KINDS: Mapping[str, Callable[[Random], Case]] = {
    kind.__name__: kind
    for kind in (
        good,
        odd_type,
        no_number,
        odd_target,
        not_finite,
        odd_names,
        nothing_in_it,
        empty_groups,
        cut_short,
        random_inside,
        encrypted,
        flipped_data,
        flipped_footer,
        folder,
        mixed_folder,
        bare_folder,
        many_columns,
        missing_cells,
        bad_text,
        sizes,
    )
}
