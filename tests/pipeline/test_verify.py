"""`linreg verify` in a copy of the project: same outputs, different outputs, and its errors."""

import shutil
from pathlib import Path

import pytest

from linreg.files import content_hash
from tests.project import Project, copy_of_the_project


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed copy with a small table that git does not hold, run once."""
    project = copy_of_the_project(tmp_path_factory.mktemp("small"), sends=False)
    table = project.folder / "data/mine.csv"
    table.write_text(
        "a,b,y\n"
        + "".join(f"{i % 7},{i % 5},{3 * (i % 7) - (i % 5) + i % 3}\n" for i in range(400))
    )
    (project.folder / ".git/info/exclude").write_text("/data/mine.csv\n")
    edit(project, "source: data/raw/generated.parquet", "source: data/mine.csv")
    edit(project, "rows: 10000", "rows: 50")
    edit(project, "epochs: 20", "epochs: 2")
    edit(project, "y ~ x1 + x2", "y ~ a + b")
    project.run("dvc", "repro")
    project.run("git", "commit", "-qam", "little data")
    return project


def edit(project: Project, old: str, new: str, name: str = "params.yaml") -> None:
    path = project.folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.very_slow
def test_an_unchanged_commit_is_the_same_with_inputs_copied_that_git_lacks(small: Project) -> None:
    done = small.run("linreg", "verify")
    assert "verify: every byte is the same" in done.stdout
    assert done.stdout.count("  same") == 14
    assert "data/mine.csv: not in git, copied from the working directory" in done.stdout
    assert "uncommitted" not in done.stdout
    assert "requirements.lock" in done.stdout
    assert small.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
def test_outputs_that_differ_from_the_lock_are_reported_with_their_first_difference(
    small: Project,
) -> None:
    """Parameters with another seed are committed with an old lock, as without a `dvc repro`."""
    edit(small, "seed: 1\n  l1", "seed: 2\n  l1")
    small.run("git", "commit", "-qam", "another seed, no repro")
    (small.folder / "notes.txt").write_text("not committed")
    (small.folder / "CHANGELOG.md").write_text("changed")
    # The expected model is then in DVC's cache only, while models/training is here.
    shutil.rmtree(small.folder / "models/model")
    done = small.run("linreg", "verify", check=False)
    small.run("git", "reset", "-q", "--hard", "HEAD~1")
    (small.folder / "notes.txt").unlink()
    small.run("dvc", "checkout", "models/model")
    assert done.returncode == 1, done.stderr
    assert "verify: NOT the same" in done.stdout
    assert "uncommitted changes are not verified" in done.stdout
    assert ": CHANGELOG.md, notes.txt\n" in done.stdout
    lines = done.stdout.splitlines()
    assert any(line.startswith("train     models/model") and "DIFFERENT" in line for line in lines)
    assert any(line.startswith("split     data/split") and line.endswith("same") for line in lines)
    differences = lines[lines.index("first differences:") + 1 :]
    # The expected files come from the cache, from here, and from git.
    for name in ("model.json: ", "history.csv: ", "scores.json: "):
        assert any(name in line and "ulp" in line for line in differences), done.stdout
    assert not any("is not here" in line for line in differences)


@pytest.mark.very_slow
@pytest.mark.timeout(1500)
def test_the_matrix_of_changed_parameters_compares_configurations(small: Project) -> None:
    """With two shards, so that two of four workers have none."""
    done = small.run("linreg", "verify", "--matrix", "-S", "split.shards=2")
    lines = done.stdout.splitlines()
    assert sum("the reference for the others" in line for line in lines) == 1
    assert (
        sum(": same, " in line for line in lines)
        == sum("CPU" in line and "worker" in line for line in lines) - 1
    )
    assert any("4 workers, 2 threads" in line for line in lines)
    assert "verify: every byte is the same" in done.stdout


@pytest.mark.very_slow
@pytest.mark.timeout(600)
def test_stages_of_ones_own_are_run_in_their_order(small: Project) -> None:
    """`clean` stands behind all others in dvc.yaml, and in a folder of its own; ingest reads it."""
    (small.folder / "prep").mkdir()
    (small.folder / "prep/clean.py").write_text(
        "import os\nfrom pathlib import Path\n"
        "assert os.environ['DVC_STAGE'] == 'clean'\n"
        "rows = Path('../data/mine.csv').read_text().splitlines(keepends=True)\n"
        "Path('../data/cleaned.csv').write_text(''.join(rows[:-1]))\n"
    )
    edit(small, "source: data/mine.csv", "source: data/cleaned.csv")
    command = "stage add -q -n clean -w prep -d clean.py -d ../data/mine.csv -o ../data/cleaned.csv"
    small.run("dvc", *command.split(), "python clean.py")
    files = "  copies:\n    foreach: [a, b]\n    do:\n      cmd: cp params.yaml data/copy-${item}\n"
    edit(
        small,
        "\nartifacts:",
        f'\n{files}      outs: ["data/copy-${{item}}"]\n\nartifacts:',
        "dvc.yaml",
    )
    small.run("dvc", "repro")
    small.run("git", "add", "-A")
    small.run("git", "commit", "-qm", "own stages")
    done = small.run("linreg", "verify")
    assert done.stdout.count("  same") == 17
    lines = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("  same")]
    assert lines.index("clean") < lines.index("ingest")
    assert {"copies@a", "copies@b"} < set(lines)
    # Several configurations, and so without a process for each of linreg's stages.
    assert ": same, " in small.run("linreg", "verify", "-S", "train.epochs=3").stdout
    small.run("git", "reset", "-q", "--hard", "HEAD~1")
    small.run("dvc", "repro")


@pytest.mark.slow
def test_an_input_that_is_missing_or_has_changed_is_named(small: Project) -> None:
    table = small.folder / "data/mine.csv"
    before, md5 = table.read_text(), content_hash(table)
    table.write_text(before + "1,1,1\n")
    other = small.run("linreg", "verify", check=False)
    table.unlink()
    gone = small.run("linreg", "verify", check=False)
    table.write_text(before)
    for done in (other, gone):
        assert done.returncode == 2
        assert done.stderr.startswith("error: stage ingest: data/mine.csv: is an input with MD5 ")
        assert md5 in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_wrong_parameters_are_one_line(small: Project) -> None:
    for change, word in (
        ("split.shard=2", "shards"),
        ("split", "KEY=VALUE"),
        ("train.epochs=0", "epochs"),
    ):
        done = small.run("linreg", "verify", "-S", change, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert word in done.stderr


def test_outside_of_a_repository_it_is_one_line(tmp_path: Path) -> None:
    done = Project(tmp_path).run("linreg", "verify", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: linreg verify: works in a project")
