"""`linreg merge` as git calls it, in every way in which git merges, and after git did it alone."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.merging.install import FILES, configure_git, install_merge_driver
from linreg.merging.lock_entries import lock_text
from linreg.plain_yaml import has_conflict_markers
from tests.merging.repository import Repository
from tests.merging.test_merge_lock import BASE, CHANGES, NAMES, merged_of
from tests.merging.toy_pipeline import SCORES, State

Make = Callable[..., Repository]
LR, EPOCHS, CONFIDENCE = (
    BASE.changed(train_lr=1),
    BASE.changed(train_epochs=1),
    BASE.changed(evaluate_confidence=1),
)


def to_run_again(output: str) -> list[str]:
    """Return the stages that `linreg merge` has named."""
    line = next(line for line in output.splitlines() if "dvc.lock: merged; " in line)
    names = line.partition("to run again: ")[2].partition(". `dvc repro`")[0]
    return names.split(", ") if names else []


@pytest.mark.parametrize("folder", ["", "teams/cars & more/ä"])
def test_git_merges_by_stage_also_in_a_folder_of_a_larger_repository(
    repository: Make, folder: str
) -> None:
    repo = repository(folder)
    repo.diverge(LR, CONFIDENCE)
    done = repo.git("merge", "theirs")
    assert to_run_again(done.stderr) == ["evaluate"]
    assert list(repo.entries()) == NAMES[:4]
    assert repo.entries()["train"].text == LR.entries()["train"]
    assert repo.git("status", "--porcelain").stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ("merge", "--no-edit"),
        ("merge", "--no-edit", "-s", "recursive"),
        ("merge", "--squash"),
        ("rebase", "-q"),
        ("rebase", "-q", "--apply"),
        ("cherry-pick",),
    ],
)
def test_each_way_in_which_git_merges_keeps_the_same_entries(
    repository: Make, command: tuple[str, ...]
) -> None:
    repo = repository()
    repo.diverge(LR, EPOCHS)
    done = repo.git(*command, "theirs")
    assert to_run_again(done.stderr) == ["train", "evaluate"]
    assert repo.entries() == merged_of(LR, EPOCHS).entries
    assert repo.git("diff", "--name-only", "--diff-filter=U").stdout == ""


def test_in_a_revert_what_other_commits_changed_is_kept(repository: Make) -> None:
    repo = repository()
    commit = repo.commit(LR)
    repo.commit(LR.changed(evaluate_confidence=1))
    repo.git("revert", "--no-edit", commit)
    assert repo.entries()["train"].text == BASE.entries()["train"]
    assert "evaluate" not in repo.entries()


def test_in_a_worktree_and_in_a_rebase_of_several_commits(repository: Make) -> None:
    repo = repository()
    repo.branch("theirs", LR)
    repo.commit(LR.changed(train_seed=1))
    repo.branch("ours", BASE.changed(generate_seed=1), start="main")
    tree = repo.top.parent / "worktree"
    repo.git("worktree", "add", "-q", str(tree), "theirs")
    done = repo.git("rebase", "ours", folder=tree)
    repo.folder = tree
    assert "to run again: train, evaluate" in done.stderr
    expected = BASE.changed(generate_seed=1).entries()
    assert list(repo.entries()) == NAMES[:3]
    assert all(entry.text == expected[name] for name, entry in repo.entries().items())


def test_nothing_is_printed_of_the_ancestors_of_a_criss_cross_merge(repository: Make) -> None:
    repo = repository()
    repo.diverge(LR, BASE.changed(comment_generate=1))
    repo.git("branch", "ours-before")
    repo.git("merge", "--no-edit", "theirs")
    repo.git("checkout", "-q", "theirs")
    repo.git("merge", "--no-edit", "ours-before")
    repo.commit(LR.changed(comment_generate=1, evaluate_confidence=1))
    repo.git("checkout", "-q", "ours")
    repo.commit(LR.changed(comment_generate=1, comment_train=1))
    done = repo.git("merge", "--no-edit", "theirs")
    assert len([line for line in done.stderr.splitlines() if ": merged;" in line]) == 1
    assert to_run_again(done.stderr)[-1] == "evaluate"


@pytest.mark.very_slow
@pytest.mark.parametrize("seed", range(12))
def test_random_histories(repository: Make, seed: int) -> None:
    """Every merge of branches that change anything, run or resolved by hand, is one by stage."""
    draw = random.Random(seed)  # noqa: S311 - the same again
    repo = repository(draw.choice(["", "project"]), driver=seed % 3 > 0)

    def change(state: State) -> State:
        return state.changed(**{name: draw.randint(1, 3) for name in draw.sample(CHANGES, 2)})

    ours = BASE
    for step in range(3):
        before = repo.git("rev-parse", "HEAD").stdout.strip()
        sides = change(ours), change(ours)
        merged = ours.merged(*sides)
        repo.branch(f"theirs{step}", sides[1], start=before)
        repo.git("checkout", "-q", "-B", "main", before)
        repo.commit(sides[0])
        done = repo.git("merge", "--no-edit", f"theirs{step}", check=False)
        assert seed % 3 == 0 or not has_conflict_markers((repo.folder / "dvc.lock").read_text())
        if done.returncode:
            unmerged = repo.git("diff", "--name-only", "--diff-filter=U").stdout.split()
            for each in unmerged:
                name = str((repo.top / each).relative_to(repo.folder))
                if name not in ("dvc.lock", SCORES):
                    (repo.folder / name).write_text(merged.files()[name])
        if done.returncode or seed % 3 == 0:
            repo.linreg("merge", check=False)
        known = [each.entries() for each in (ours, *sides)]
        for name, entry in repo.entries().items():
            assert entry.text in [entries[name] for entries in known]
            assert entry.text == merged.entries()[name] or len(repo.entries()) < len(NAMES)
        assert "evaluate" not in repo.entries() or repo.scores_are_recorded()
        ours = merged
        repo.commit(ours)


@pytest.mark.parametrize("command", [("merge",), ("rebase",), ("cherry-pick",)])
def test_after_conflicts_linreg_merge_does_what_git_would_have_done(
    repository: Make, command: tuple[str, ...]
) -> None:
    repo = repository(driver=False)
    repo.diverge(LR, CONFIDENCE)
    assert repo.git(*command, "theirs", check=False).returncode == 1
    assert has_conflict_markers((repo.folder / "dvc.lock").read_text())
    done = repo.linreg("merge")
    assert to_run_again(done.stdout) == ["evaluate"]
    assert repo.entries() == merged_of(LR, CONFIDENCE).entries
    assert not has_conflict_markers((repo.folder / SCORES).read_text())
    again = repo.linreg("merge")
    assert again.stdout.splitlines()[0] == done.stdout.splitlines()[0]


def test_a_parameter_that_both_have_changed_is_decided_by_params_yaml(repository: Make) -> None:
    repo = repository()
    theirs = BASE.changed(train_lr=2)
    repo.diverge(LR, theirs)
    done = repo.git("merge", "theirs", check=False)
    assert to_run_again(done.stderr) == ["train", "evaluate"]
    done = repo.linreg("merge", check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: params.yaml: has git's conflict markers; resolve them in an editor, then run "
        "`linreg merge`\n",
    )
    repo.git("checkout", "--theirs", "params.yaml")
    done = repo.linreg("merge")
    assert to_run_again(done.stdout) == []
    assert lock_text(repo.entries()) == theirs.files()["dvc.lock"]
    assert f"{SCORES}: " in done.stdout
    assert repo.scores_are_recorded()


def test_what_git_has_merged_line_by_line_is_merged_again_by_stage(repository: Make) -> None:
    """Git makes one entry out of two, without a conflict: no side has run it."""
    repo = repository(driver=False)
    ours, theirs = BASE.changed(comment_train=1), BASE.changed(train_seed=1)
    repo.diverge(ours, theirs)
    repo.git("merge", "--no-edit", "theirs")
    known = [each.entries()["train"] for each in (ours, theirs)]
    assert repo.entries()["train"].text not in known
    assert "train" in to_run_again(repo.linreg("merge").stdout)
    assert "train" not in repo.entries()


def test_what_dvc_has_written_since_is_not_touched(repository: Make) -> None:
    repo = repository()
    repo.diverge(LR, EPOCHS)
    repo.git("merge", "--no-edit", "theirs")
    text = BASE.merged(LR, EPOCHS).files()["dvc.lock"]
    (repo.folder / "dvc.lock").write_text(text)
    done = repo.linreg("merge", check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "nothing to merge: dvc.lock is not that of a merge\n",
    )
    assert (repo.folder / "dvc.lock").read_text() == text


def test_markers_in_a_commit_are_resolved_from_its_parents(repository: Make) -> None:
    repo = repository(driver=False)
    repo.diverge(LR, CONFIDENCE)
    repo.git("merge", "theirs", check=False)
    repo.commit_all()
    assert to_run_again(repo.linreg("merge").stdout) == ["evaluate"]
    repo.commit_all()
    (repo.folder / "dvc.lock").write_text("<<<<<<< HEAD\n")
    done = repo.linreg("merge", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: dvc.lock: has conflict markers, and git does not know")


def test_a_damaged_version_is_a_conflict_in_which_ours_stays(repository: Make) -> None:
    repo = repository()
    repo.diverge(LR, EPOCHS)
    repo.git("checkout", "-q", "theirs")
    (repo.folder / "dvc.lock").write_text("<<<<<<< HEAD\nschema\n=======\n>>>>>>> x\n")
    repo.commit_all()
    repo.git("checkout", "-q", "ours")
    done = repo.git("merge", "theirs", check=False)
    assert done.returncode == 1
    assert "error: dvc.lock (theirs): is damaged; found conflict markers; take" in done.stderr
    assert (repo.folder / "dvc.lock").read_text() == LR.files()["dvc.lock"]


def test_a_lock_that_one_side_has_deleted_is_left_to_the_user(repository: Make) -> None:
    repo = repository()
    repo.diverge(LR, EPOCHS)
    repo.git("rm", "-q", "dvc.lock")
    repo.commit_all()
    assert repo.git("merge", "theirs", check=False).returncode == 1
    assert repo.linreg("merge", check=False).returncode == 1
    assert (repo.folder / "dvc.lock").read_text() == EPOCHS.files()["dvc.lock"]


def test_a_damaged_ancestor_leaves_what_both_sides_have_alike(repository: Make) -> None:
    repo = repository()
    (repo.folder / "dvc.lock").write_text("<<<<<<< HEAD\n")
    repo.commit_all()
    repo.diverge(LR, EPOCHS)
    done = repo.git("merge", "--no-edit", "theirs")
    assert to_run_again(done.stderr) == ["train", "evaluate"]


def test_another_file_is_never_merged_by_losing_a_side(repository: Make) -> None:
    repo = repository()
    (repo.folder / ".gitattributes").write_text("* merge=linreg\n")
    repo.commit_all()
    repo.diverge(BASE.changed(comment_train=1), BASE.changed(code_train=1))
    done = repo.git("merge", "theirs", check=False)
    assert done.returncode == 1
    assert repo.git("diff", "--name-only", "--diff-filter=U").stdout.split() == ["code/train.py"]
    assert "error: code/train.py: is no output that dvc.lock records; remove" in done.stderr


def test_installing_says_what_it_changes_and_changes_it_once(repository: Make) -> None:
    repo = repository("sub", driver=False)
    (repo.folder / ".gitattributes").write_text("*.csv text")
    done = repo.linreg("merge", "--install")
    assert "git config --local merge.linreg.driver " in done.stdout
    assert "in each clone, run `linreg merge --install` once" in done.stdout
    text = "*.csv text\n" + "".join(f"{each} merge=linreg\n" for each in FILES)
    assert (repo.folder / ".gitattributes").read_text() == text
    assert repo.linreg("merge", "--install").stdout == done.stdout
    assert (repo.folder / ".gitattributes").read_text() == text


def test_outside_of_a_repository_git_has_nothing_to_configure(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not in a git repository; run `git init` first$"):
        configure_git(tmp_path)
    assert "linreg merge --install" in install_merge_driver(tmp_path)
    assert (tmp_path / ".gitattributes").is_file()
