import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.errors import UserError
from linreg.files import (
    content_hash,
    document_text,
    file_hash,
    new_file,
    new_folder,
    read_document,
    read_json,
    require_unchanged,
    scratch_folder,
    write_document,
    write_json,
    write_text,
)

Killed = Callable[[str], None]


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    """Runs a program in tmp_path up to its line `die()`, where it is killed."""

    def run(program: str) -> None:
        start = "import os, signal\nfrom pathlib import Path\nfrom linreg.files import *\n"
        start += "def die():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, "-c", start + program], cwd=tmp_path, env=environment, check=False
        )
        assert done.returncode == -signal.SIGKILL

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_with_its_last_byte_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.txt"
    with new_file(path) as partial:
        partial.write_text("half")
        assert not path.exists()
        partial.write_text("whole")
    assert path.read_text() == "whole"
    assert names(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error), new_file(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_killed_write_leaves_the_old_file_and_the_next_one_succeeds(
    tmp_path: Path, killed: Killed
) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    killed(
        'with new_file(Path("file.txt")) as partial:\n    partial.write_text("half")\n    die()\n'
    )
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with new_folder(path) as folder:
        (folder / "old").write_text("1")
        (folder / "sub").mkdir()
        (folder / "sub" / "old").write_text("2")
    with new_folder(path) as folder:
        (folder / "new").write_text("3")
        assert names(path) == ["old", "sub"]
    assert names(path) == ["new"]
    assert names(tmp_path) == ["folder"]


def test_a_failed_folder_leaves_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with new_folder(path) as folder:
        (folder / "old").write_text("1")
    with pytest.raises(ValueError, match="failed"), new_folder(path) as folder:  # noqa: PT012
        (folder / "new").write_text("2")
        raise ValueError("failed")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["folder"]


def test_files_of_a_killed_run_do_not_get_into_the_next_folder(
    tmp_path: Path, killed: Killed
) -> None:
    killed(
        'with new_folder(Path("folder")) as folder:\n'
        '    (folder / "leftover").write_text("1")\n'
        "    die()\n"
    )
    assert not (tmp_path / "folder").exists()
    with new_folder(tmp_path / "folder") as folder:
        (folder / "file").write_text("2")
    assert names(tmp_path / "folder") == ["file"]
    assert names(tmp_path) == ["folder"]


def test_a_scratch_folder_begins_empty_and_is_gone_afterwards(
    tmp_path: Path, killed: Killed
) -> None:
    killed(
        'with scratch_folder(Path("out")) as folder:\n'
        '    (folder / "leftover").write_text("1")\n'
        "    die()\n"
    )
    with pytest.raises(ValueError, match="failed"), scratch_folder(tmp_path / "out") as scratch:  # noqa: PT012
        assert names(scratch) == []
        (scratch / "file").write_text("1")
        raise ValueError("failed")
    assert names(tmp_path) == []


def test_text_is_utf_8_with_lf(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "θ\r\nb\n")
    assert (tmp_path / "text").read_bytes() == "θ\r\nb\n".encode()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.slow
@given(JSON)
def test_what_was_written_as_json_is_read_back_exactly(value: Any) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "value.json"
        try:
            write_json(path, value)
        except UnicodeEncodeError:
            # Half of a surrogate pair is not text.
            return
        back = read_json(path)
    # Equality ignores the order of keys; the texts below tell -0.0 from 0.
    assert back == value
    assert json.dumps(back, sort_keys=True) == json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("number", [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2.0**53 + 2])
def test_a_float_in_json_keeps_every_bit(tmp_path: Path, number: float) -> None:
    write_json(tmp_path / "number.json", number)
    assert read_json(tmp_path / "number.json").hex() == number.hex()


def test_json_has_sorted_keys_readable_text_and_a_last_line_end(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": {"θ": [1.5], "d": None}})
    write_json(tmp_path / "b.json", {"a": {"d": None, "θ": [1.5]}, "b": 1})
    expected = '{\n  "a": {\n    "d": null,\n    "θ": [\n      1.5\n    ]\n  },\n  "b": 1\n}\n'
    assert (
        (tmp_path / "a.json").read_bytes()
        == (tmp_path / "b.json").read_bytes()
        == expected.encode()
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_without_a_number_is_not_written(tmp_path: Path, number: float) -> None:
    write_json(tmp_path / "file.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "file.json", {"a": number})
    assert read_json(tmp_path / "file.json") == 1
    assert names(tmp_path) == ["file.json"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": 1}}', b"\xff\xfe", b"{'a': 1}", b'{"a": 1', b"[" * 100_000],
    ids=lambda content: repr(content[:10]),
)
def test_damaged_json_is_one_line_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}: is damaged; found ")


DOCUMENT = {
    "b": 4.25,
    "names": ["x1", "θ"],
    "rows": 10000,
    "nothing": None,
    "deep": {"a": [1, 2.5]},
}


def test_a_document_is_read_back_and_any_flipped_bit_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    write_document(path, DOCUMENT)
    assert read_document(path) == DOCUMENT
    content = path.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            path.write_bytes(
                content[:position] + bytes([content[position] ^ 1 << bit]) + content[position + 1 :]
            )
            with pytest.raises(
                UserError, match=r"d\.json: (is damaged|was changed after it was written)"
            ):
                read_document(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: json.dumps(json.loads(text)),
        lambda text: text.replace('"rows": 10000', '"rows": 1e4'),
        lambda text: text.replace('"rows": 10000', '"rows": 1,\n  "rows": 10000'),
        lambda text: text.replace("4.25", "4.250"),
        lambda text: re.sub(r'  "checksum": "\w+",\n', "", text),
        lambda text: re.sub(r'"checksum": "(\w+)"', r'"checksum": ["\1"]', text),
        lambda _: "[]",
        lambda _: "5",
        lambda _: '{"checksum": "\\ud800"}',
    ],
)
def test_a_document_that_was_rewritten_is_reported_though_its_values_are_the_same(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    path = tmp_path / "d.json"
    write_document(path, DOCUMENT)
    path.write_bytes(change(path.read_text()).encode())
    with pytest.raises(
        UserError, match=r"d\.json: was changed after it was written, by hand or by a damaged disk"
    ):
        read_document(path)


def test_a_document_that_is_replaced_while_it_is_read_is_the_old_or_the_new_one(
    tmp_path: Path,
) -> None:
    path, other = tmp_path / "d.json", tmp_path / "other.json"
    documents = ({"rows": 1}, {"rows": 22})
    texts = [document_text(document) for document in documents]
    write_document(path, documents[0])
    reading = True

    def replace() -> None:
        for text in itertools.cycle(texts):
            if not reading:
                return
            other.write_text(text)
            other.replace(path)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        for _ in range(1000):
            assert read_document(path) in documents
    finally:
        reading = False
        thread.join()


def test_a_file_of_another_content_is_reported_and_folders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "folder").mkdir()
    hashes = {str(tmp_path / "folder"): "0.dir", str(tmp_path / "a"): file_hash(tmp_path / "a")}
    require_unchanged(hashes)
    (tmp_path / "a").write_text("2")
    with pytest.raises(
        UserError,
        match=r"a: is not the file that the model was made from, or is damaged; found MD5 c8",
    ):
        require_unchanged(hashes)
    (tmp_path / "a").unlink()
    with pytest.raises(UserError, match="a: there is no such file"):
        require_unchanged(hashes)


def test_a_folder_in_place_of_a_file_is_reported_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with (
        pytest.raises(UserError, match="a: is a folder, but a file is to be written there"),
        new_file(tmp_path / "a"),
    ):
        pytest.fail("the work began")


@pytest.mark.parametrize("target", ["nothing", "folder"])
def test_a_link_in_place_of_an_output_is_replaced_and_its_target_left_alone(
    tmp_path: Path, target: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    for name in ("file", "made"):
        (tmp_path / name).symlink_to(tmp_path / target)
    write_text(tmp_path / "file", "new")
    with new_folder(tmp_path / "made") as folder:
        (folder / "new").write_text("new")
    assert (names(tmp_path / "made"), names(tmp_path / "folder")) == (["new"], ["mine"])
    assert names(tmp_path) == ["file", "folder", "made"]
    assert not (tmp_path / "file").is_symlink()


def test_json_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.json: there is no such file; run `dvc repro`"):
        read_json(tmp_path / "nothing.json")


def test_a_content_hash_is_the_one_that_dvc_computes(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    # `a.b` sorts before `a/b` by character, after it by path component; one name is not ASCII, one
    # has a quote.
    files = ["a/b", "a.b", "a/b.c/d", "größe.csv", 'quo"te', "empty", "Z", "with space"]
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("" if name == "empty" else f"content of {name}")
    (folder / "nothing" / "inside").mkdir(parents=True)
    (tmp_path / "file.bin").write_bytes(bytes(range(256)) * 10_000)
    program = (
        "import sys; from dvc.repo import Repo; repo = Repo.init('.', no_scm=True)\n"
        "for path in sys.argv[1:]:\n    print(repo.add(path)[0].outs[0].hash_info.value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "folder", "file.bin"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
    )
    assert done.stdout.split()[-2:] == [content_hash(folder), content_hash(tmp_path / "file.bin")]


def test_a_content_hash_changes_with_any_byte_or_name(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    hashes = [content_hash(folder)]
    steps: list[Callable[[], object]] = [
        lambda: (folder / "a").write_text("1"),
        lambda: (folder / "b").write_text("1"),
        lambda: (folder / "b").write_text("2"),
        lambda: (folder / "b").rename(folder / "c"),
        lambda: (folder / "a").unlink(),
    ]
    for step in steps:
        step()
        hashes.append(content_hash(folder))
    assert len(set(hashes)) == len(hashes)
