"""Data frames and arrays: pandas, polars, numpy, Spark, Arrow."""

from tests.data.dialects.dialect import Dialect, NumberStyle

_NUMBERS_ONLY = ("area", "units", "price", "share")

DIALECTS = (
    Dialect(
        "pandas-to-csv", "pandas, to_csv(): a first column without a name, the index.", index=""
    ),
    Dialect("pandas-index-named", "pandas, reset_index().to_csv(index=False).", index="index"),
    Dialect(
        "pandas-twice",
        "pandas, written with its index, read and written again.",
        index="Unnamed: 0",
    ),
    Dialect("pandas-no-index", "pandas, to_csv(index=False)."),
    Dialect("pandas-na-rep", "pandas, to_csv(na_rep='NaN').", missing="NaN"),
    Dialect(
        "pandas-none-text",
        "pandas, missing cells turned into text by astype(str).",
        missing={"": "nan", "sold": "NaT", "zone": "None"},
    ),
    Dialect(
        "pandas-decimal-comma",
        "pandas, to_csv(sep=';', decimal=',').",
        delimiter=";",
        numbers=NumberStyle(","),
    ),
    Dialect("pandas-gz", "pandas, to_csv('t.csv.gz').", suffix=".csv.gz", compression="gz"),
    Dialect("pandas-bz2", "pandas, to_csv('t.csv.bz2').", suffix=".csv.bz2", compression="bz2"),
    Dialect("pandas-xz", "pandas, to_csv('t.csv.xz').", suffix=".csv.xz", compression="xz"),
    Dialect("pandas-zst", "pandas, to_csv('t.csv.zst').", suffix=".csv.zst", compression="zst"),
    Dialect("pandas-zip", "pandas, to_csv('t.zip').", suffix=".zip", compression="zip"),
    Dialect("pandas-quote-all", "pandas, to_csv(quoting=csv.QUOTE_ALL).", quoting="all"),
    Dialect(
        "pandas-whitespace",
        "pandas, to_string(): columns in line, of any number of spaces.",
        suffix=".txt",
        delimiter=" ",
        width=12,
        columns=(*_NUMBERS_ONLY, "zone", "active"),
        missing="NaN",
    ),
    Dialect("polars-write-csv", "polars, write_csv(): true and false.", truth=("true", "false")),
    Dialect(
        "numpy-savetxt",
        "numpy, savetxt(header=…): the names behind #, spaces, nan.",
        suffix=".txt",
        delimiter=" ",
        columns=_NUMBERS_ONLY,
        missing="nan",
        header_sign="# ",
    ),
    Dialect(
        "numpy-savetxt-comma",
        "numpy, savetxt(delimiter=',', comments='').",
        columns=_NUMBERS_ONLY,
        missing="nan",
    ),
    Dialect(
        "numpy-no-header",
        "numpy, savetxt without a header.",
        columns=_NUMBERS_ONLY,
        missing="nan",
        header=False,
        needs={"names": _NUMBERS_ONLY},
    ),
    Dialect(
        "spark-folder",
        "Spark, write.csv(header=True): a folder of parts, each with a header,"
        r" quotes escaped with \.",
        suffix="",
        escape="\\",
        truth=("true", "false"),
        parts=("part-00000-a.csv", "part-00001-a.csv", "part-00002-a.csv"),
    ),
    Dialect(
        "spark-folder-gz",
        "Spark with compression='gzip'.",
        suffix="",
        escape="\\",
        truth=("true", "false"),
        compression="gz",
        parts=("part-00000-a.csv.gz", "part-00001-a.csv.gz"),
    ),
    Dialect(
        "spark-partitioned",
        "Spark, partitionBy('year'): a folder for each value.",
        suffix="",
        escape="\\",
        truth=("true", "false"),
        parts=("year=2019/part-0.csv", "year=2020/part-0.csv"),
    ),
    Dialect(
        "spark-timestamps",
        "Spark with dates as timestamps in UTC.",
        dates="%Y-%m-%dT00:00:00.000Z",
        escape="\\",
        truth=("true", "false"),
    ),
    Dialect(
        "arrow-write-csv",
        "Arrow, write_csv: every name and text in quotes.",
        quoting="text",
        truth=("true", "false"),
    ),
    Dialect(
        "dask-folder",
        "dask, to_csv('t-*.csv'): files in a folder, with an index.",
        suffix="",
        index="",
        parts=("0.part", "1.part"),
    ),
)
