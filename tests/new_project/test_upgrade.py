"""What the user changed is kept, what linreg changed arrives, and where both did it is said."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.new_project import upgrade
from linreg.new_project.create import create_project
from linreg.new_project.files import BASE, files_of_project
from linreg.new_project.upgrade import upgrade_project

NewVersion = Callable[..., None]


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    create_project(folder)
    return folder


@pytest.fixture
def project(created: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    subprocess.run(["cp", "-r", str(created), str(folder)], check=True)
    return folder


@pytest.fixture
def new_version(monkeypatch: pytest.MonkeyPatch) -> NewVersion:
    """Have the files of linreg be those of now with some words replaced, or None for removed."""

    def install(replaced: dict[str, tuple[str, str] | None], **added: str) -> None:
        def files(folder: Path, git_top: Path | None) -> dict[str, str]:
            found = {**files_of_project(folder, git_top), **added}
            for name, words in replaced.items():
                if words is None:
                    del found[name]
                else:
                    assert words[0] in found[name]
                    found[name] = found[name].replace(*words)
            return found

        monkeypatch.setattr(upgrade, "files_of_project", files)

    return install


def outcomes(folder: Path) -> dict[str, str]:
    return {change.name: change.outcome for change in upgrade_project(folder)[1]}


@pytest.mark.slow
def test_without_a_change_of_linreg_nothing_is_written(project: Path) -> None:
    (project / "stages/train.py").write_text("# mine\n")
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    assert outcomes(project) == {}
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


@pytest.mark.slow
def test_a_file_that_nobody_changed_is_replaced(project: Path, new_version: NewVersion) -> None:
    new_version({"stages/train.py": ("def main", "def new_main")})
    assert outcomes(project) == {"stages/train.py": "replaced"}
    assert "def new_main" in (project / "stages/train.py").read_text()
    assert outcomes(project) == {}


@pytest.mark.slow
def test_changes_of_both_are_merged(project: Path, new_version: NewVersion) -> None:
    path = project / "stages/train.py"
    path.write_text(path.read_text().replace('"""Fit', '"""My own: fit'))
    path.chmod(0o755)
    new_version({"stages/train.py": ("    main()\n", "    main()  # new\n")})
    assert outcomes(project) == {"stages/train.py": "merged with the changes made here"}
    assert '"""My own: fit' in path.read_text()
    assert "main()  # new" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o755
    assert outcomes(project) == {}


@pytest.mark.slow
def test_where_both_changed_a_line_the_users_stays_until_it_fits(
    project: Path, new_version: NewVersion
) -> None:
    path = project / "stages/train.py"
    path.write_text(path.read_text().replace("    main()\n", "    main()  # mine\n"))
    new_version({"stages/train.py": ("    main()\n", "    main()  # new\n")})
    for _ in range(2):
        [change] = upgrade_project(project)[1]
        assert "left as it is" in change.outcome
        assert "+    main()  # new" in change.difference
        assert "main()  # mine" in path.read_text()
        assert "<<<<" not in path.read_text()
    path.write_text(path.read_text().replace("main()  # mine", "main()"))
    assert outcomes(project) == {"stages/train.py": "replaced"}


def test_a_merge_that_is_no_python_is_not_written(project: Path, new_version: NewVersion) -> None:
    path = project / "stages/generate.py"
    before = path.read_text().replace('if __name__ == "__main__":\n    main()\n', "if True:\n")
    path.write_text(before + "    main()\n    main()\n")
    own = path.read_text()
    new_version({"stages/generate.py": ('"""Draw the', 'x = (\n"""Draw the')})
    [change] = upgrade_project(project)[1]
    assert "left as it is" in change.outcome
    assert path.read_text() == own


def test_params_keep_values_and_comments_and_get_new_keys(
    project: Path, new_version: NewVersion
) -> None:
    path = project / "params.yaml"
    text = path.read_text()
    path.write_text(text.replace("  epochs: 20", "  epochs: 50  # my own") + "# the end\n")
    new_version({"params.yaml": ("  epochs: 20", "  warmup: 3\n  epochs: 25")})
    assert outcomes(project) == {"params.yaml": "new keys added"}
    assert "  epochs: 50  # my own" in path.read_text()
    assert "  warmup: 3" in path.read_text()
    assert path.read_text().endswith("# the end\n")


@pytest.mark.slow
def test_a_removed_file_stays_removed_and_a_new_one_arrives(
    project: Path, new_version: NewVersion
) -> None:
    (project / "tests/test_pipeline.py").unlink()
    new_version({"tests/test_pipeline.py": ("gate", "Gate"), "stages/fetch.py": None}, new="1\n")
    assert outcomes(project) == {
        "tests/test_pipeline.py": "was removed here, and stays so",
        "new": "new",
        "stages/fetch.py": "is no longer a part of linreg, and is left as it is",
    }
    assert not (project / "tests/test_pipeline.py").exists()
    assert (project / "new").read_text() == "1\n"
    assert (project / "stages/fetch.py").exists()
    assert outcomes(project) == {}


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"linreg": 1, "files": 2}'])
def test_without_a_whole_record_it_is_one_line(project: Path, text: str | None) -> None:
    (project / BASE).unlink()
    if text is not None:
        (project / BASE).write_text(text)
    with pytest.raises(UserError, match=BASE):
        upgrade_project(project)
