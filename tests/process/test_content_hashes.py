from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.files import content_hash
from linreg.process.content_hashes import content_hashes


def test_they_are_the_content_hash_of_each_file_and_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name, data in (("b", b"long" * 99), ("a/c", b""), ("a/b", b"b")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    paths = (folder, folder / "b")
    assert content_hashes(paths) == {str(path): content_hash(path) for path in paths}


def test_a_missing_file_is_named_with_what_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    with pytest.raises(UserError) as raised:
        content_hashes([tmp_path, path])
    message = f"{path}: there is no such file; run `dvc repro` to make it"
    assert str(raised.value) == message
