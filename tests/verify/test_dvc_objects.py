"""Objects of DVC by their MD5, in a project in a subfolder with a remote in a folder."""

import json
import shutil
from pathlib import Path

import pytest

from linreg.dvc_lock import LockedPath
from linreg.files import content_hash
from linreg.verify.checkout import copy_input
from linreg.verify.dvc_objects import fetch_into_cache, link_cached
from tests.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "repository/a project"
    folder.mkdir(parents=True)
    project = Project(folder)
    project.run("git", "init", "-q", "..")
    project.run("dvc", "init", "-q", "--subdir")
    project.run("dvc", "remote", "add", "-q", "--default", "store", "../../store")
    (folder / "t.csv").write_text("x,y\n1,2\n")
    (folder / "many/part").mkdir(parents=True)
    for name in ("a.csv", "part/b.csv"):
        (folder / "many" / name).write_text(name)
    project.run("dvc", "add", "-q", "t.csv", "many")
    project.run("dvc", "push", "-q")
    monkeypatch.chdir(folder)
    return project


def test_what_was_pushed_comes_back_also_when_no_file_names_it_any_more(
    project: Project, tmp_path: Path
) -> None:
    md5s = {name: content_hash(project.folder / name) for name in ("t.csv", "many")}
    project.run("dvc", "remove", "-q", "t.csv.dvc", "many.dvc")
    shutil.rmtree(project.folder / ".dvc/cache")
    for name, md5 in md5s.items():
        assert not link_cached(md5, tmp_path / name)
        assert fetch_into_cache(md5) == ""
        assert link_cached(md5, tmp_path / name)
        assert content_hash(tmp_path / name) == md5


def test_it_is_said_why_an_object_cannot_be_fetched(project: Project) -> None:
    assert fetch_into_cache("0" * 32) == "DVC's remote store does not have it"
    project.run("dvc", "remote", "default", "--unset")
    assert fetch_into_cache("0" * 32) == "DVC has no default remote"
    project.run("dvc", "config", "core.remote", "gone")
    assert "remote 'gone' doesn't exist" in fetch_into_cache("0" * 32)


def test_a_listing_that_leads_out_of_its_folder_is_not_followed(
    project: Project, tmp_path: Path
) -> None:
    md5 = content_hash(project.folder / "many")
    entry = project.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    listing = json.loads(entry.read_text())
    entry.chmod(0o644)
    entry.write_text(json.dumps([{**each, "relpath": f"../{each['md5']}"} for each in listing]))
    assert not link_cached(md5, tmp_path / "copies/many")
    assert not list(tmp_path.glob("copies/*"))


def test_a_folder_of_which_the_cache_has_a_part_is_fetched(
    project: Project, tmp_path: Path
) -> None:
    md5 = content_hash(project.folder / "many")
    member = content_hash(project.folder / "many/part/b.csv")
    shutil.rmtree(project.folder / "many")
    (project.folder / ".dvc/cache/files/md5" / member[:2] / member[2:]).unlink()
    how = copy_input(LockedPath("ingest", "many", md5), project.folder, tmp_path / "clone")
    assert how == "fetched from DVC's remote"
    assert content_hash(tmp_path / "clone/many") == md5


def test_an_object_that_is_damaged_is_not_taken(project: Project, tmp_path: Path) -> None:
    md5 = content_hash(project.folder / "t.csv")
    entry = project.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    entry.chmod(0o644)
    entry.write_text("x,y\n1,3\n")
    assert not link_cached(md5, tmp_path / "t.csv")
