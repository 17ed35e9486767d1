from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.merging.merge_params import merge_by_line, merge_params
from linreg.params.edit import with_values
from linreg.plain_yaml import has_conflict_markers
from tests.merging.repository import Repository

BASE = (Path(__file__).parents[2] / "params.yaml").read_text()
VALUES = {
    "train.lr": (0.02, 0.03),
    "train.momentum": (0.5, 0.6),
    "train.batch_size": (16, 64),
    "train.epochs": (5, 7),
    "split.shards": (2, 3),
    "generate.theta": ([1.0], [1.0, 2.0, 3.0]),
    "model.formula": ("y ~ x1", "y ~ ."),
}
changes = st.dictionaries(st.sampled_from(list(VALUES)), st.integers(0, 1))


def changed(choice: dict[str, int]) -> str:
    return with_values(BASE, {name: VALUES[name][index] for name, index in choice.items()})


@pytest.mark.slow
@settings(max_examples=12)
@given(changes, changes)
def test_all_changes_are_in_the_merged_text_unless_both_changed_one_parameter(
    ours: dict[str, int], theirs: dict[str, int]
) -> None:
    base, a, b = (each.encode() for each in (BASE, changed(ours), changed(theirs)))
    text, has_conflicts = merge_params(base, a, b)
    assert has_conflicts == has_conflict_markers(text.decode())
    assert has_conflicts == any(ours[name] != theirs[name] for name in ours.keys() & theirs.keys())
    expected = merge_by_line(base, a, b)[0] if has_conflicts else changed(ours | theirs).encode()
    assert text == expected


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("a: {x: 1}\n", "a: {y: 1}\n"),
        ("a:\n  x: 1\n  y: 2\n", "a:\n  x: 2\n"),
        ("a:\n  x: 0\n  x: 1\n", "a:\n  x: 2\n"),
        ("a: [\n", "a: 2\n"),
        ("a: 1\n", "\xff"),
    ],
)
def test_what_is_not_certain_stays_a_conflict(ours: str, theirs: str) -> None:
    texts = (b"a:\n  x: 0\n", ours.encode("latin-1"), theirs.encode("latin-1"))
    assert merge_params(*texts) == (merge_by_line(*texts)[0], True)


@pytest.mark.parametrize("driver", [True, False])
def test_neighbouring_parameters_are_no_conflict(
    repository: Callable[..., Repository], driver: bool
) -> None:
    repo = repository(driver=driver)
    (repo.folder / "params.yaml").write_text(BASE)
    start = repo.commit_all()
    for branch, choice in {"theirs": {"train.lr": 0}, "ours": {"train.batch_size": 0}}.items():
        repo.git("checkout", "-q", "-b", branch, start)
        (repo.folder / "params.yaml").write_text(changed(choice))
        repo.commit_all()
    assert repo.git("merge", "theirs", check=False).returncode == int(not driver)
    if not driver:
        done = repo.linreg("merge")
        assert done.stdout == "params.yaml: merged, as no parameter was changed on both sides\n"
    expected = changed({"train.lr": 0, "train.batch_size": 0})
    assert (repo.folder / "params.yaml").read_text() == expected
