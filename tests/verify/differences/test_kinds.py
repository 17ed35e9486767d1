"""What is said of two files by their kind: text, YAML, arrays, images, archives."""

import gzip
import io
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from linreg.verify.differences.paths import first_difference


def in_words(folder: Path, name: str, expected: bytes, found: bytes) -> str:
    """What is said of two files with these contents, without their name."""
    for side, content in (("expected", expected), ("found", found)):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / name).write_bytes(content)
    words = str(first_difference(folder / "expected" / name, folder / "found" / name))
    assert words.startswith(f"{name}: ")
    return words.removeprefix(f"{name}: ")


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        ("a\nb\n", "a\nc\n", "line 2, column 1: 'b' became 'c'"),
        ("a\nb\n", "a\n", "line 2: 'b' became the end of the file"),
        ("a\n", "a", "line 1, column 2: 'a\\n' became 'a'"),
        ("θ = 1\n", "θ = 2\n", "line 1, column 5: 'θ = 1' became 'θ = 2'"),
        (
            "x" * 100 + "1\n",
            "x" * 100 + "2\n",
            f"line 1, column 101: '{'x' * 20}1' became '{'x' * 20}2'",
        ),
    ],
)
def test_text_of_no_known_format_names_line_and_column(
    tmp_path: Path, expected: str, found: str, words: str
) -> None:
    for name in ("a.txt", "report.html", "no suffix"):
        assert in_words(tmp_path, name, expected.encode(), found.encode()) == words


def test_a_byte_that_is_no_text_behind_the_first_lines_is_found(tmp_path: Path) -> None:
    text = b"line\n" * 5000
    words = in_words(tmp_path, "a.log", text + b"\xff1", text + b"\xff2")
    assert words.startswith("byte 25001: 65 0a 6c 69 6e 65 0a ff [31] became")
    # A character that the part of the file that is looked at cuts in two is still text.
    text = b"a" * 8191 + "é".encode() + b"\n"
    assert in_words(tmp_path, "a.log", text + b"1", text + b"2") == (
        "line 2, column 1: '1' became '2'"
    )


