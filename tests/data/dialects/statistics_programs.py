"""Programs for statistics: R, SAS, Stata, SPSS, MATLAB, Mathematica."""

from datetime import date
from functools import partial

from tests.data.dialects.dialect import NO_NAME, Dialect, NumberStyle


def _date9(day: date) -> str:
    return day.strftime("%d%b%Y").upper()


def _stata(day: date) -> str:
    return day.strftime("%d%b%Y").lower()


_R = partial(Dialect, missing="NA", truth=("TRUE", "FALSE"))

DIALECTS = (
    _R("r-write-csv", "R, write.csv: unnamed row names.", quoting="text", index=""),
    _R("r-write-csv-no-row-names", "R, write.csv(row.names = FALSE).", quoting="text"),
    _R(
        "r-write-csv2",
        "R, write.csv2, for countries with decimal commas.",
        delimiter=";",
        quoting="text",
        index="",
        numbers=NumberStyle(","),
    ),
    _R(
        "r-write-table",
        "R, write.table: spaces between cells, row names without a cell in the header.",
        suffix=".txt",
        delimiter=" ",
        quoting="text",
        escape="\\",
        index=NO_NAME,
    ),
    _R(
        "r-write-table-tab",
        "R, write.table(sep = '\\t', quote = FALSE): row names, tabs, no quotes.",
        suffix=".tsv",
        delimiter="\t",
        quoting="none",
        index=NO_NAME,
    ),
    _R("readr-write-csv", "R, readr::write_csv."),
    _R(
        "readr-write-excel-csv2",
        "R, readr::write_excel_csv2.",
        delimiter=";",
        encoding="utf-8-sig",
        numbers=NumberStyle(","),
    ),
    Dialect(
        "data-table-fwrite",
        "R, data.table::fwrite: missing cells are empty.",
        truth=("TRUE", "FALSE"),
    ),
    Dialect(
        "sas-proc-export",
        "SAS, PROC EXPORT: `.` for a missing number, an empty text, DATE9. dates.",
        missing={"": "", "area": ".", "units": ".", "share": ".", "sold": "."},
        truth=("1", "0"),
        dates=_date9,
    ),
    Dialect(
        "sas-comma-dollar",
        "SAS with the formats COMMA12.2 and DOLLAR12.2, missing numbers as `.`.",
        quoting="minimal",
        numbers=NumberStyle(".", ",", money="${}"),
        missing={"": "", "area": ".", "units": ".", "share": ".", "sold": "."},
        truth=("1", "0"),
        dates=_date9,
    ),
    Dialect(
        "stata-export-delimited",
        "Stata, export delimited: missing numbers are empty, dates like 01jan2019.",
        truth=("1", "0"),
        dates=_stata,
    ),
    Dialect(
        "stata-outsheet",
        "Stata, outsheet: tabs, `.` for a missing number, quotes around text.",
        suffix=".out",
        delimiter="\t",
        quoting="text",
        missing={"": "", "area": ".", "units": ".", "share": ".", "sold": "."},
        truth=("1", "0"),
        dates=_stata,
    ),
    Dialect(
        "stata-extended-missing",
        "Stata with extended missing values: .a, .b and .z say why a number is missing.",
        missing={"": "", "area": ".a", "units": ".b", "share": ".z", "sold": "."},
        needs={"missing_words": (".a", ".b", ".z")},
        truth=("1", "0"),
        dates=_stata,
    ),
    Dialect(
        "spss-save-translate",
        "SPSS, SAVE TRANSLATE /TYPE=CSV: a byte order mark, a blank for a missing number.",
        encoding="utf-8-sig",
        line_end="\r\n",
        missing=" ",
        truth=("1", "0"),
        dates="%m/%d/%Y",
    ),
    Dialect(
        "spss-german-tab",
        "SPSS, German, tab-delimited with decimal commas.",
        suffix=".dat",
        delimiter="\t",
        line_end="\r\n",
        encoding="utf-8-sig",
        numbers=NumberStyle(","),
        missing=" ",
        truth=("1", "0"),
        dates="%d.%m.%Y",
    ),
    Dialect(
        "spss-leading-dot",
        "SPSS formats of type F: no zero before the decimal point.",
        numbers=NumberStyle(zero=False),
        encoding="utf-8-sig",
        line_end="\r\n",
        truth=("1", "0"),
        missing=" ",
        dates="%d-%b-%Y",
    ),
    Dialect(
        "matlab-writetable",
        "MATLAB, writetable: NaN for missing numbers, NaT for missing dates, 1 and 0.",
        missing={"": "", "area": "NaN", "units": "NaN", "share": "NaN", "sold": "NaT"},
        truth=("1", "0"),
        dates="%d-%b-%Y",
    ),
    Dialect(
        "mathematica-export",
        "Mathematica, Export to CSV: every text in quotes, Missing[] for what is missing.",
        quoting="text",
        missing="Missing[]",
        needs={"missing_words": ("Missing[]",)},
    ),
    Dialect(
        "julia-csv-write",
        "Julia, CSV.write: true and false, missing cells are empty.",
        truth=("true", "false"),
    ),
    Dialect(
        "gretl-store",
        "gretl, store: NA, whole numbers as they are.",
        missing="NA",
        truth=("1", "0"),
    ),
)
