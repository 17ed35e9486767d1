"""Recorded content in a project in a subfolder: its cache, a remote in a folder, an import."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from linreg.files import content_hash
from linreg.git import clone_commit
from linreg.verify.repository.recorded_content import NotFoundError, recorded_content
from linreg.verify.repository.stages import MD5, Output, RecordedHash
from tests.verify.repository.small_repository import SmallRepository

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> SmallRepository:
    repository = SmallRepository(tmp_path / "repository", "a project")
    repository.run("dvc", "remote", "add", "-q", "--default", "store", "../../store")
    repository.write({"t.csv": "x,y\n1,2\n", "many/a.csv": "a.csv", "many/part/b.csv": "b.csv"})
    repository.run("dvc", "add", "-q", "t.csv", "many")
    repository.run("dvc", "push", "-q")
    repository.commit()
    return repository


def tracked(repository: SmallRepository, name: str) -> Output:
    return Output(name, RecordedHash(MD5, content_hash(repository.root / name)))


def copy(repository: SmallRepository, output: Output, target: Path) -> str:
    """Copy what was recorded, without the working directory; return in words where from."""
    clone = target.with_name(f"clone for {target.name}")
    with chdir(repository.root):
        root = clone_commit("HEAD", clone)
    try:
        with recorded_content(root, repository.root) as content:
            return content.copy(output, target, from_here=False)
    except NotFoundError as error:
        return str(error)
    finally:
        shutil.rmtree(clone)


def entry(repository: SmallRepository, md5: str) -> Path:
    return repository.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


@pytest.mark.very_slow
def test_what_was_pushed_comes_back_also_when_no_file_names_it_any_more(
    repository: SmallRepository, tmp_path: Path
) -> None:
    outputs = [tracked(repository, name) for name in ("t.csv", "many")]
    repository.run("dvc", "remove", "-q", "t.csv.dvc", "many.dvc")
    repository.commit()
    for output in outputs:
        assert copy(repository, output, tmp_path / output.path) == "copied from DVC's cache"
    shutil.rmtree(repository.root / ".dvc/cache")
    for output in outputs:
        again = tmp_path / f"again {output.path}"
        assert copy(repository, output, again) == "fetched from DVC's remote"
        assert output.recorded
        assert content_hash(again) == output.recorded.value


@pytest.mark.very_slow
def test_it_is_said_why_content_cannot_be_had(repository: SmallRepository, tmp_path: Path) -> None:
    nowhere = Output("t.csv", RecordedHash(MD5, "0" * 32))
    target = tmp_path / "t.csv"
    assert copy(repository, nowhere, target) == "DVC's remote store does not have it"
    repository.run("dvc", "remote", "default", "--unset")
    repository.commit()
    assert copy(repository, nowhere, target) == "DVC has no default remote"
    repository.run("dvc", "config", "core.remote", "gone")
    assert "remote 'gone' doesn't exist" in copy(repository, nowhere, target)
    assert copy(repository, Output("t.csv", None), target) == "dvc.lock records no hash of it"
    of_a_bucket = Output("t.csv", RecordedHash("etag", "1"))
    assert copy(repository, of_a_bucket, target) == "only its etag is recorded"
    assert not target.exists()


def test_a_listing_that_leads_out_of_its_folder_is_not_followed(
    repository: SmallRepository, tmp_path: Path
) -> None:
    many = tracked(repository, "many")
    shutil.rmtree(tmp_path / "store")
    assert many.recorded
    file = entry(repository, many.recorded.value)
    listing = json.loads(file.read_text())
    file.chmod(0o644)
    file.write_text(json.dumps([{**each, "relpath": f"../{each['md5']}"} for each in listing]))
    (tmp_path / "copies").mkdir()
    copy(repository, many, tmp_path / "copies/many")
    assert not list((tmp_path / "copies").iterdir())


def test_a_folder_of_which_the_cache_has_a_part_is_fetched(
    repository: SmallRepository, tmp_path: Path
) -> None:
    many = tracked(repository, "many")
    entry(repository, content_hash(repository.root / "many/part/b.csv")).unlink()
    assert copy(repository, many, tmp_path / "many") == "fetched from DVC's remote"
    assert tracked(repository, "many") == many


def test_an_entry_that_is_damaged_is_not_taken(repository: SmallRepository, tmp_path: Path) -> None:
    table = tracked(repository, "t.csv")
    shutil.rmtree(tmp_path / "store")
    assert table.recorded
    file = entry(repository, table.recorded.value)
    file.chmod(0o644)
    file.write_text("x,y\n1,3\n")
    assert copy(repository, table, tmp_path / "copy.csv") != "copied from DVC's cache"
    assert not (tmp_path / "copy.csv").exists()


def test_a_shared_cache_elsewhere_is_found(repository: SmallRepository, tmp_path: Path) -> None:
    """Configured in .dvc/config.local, which no clone has."""
    (repository.root / ".dvc/cache").rename(tmp_path / "shared")
    shutil.rmtree(tmp_path / "store")
    repository.run("dvc", "cache", "dir", "--local", str(tmp_path / "shared"))
    table = tracked(repository, "t.csv")
    assert copy(repository, table, tmp_path / "copy.csv") == "copied from DVC's cache"


@pytest.mark.very_slow
def test_an_import_that_no_store_has_comes_from_its_recorded_revision(
    repository: SmallRepository, tmp_path: Path
) -> None:
    other = SmallRepository(tmp_path / "other")
    other.write({"table.csv": "x\n1\n"})
    other.run("dvc", "add", "-q", "table.csv")
    other.commit()
    repository.run("dvc", "import", "-q", str(other.top), "table.csv", "-o", "imported.csv")
    repository.commit()
    imported = tracked(repository, "imported.csv")
    other.write({"table.csv": "x\n2\n"})
    other.run("dvc", "add", "-q", "table.csv")
    other.commit()
    shutil.rmtree(repository.root / ".dvc/cache")
    how = copy(repository, imported, tmp_path / "copy.csv")
    assert how == "fetched from the source that it was imported from"
    assert (tmp_path / "copy.csv").read_text() == "x\n1\n"