def test_yaml_names_the_key(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.yml"):
        words = in_words(tmp_path, name, b"fit: {lr: 0.1}\nn: 1\n", b"fit:\n  lr: 0.2\nn: 1\n")
        assert words.startswith("fit.lr: 0.1 became 0.2 (")
    words = in_words(tmp_path, "a.yaml", b"n: 1\n", b"n:  1\n")
    assert words == "same values, encoded differently: line 1, column 4: 'n: 1' became 'n:  1'"
    words = in_words(tmp_path, "a.yaml", b"a: [\n", b"a: ]\n")
    assert words == "line 1, column 4: 'a: [' became 'a: ]'"


def test_a_notebook_names_the_cell(tmp_path: Path) -> None:
    words = in_words(
        tmp_path,
        "a.ipynb",
        b'{"cells": [{"outputs": ["1"]}], "nbformat": 4}',
        b'{"cells": [{"outputs": ["2"]}], "nbformat": 4}',
    )
    assert words == "cells[0].outputs[0]: '1' became '2'"


def test_tabs_separate_cells(tmp_path: Path) -> None:
    words = in_words(tmp_path, "a.tsv", b"x\ty\n1\t2\n", b"x\ty\n1\t3\n")
    assert words == "column y, row 1: 2 became 3"


def saved(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)  # type: ignore[arg-type]
    return file.getvalue()


def saved_together(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def test_arrays_name_the_element(tmp_path: Path) -> None:
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    b = a.copy()
    b[1, 2] = np.nextafter(b[1, 2], np.float32(0))
    assert in_words(tmp_path, "a.npy", saved(a), saved(b)) == "[1, 2]: 5.0 became 4.9999995 (1 ulp)"
    words = in_words(
        tmp_path, "a.npz", saved_together(theta=a, b=np.array(1)), saved_together(theta=b, b=1)
    )
    assert words == "theta[1, 2]: 5.0 became 4.9999995 (1 ulp)"
    words = in_words(tmp_path, "a.npz", saved_together(theta=a), saved_together(theta=a, c=a))
    assert words == "array c: absent became float32[2, 3]"
    assert in_words(tmp_path, "a.npy", saved(a), saved(a.ravel())) == (
        "array: float32[2, 3] became float32[6]"
    )
    # Booleans, text and dates have bytes, too.
    words = in_words(tmp_path, "a.npy", saved([True, False]), saved([True, True]))
    assert words == "[1]: False became True"
    words = in_words(tmp_path, "a.npy", saved(["ab", "cd"]), saved(["ab", "ce"]))
    assert words == "[1]: cd became ce"


def png(pixels: object, text: str = "") -> bytes:
    file, info = io.BytesIO(), PngInfo()
    if text:
        info.add_text("Software", text)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "png", pnginfo=info)
    return file.getvalue()


def test_images_name_the_pixel_and_how_many_differ(tmp_path: Path) -> None:
    white = np.full((4, 5, 3), 255)
    drawn = white.copy()
    drawn[2, 1] = [0, 10, 20]
    drawn[3, 4] = 0
    words = in_words(tmp_path, "a.png", png(white), png(drawn))
    assert words == "pixel x=1, y=2 (2 of 20 differ): 255, 255, 255 became 0, 10, 20"
    assert in_words(tmp_path, "a.png", png(white), png(white[:, :4])) == "size: 5×4 became 4×4"
    assert in_words(tmp_path, "a.png", png(white), png(white[..., 0])) == "mode: RGB became L"
    grey = in_words(tmp_path, "a.PNG", png(white[..., 0]), png(drawn[..., 1]))
    assert grey == "pixel x=1, y=2 (2 of 20 differ): 255 became 10"
    words = in_words(tmp_path, "a.png", png(white, "version 1"), png(white, "version 2"))
    expected = "same values, encoded differently: text Software: version 1 became version 2"
    assert words == expected
    words = in_words(tmp_path, "a.png", png(white)[:60], png(drawn)[:60])
    assert words.startswith("byte ")


def test_without_pillow_an_image_is_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    white, black = png([[255]]), png([[0]])
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert re.match(r"byte \d+: ", in_words(tmp_path, "a.png", white, black))


def archive(members: Mapping[str, bytes], year: int = 2020) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return file.getvalue()


def test_archives_name_the_member_and_what_differs_in_it(tmp_path: Path) -> None:
    table, other, text = b"x,y\n1,2\n", b"x,y\n1,3\n", b"a\n"
    a = archive({"in/t.csv": table, "r.txt": text})
    for name in ("a.zip", "a.xlsx", "model.pt"):
        words = in_words(tmp_path, name, a, archive({"in/t.csv": other, "r.txt": b"b\n"}))
        assert words == "member in/t.csv: column y, row 1: 2 became 3"
    words = in_words(tmp_path, "a.zip", a, archive({"in/t.csv": table}))
    assert words == "member r.txt: a file became absent"
    encoded = "same values, encoded differently: "
    words = in_words(tmp_path, "a.zip", a, archive({"in/t.csv": table, "r.txt": text}, 2021))
    assert words == (
        f"{encoded}date of member in/t.csv: 2020-01-01 00:00:00 became 2021-01-01 00:00:00"
    )
    words = in_words(tmp_path, "a.zip", a, archive({"r.txt": text, "in/t.csv": table}))
    assert words == f"{encoded}order of members: in/t.csv became r.txt"
    # A name that leads out of a folder is a name.
    words = in_words(tmp_path, "a.zip", archive({"../x": text}), archive({"../x": b"b\n"}))
    assert words == "member ../x: line 1, column 1: 'a' became 'b'"
    assert not list(tmp_path.rglob("x"))


def test_what_gzip_holds_is_compared_and_then_its_header(tmp_path: Path) -> None:
    a, b = (gzip.compress(each, mtime=0) for each in (b"x\n1\n", b"x\n2\n"))
    assert in_words(tmp_path, "a.csv.gz", a, b) == "column x, row 1: 1 became 2"
    words = in_words(tmp_path, "a.csv.gz", a, gzip.compress(b"x\n1\n", mtime=1))
    assert words.startswith("same values, encoded differently: byte 4: 1f 8b 08 00 [00] ")
    assert in_words(tmp_path, "a.gz", a[:-9], b[:-9]).startswith("byte ")
