"""Text in any encoding is read as it was written, or refused with its readings; never otherwise."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from linreg.data.csv import dialect
from linreg.data.text_files import compression
from linreg.data.text_files.text_file import open_text, read_start
from linreg.errors import UserError
from linreg.params.ingest import ReadOptions
from tests.data.csv.converted import refused, to_parquet
from tests.data.text_files.compressed import COMPRESS

GERMAN = ("Zürich – Süd", "Köln", "Größe €", "plain")
TEXTS = {
    "cp1252": GERMAN,
    "cp1250": ("České Budějovice", "Plzeň", "Žďár", "Ústí"),
    "iso8859-15": ("prix €", "Zürich"),
    "cp1251": ("Москва", "Санкт-Петербург", "Казань"),
    "koi8-r": ("Москва", "Санкт-Петербург", "Казань"),
    "cp866": ("Москва", "Санкт-Петербург", "Казань"),
    "cp1253": ("Αθήνα", "Θεσσαλονίκη", "Πάτρα"),
    "cp1256": ("القاهرة", "بغداد"),
    "cp874": ("กรุงเทพ", "เชียงใหม่"),
    "cp850": ("Zürich", "Köln", "Größe"),
    "mac-roman": ("São Paulo", "Brasília", "Goiânia"),
    "shift_jis": ("東京都", "りんご", "テスト"),
    "euc-jp": ("東京都", "りんご", "テスト"),
    "gbk": ("我们在中国学习", "价格", "数量"),
    "big5": ("臺北", "高雄", "價格"),
    "euc_kr": ("서울특별시", "부산광역시", "대구광역시", "인천광역시"),
}


def read(
    folder: Path, content: bytes, encoding: str | None = None
) -> tuple[list[str | None], list[str]]:
    """Return the cells of the column x, and the notes."""
    (folder / "t.csv").write_bytes(content)
    files = to_parquet([folder / "t.csv"], ["x"], folder, ReadOptions(encoding=encoding))
    [path] = files.paths
    return pq.read_table(path)["x"].to_pylist(), [str(note) for note in files.notes]


def table(cells: tuple[str, ...], times: int = 1) -> str:
    return "x,y\n" + "".join(f"{cell},1\n" for cell in cells) * times


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("given", [None, "utf-8", "cp1252", "utf-16-le"])
def test_a_mark_says_how_text_is_read_whatever_the_option(
    tmp_path: Path, encoding: str, given: str | None
) -> None:
    assert read(tmp_path, table(GERMAN).encode(encoding), given) == (list(GERMAN), [])


@pytest.mark.parametrize("mark", ["utf-16-be", "utf-32-be"])
def test_a_mark_of_big_endian_text(tmp_path: Path, mark: str) -> None:
    assert read(tmp_path, ("\ufeff" + table(GERMAN)).encode(mark)) == (list(GERMAN), [])


@pytest.mark.parametrize("width", ["16", "32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_nuls_show_utf16_and_utf32_without_a_mark(tmp_path: Path, width: str, order: str) -> None:
    cells, [note] = read(tmp_path, table(GERMAN).encode(f"utf-{width}-{order}"))
    assert cells == list(GERMAN)
    assert f"t.csv is read as UTF-{width}" in note
    assert "'Zürich'" in note
    assert "ingest.encoding" in note


@pytest.mark.parametrize("encoding", TEXTS)
def test_what_is_written_in_an_encoding_is_read_in_it(tmp_path: Path, encoding: str) -> None:
    content = table(TEXTS[encoding]).encode(encoding)
    assert read(tmp_path, content, encoding) == (list(TEXTS[encoding]), [])


# A few words of Japanese in EUC-JP may be Chinese in Big5.
@pytest.mark.parametrize("encoding", sorted(TEXTS.keys() - {"euc-jp"}))
def test_a_guess_is_right_and_said_with_a_cell(tmp_path: Path, encoding: str) -> None:
    cells, [note] = read(tmp_path, table(TEXTS[encoding]).encode(encoding))
    assert cells == list(TEXTS[encoding])
    assert note.startswith("t.csv is not UTF-8, and is read as ")
    assert any(f"'{cell}'" in note for cell in cells)
    assert note.endswith("(otherwise, set ingest.encoding)")


@pytest.mark.parametrize(
    "cells",
    [
        ("Genève",),
        ("København", "Tromsø"),
        ("Orléans", "Besançon"),
        ("Málaga", "A Coruña"),
        ("São Paulo", "ILHÉUS"),
        ("Straße", "Zürich"),
        ("Jyväskylä",),
        ("10 µg", "Curaçao"),
    ],
)
def test_a_few_words_of_western_europe_are_read_as_cp1252(
    tmp_path: Path, cells: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_bytes(table(cells).encode("cp1252"))
    assert open_text(read_start(tmp_path / "t.csv", 1 << 20)).encoding == "cp1252"


@pytest.mark.parametrize(
    ("cell", "encoding"),
    [
        ("Gdańsk", "cp1250"),
        ("Plzeň", "cp1250"),
        ("Přerov", "cp1250"),
        ("Brăila", "cp1250"),
        ("Čáslav", "cp1250"),
        ("Ćosić", "cp1250"),
        ("Częstochowa", "cp1250"),
        ("Jēkabpils", "cp1257"),
        ("Eskişehir", "cp1254"),
    ],
)
def test_a_word_of_eastern_europe_is_not_read_as_cp1252(
    tmp_path: Path, cell: str, encoding: str
) -> None:
    (tmp_path / "t.csv").write_bytes(table((cell,)).encode(encoding))
    message = refused(tmp_path / "t.csv")
    assert "may be in several encodings" in message
    assert encoding in message


@pytest.mark.parametrize(
    ("text", "encoding", "readings"),
    [
        ("Forlì", "cp1252", "'Forlì' in cp1252 or 'Forlě' in cp1250"),
        ("Gyõr", "cp1252", "'Gyõr' in cp1252 or 'Győr' in cp1250"),
        ("Straße", "cp850", "'Straáe' in cp1252"),
        ("МОСКВА", "cp1251", "'МОСКВА' in cp1251"),
        ("Þingvellir", "cp1252", "'Þingvellir' in cp1252"),
    ],
)
def test_several_plausible_readings_are_shown_and_none_is_taken(
    tmp_path: Path, text: str, encoding: str, readings: str
) -> None:
    (tmp_path / "t.csv").write_bytes(table((text,)).encode(encoding))
    message = refused(tmp_path / "t.csv")
    assert ": is not UTF-8, and may be in several encodings; found '" in message
    assert readings in message
    assert "set ingest.encoding to the right one: `linreg use FILE --encoding " in message


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso-8859-1"])
def test_control_characters_of_latin1_are_those_of_cp1252(tmp_path: Path, encoding: str) -> None:
    """Nobody writes control characters into a table: 0x96 is a dash, 0x80 a euro sign."""
    assert read(tmp_path, b"x,price \x80\nZ\xfcrich \x96 S\xfcd,1\n", encoding)[0] == [
        "Zürich – Süd"
    ]


def test_utf8_is_never_read_as_single_bytes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(table(GERMAN).encode())
    with pytest.raises(UserError, match=r"is UTF-8, not cp1252 .*'Zürich.*'ZÃ¼rich.* to null"):
        read(tmp_path, table(GERMAN).encode(), "cp1252")


@pytest.mark.parametrize("above", ["Zürich", "plain"])
@pytest.mark.parametrize("compress", [None, "gzip"])
def test_a_cell_in_another_encoding_than_those_above_is_named(
    tmp_path: Path, above: str, compress: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 5000)
    text = "x,y\n" + f"{above},1\n" * 3000 + '"two\nlines",2\n'
    content = text.encode() + b"K\xf6ln,1\n" + b"Genf,1\n" * 500
    if compress:
        content = COMPRESS[compress](content)
    (tmp_path / "t.csv").write_bytes(content)
    message = refused(tmp_path / "t.csv")
    offset = len(text.encode()) + 1
    assert message.startswith(": row 3002: is not UTF-8; found byte 0xF6 at offset")
    assert f"offset {offset} in 'K\\xf6ln'; correct that cell, or set ingest.encoding" in message


def test_a_file_of_two_encodings_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x,y\nBonn,3\nK\xf6ln,1\n" + "Zürich,2\n".encode())
    assert refused(tmp_path / "t.csv").startswith(": row 2: is not UTF-8; found byte 0xF6")


def test_a_byte_that_the_given_encoding_has_not_is_named_with_its_row(tmp_path: Path) -> None:
    content = b"x,y\n" + b"K\xf6ln,1\n" * 700 + b"K\x81ln,1\n" + b"Bonn,2\n" * 10
    with pytest.raises(UserError, match="row 701: is not cp1252; found byte 0x81 at offset 4905"):
        read(tmp_path, content, "cp1252")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "shift_jis", "gb18030"])
@pytest.mark.parametrize("compress", [None, "zstd"])
def test_characters_may_be_cut_by_pieces(
    tmp_path: Path, encoding: str, compress: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "PIECE_BYTES", 7)
    monkeypatch.setattr("linreg.data.text_files.text_file.PIECE_BYTES", 7)
    monkeypatch.setattr(dialect, "BLOCK_BYTES", 100)
    cells = ("東京都", "りんご", "カ|キ") * 50
    content = table(cells).encode(encoding)
    if compress:
        content = COMPRESS[compress](content)
    assert read(tmp_path, content, encoding)[0] == list(cells)
